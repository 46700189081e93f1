"""Write the synchronous ops and acts of psycopg, SQLSpec and SQLAlchemy from the
asynchronous ones.

    python tools/psycopg_sync.py            # write them
    python tools/psycopg_sync.py --check    # exit 1 if a file is not what would be written

The two APIs of each differ in `async`, `await` and names, and so do the files. Where they
differ by more, a line of `RULES` says how; what only the asynchronous API has stands
under a comment `# async only`.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent / "harness" / "drivers"
MARK = "# Made from {source} by tools/psycopg_sync.py: change that, not this.\n"

BOTH = ("psycopg", "sqlspec", "sqlalchemy")
"""Libraries whose two APIs are one but for `async`."""

RULES = (
    (r"\basync (def|with|for)\b", r"\1"),
    (r"\bAsyncOp\b", "SyncOp"),
    (r"\bpsycopg\.AsyncConnection\.connect\b", "psycopg.connect"),
    (r"`AsyncConnection\.connect`", "`psycopg.connect`"),
    (r"\bPsycopgAsyncConfig\b", "PsycopgSyncConfig"),
    (r"\bAsync(?=[A-Z])|(?<=Psycopg)Async(?=[A-Z])|(?<=Sqlspec)Async(?=[A-Z])", ""),
    (r"\bregister_vector_async\b", "register_vector"),
    (r"\b(core|opening|orm)_async\b", r"\1"),
    (r"\b(acts\w*)_async\b", r"\1"),
    (r"\bconnection\.stream\(", "connection.execute("),
    (
        r"^from sqlalchemy\.ext\.asyncio import Session$",
        "from sqlalchemy.orm import Session",
    ),
    (r"\bcreate_async_engine\b", "create_engine"),
    (r"\.sync_engine\b", ""),
    (r"\bdbapi_connection\.run_async\((\w+)\)", r"\1(dbapi_connection)"),
    (
        r"^from sqlalchemy\.ext\.asyncio import (Engine), (Session.*)$",
        r"from sqlalchemy import \1\nfrom sqlalchemy.orm import \2",
    ),
    (r"\basync_sessionmaker\b", "sessionmaker"),
    (r"\bsqlalchemy\.ext\.asyncio\b", "sqlalchemy"),
    (r"\b(SQLAlchemy(?: Core)?)'s asyncio API\b", r"\1"),
    (r" over its asyncio API\b", ""),
    (r"`async with ", "`with "),
    (r", async: ", ": "),
    (r"\basync (API|configuration)", r"sync \1"),
    # An attribute of the synchronous connection is a method of the asynchronous one.
    (r"\bawait connection\.set_(\w+)\((.+)\)$", r"connection.\1 = \2"),
    (r"`connection\.set_autocommit`", "The attribute `autocommit`"),
    (r"\[(\w+) for \1 in copy\]", "copy"),
    (r"__a(enter|exit)__", r"__\1__"),
    (r"\bawait ", ""),
)


def sources() -> Iterator[tuple[Path, Path]]:
    """Each asynchronous file, with the synchronous one that is written from it."""
    for package in (ROOT / "psycopg", ROOT / "sqlspec"):
        yield package / "asynchronous.py", package / "sync.py"
    for source in sorted((ROOT / "sqlalchemy").glob("*_async.py")):
        yield source, source.with_name(source.name.replace("_async.py", ".py"))
    for folder in (
        acts for name in BOTH for acts in sorted((ROOT / name).glob("acts*_async"))
    ):
        for source in sorted(folder.glob("*.py")):
            yield source, folder.with_name(folder.name.removesuffix("_async")) / source.name


def synchronous(text: str) -> str:
    """The synchronous form of an asynchronous module."""
    text = without_brackets(without_async_only(text))
    for pattern, replacement in RULES:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text


def without_async_only(text: str) -> str:
    """Leave out the definitions under a comment `# async only`."""
    return re.sub(r"^# async only\n.*?\n\n\n(?=\S)", "", text, flags=re.M | re.S)


def without_brackets(text: str) -> str:
    """`(await one()).two` → `await one().two`: brackets that only `await` needs."""
    while (start := text.find("(await ")) >= 0:
        end = closing(text, start)
        inner = text[start + 1 : end].removeprefix("await ")
        bare = text[end + 1 : end + 2] in (".", "[")
        text = f"{text[:start]}{inner if bare else f'({inner})'}{text[end + 1 :]}"
    return text


def closing(text: str, start: int) -> int:
    """Where the bracket that opens at `start` is closed."""
    depth = 0
    for index in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[index], 0)
        if depth == 0:
            return index
    raise ValueError("a bracket is not closed")


def tidy(text: str, path: Path) -> str:
    """As ruff leaves it: no unused imports, lines of the house's length."""
    ruff = [sys.executable, "-m", "ruff"]
    name = ["--stdin-filename", str(path), "-"]
    fixed = [*ruff, "check", "--quiet", "--fix-only", "--select", "F401,I", *name]
    for command in (fixed, [*ruff, "format", "--quiet", *name]):
        text = subprocess.run(
            command, input=text, capture_output=True, encoding="utf-8", check=True
        ).stdout
    return text


def generated(source: Path, path: Path) -> str:
    """The whole text of a synchronous file."""
    place = source.relative_to(ROOT).parts
    mark = MARK.format(source="/".join(place[1:] or place))
    return tidy(mark + synchronous(source.read_text("utf-8")), path)


def main(arguments: list[str] | None = None) -> int:
    """Write or check; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args(arguments).check
    stale = []
    for source, path in sources():
        text = generated(source, path)
        if not path.exists() or path.read_text("utf-8") != text:
            stale.append(path)
            if not check:
                path.parent.mkdir(exist_ok=True)
                path.write_text(text, "utf-8")
    for path in stale:
        print(f"{path}: {'not what its source makes' if check else 'written'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
