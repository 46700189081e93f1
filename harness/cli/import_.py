"""`pgdyno import`: what an application asks its server, as a scenario with weights."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli import options
from harness.cli.terminal import remark, say

if TYPE_CHECKING:
    from harness.venue.control import Control
    from harness.workload.observed import Observations
    from harness.workload.writing import Workload

SOURCES = ("pg_stat_statements", "log", "sql")
TOP = 20
LISTED = 20
WIDTH = 80

_EPILOG = """\
exit codes: 0 a file was written, 2 usage, 4 nothing can be repeated,
5 no server

examples:
  pgdyno import --from pg_stat_statements --server dsn:postgresql://me@host/shop
  pgdyno import --from log pg.log --server dsn:… --hide users.email
  pgdyno import --from sql queries.sql --server dsn:… --out own.toml
"""


def add_parser(subparsers: Any) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser(
        "import",
        help="your own workload as a scenario: from pg_stat_statements, a log or a script",
        description="Write the statements that an application asks as cases, and a mix of\n"
        "them by the number of their calls. Statements that only read; their parameters\n"
        "are drawn by the server from its own tables. The server is only read.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--from",
        dest="source",
        nargs="+",
        required=True,
        metavar=("SOURCE", "FILE"),
        help="pg_stat_statements, log FILE (PostgreSQL's stderr, csvlog or jsonlog) or "
        "sql FILE (a script; weights as comments: -- weight: 3)",
    )
    options.add_server(parser)
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE.toml",
        help="file, or folder for it, to write (default: DATABASE.toml)",
    )
    parser.add_argument(
        "--hide",
        action="append",
        default=[],
        metavar="TABLE.COLUMN",
        help="a column whose values are not drawn and not returned; may be repeated",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=1,
        metavar="N",
        help="which values are drawn (default: 1)",
    )
    parser.add_argument(
        "--top",
        type=_count,
        default=TOP,
        metavar="N",
        help=f"take the first N statements (default: {TOP})",
    )
    parser.add_argument(
        "--by",
        choices=("calls", "time"),
        default="calls",
        help="first by the number of calls, or by the server's time (default: calls)",
    )
    parser.add_argument(
        "--database",
        metavar="NAME",
        help="of a log: statements of this database (default: that of the server)",
    )
    parser.set_defaults(run=run)


def _count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 1_000:
        raise argparse.ArgumentTypeError(f"'{text}' is no number from 1 to 1000")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Observe, try, write; what was left out is said with its reason."""
    from harness import servers
    from harness.core.errors import EXIT_INVALID, EXIT_PASS, UsageError, needing
    from harness.servers import open_server
    from harness.venue.control import Control

    source, file = _source(args.source)
    with needing("import", "pgdyno import"):
        from harness.workload import importing, relations, trial, writing
    spec = servers.parse(args.server, max_connections=20, transport=args.transport)
    if spec.managed:
        raise UsageError(
            f"--server {args.server} starts a server that is empty",
            hint="name yours: --server dsn:postgresql://user@host/database",
        )
    with open_server(spec) as server, Control(server.target, "pgdyno import") as control:
        trial.only_read(control)
        hidden = relations.hidden(args.hide, relations.Relations(control))
        out = _free(args.out, control)
        seen = _observed(source, file, args.database, control)
        workload = importing.imported(control, seen, hidden, args.seed, args.top, args.by)
    _tell(workload)
    if not workload.cases:
        return EXIT_INVALID
    _write(out, writing.toml(workload))
    say(f"\n{out}")
    server_words = "--server dsn:…" if args.server.startswith(("dsn", "postgres")) else ""
    for words in (f"check {out}", f"bench {out}", f"diff psycopg2 asyncpg {out} --times"):
        say(f"  pgdyno {words} {server_words}".rstrip())
    return EXIT_PASS


def _source(words: Sequence[str]) -> tuple[str, Path | None]:
    """What `--from` names: a source, and its file if it has one.

    Raises:
        UsageError: it is none, or lacks its file.
    """
    from harness.core.errors import UsageError

    name, *files = words
    if name not in SOURCES:
        raise UsageError(
            f"--from {name}: there is no such source", hint=f"one of: {', '.join(SOURCES)}"
        )
    if len(files) != (name != "pg_stat_statements"):
        needs = "no file" if name == "pg_stat_statements" else "one file"
        raise UsageError(
            f"--from {name} takes {needs}", hint="pgdyno import --from log postgresql.log"
        )
    return name, Path(files[0]) if files else None


def _observed(
    source: str, file: Path | None, database: str | None, control: Control
) -> Observations:
    from harness.workload import extension, log, script

    if file is None:
        return extension.observations(control)
    if source == "sql":
        return script.observations(file)
    return log.observations(file, database or control.value("select current_database()"))


def _free(out: Path | None, control: Control) -> Path:
    """The file to write; its folder is there, it itself is not.

    Raises:
        UsageError: it exists, or is no TOML file.
    """
    from harness.core.errors import UsageError

    path = out or Path()
    if path.is_dir():
        name = control.value("select current_database()")
        path /= f"{re.sub(r'[^A-Za-z0-9_-]+', '-', name)[:80]}.toml"
    if path.suffix != ".toml":
        raise UsageError(
            f"--out {path} is neither a folder nor a TOML file",
            hint=f"write {path.with_suffix('.toml')}, or make the folder",
        )
    if path.exists():
        raise UsageError(f"{path} exists already", hint="name another --out, or remove it")
    return path


def _write(path: Path, text: str) -> None:
    """Write a file that is not there yet."""
    from harness.core.errors import ResultsError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ResultsError(f"{path} cannot be written: {error.strerror}") from error


def _tell(workload: Workload) -> None:
    """What is covered by which case, and what is left out for what reason."""
    from harness.report import format as fmt
    from harness.workload.writing import covered, left_out_line, title_of

    say(f"{covered(workload)}\n")
    for case in workload.cases:
        share = 100 * case.calls / workload.calls
        line = f"  {share:5.1f} %  {case.name}: {title_of(case.tried.statement.sql)}"
        say(fmt.shorten(line, WIDTH))
    if workload.left_out:
        remark("\nleft out:")
    for part in workload.left_out[:LISTED]:
        for line in fmt.wrapped(
            left_out_line(part).strip(), WIDTH, first="  ", rest="    "
        ):
            remark(line)
    if (more := len(workload.left_out) - LISTED) > 0:
        remark(f"  and {more:,} more")
