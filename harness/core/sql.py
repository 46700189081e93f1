"""SQL as written in scenarios: find the `$n`, and say them in another style.

Pure functions, standard library only. A regular expression over the whole text would
also hit `'$1'`, `"a$1"`, `-- $1` and `$body$ … $1 … $body$`, and would forget that
`$2, $1` sends its parameters in another order than they are given; so the text is cut
into tokens first, and translation keeps the order it found.

Strings are read as PostgreSQL reads them with `standard_conforming_strings = on`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

TokenKind = Literal["parameter", "word", "quoted", "comment", "other"]

Params = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of SQL; the texts of all tokens together are the input."""

    kind: TokenKind
    text: str


@dataclass(frozen=True, slots=True)
class Translated:
    """SQL in another placeholder style.

    `order` says which parameter (from 0) stands at each placeholder, left to right.
    """

    sql: str
    order: tuple[int, ...]

    @property
    def in_order(self) -> bool:
        """Whether the placeholders ask for each parameter once and in turn."""
        return self.order == tuple(range(len(self.order)))

    def arrange(self, params: Params) -> Params:
        """One call's parameters as the placeholders ask for them: moved, repeated.

        Parameters that are in order are left alone even if there are too many, so
        that the library is the one to complain.
        """
        if self.in_order:
            return params
        missing = max(self.order) + 1 - len(params)
        if missing > 0:
            raise ValueError(f"{missing} parameter(s) too few for: {self.sql}")
        return tuple(params[index] for index in self.order)

    def named(self, params: Params) -> dict[str, Any]:
        """One call's parameters by the names `p1`, `p2`, …"""
        return {f"p{number}": value for number, value in enumerate(params, 1)}


# Alternatives are tried in this order: an identifier swallows the `$1` of `a$1`, and
# an E string must win over the identifier `e`. What a quote ends with always follows what
# stands in it, so nothing is ever tried twice; possessive `++` would need CPython 3.11.
_TOKEN = re.compile(
    r"""
    (?P<quoted> [eE]'(?:[^'\\]+|\\.|'')*(?:'|\\?\Z)
              | '(?:[^']+|'')*(?:'|\Z)
              | "(?:[^"]+|"")*(?:"|\Z)
              | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z) )
  | (?P<comment> --[^\n]* )
  | (?P<parameter> \$\d+ )
  | (?P<word> [^\W\d][\w$]* )
  | (?P<other> \d[\w.]* | [^\w'"$/-]+ | . )
    """,
    re.VERBOSE | re.DOTALL,
)


def tokens(sql: str) -> Iterator[Token]:
    """Cut SQL into tokens; a quote that is not closed lasts to the end."""
    position = 0
    while position < len(sql):
        if sql.startswith("/*", position):
            end = _end_of_block_comment(sql, position)
            yield Token("comment", sql[position:end])
        else:
            match = _TOKEN.match(sql, position)
            assert match is not None  # the last alternative takes any character
            kind = "quoted" if match["quoted"] else match.lastgroup
            yield Token(kind, match[0])  # type: ignore[arg-type]
            end = match.end()
        position = end


def _end_of_block_comment(sql: str, start: int) -> int:
    depth = 0
    for mark in re.finditer(r"/\*|\*/", sql[start:]):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return start + mark.end()
    return len(sql)


def parameters(sql: str) -> tuple[int, ...]:
    """The parameters (from 0) that the placeholders of `sql` ask for, left to right."""
    return tuple(_index(token) for token in tokens(sql) if token.kind == "parameter")


def _index(token: Token) -> int:
    return int(token.text[1:]) - 1


def to_format(sql: str) -> Translated:
    """`$n` → `%s`, and `%` → `%%`; parameters may have to be arranged."""
    return _translate(sql, lambda _: "%s")


def to_pyformat(sql: str) -> Translated:
    """`$n` → `%(pn)s`, and `%` → `%%`; a parameter used twice is still one parameter."""
    return _translate(sql, lambda index: f"%(p{index + 1})s")


def to_colon(sql: str) -> Translated:
    """`$n` → `:pn`, for libraries that look for colons; `%` means nothing to them."""
    return _translate(sql, lambda index: f":p{index + 1}", escape=False)


def _translate(
    sql: str, placeholder: Callable[[int], str], *, escape: bool = True
) -> Translated:
    if not _HARD.search(sql):
        return _translate_plain(sql, placeholder, escape=escape)
    found = list(tokens(sql))
    order = tuple(_index(token) for token in found if token.kind == "parameter")
    if not order:  # such a statement is passed without parameters: nothing is looked for
        return Translated(sql, ())
    pieces = [
        placeholder(_index(token))
        if token.kind == "parameter"
        else token.text.replace("%", "%%")
        if escape
        else token.text
        for token in found
    ]
    return Translated("".join(pieces), order)


# A quote, a comment, or a `$` that may be no parameter's: it takes tokens to tell.
_HARD = re.compile(r"""['"]|--|/\*|\$(?!\d)|[\w$]\$""")
_PARAMETER = re.compile(r"\$(\d+)")


def _translate_plain(
    sql: str, placeholder: Callable[[int], str], *, escape: bool
) -> Translated:
    """Without tokens: a statement may have 65,535 parameters."""
    order = tuple(int(number) - 1 for number in _PARAMETER.findall(sql))
    if not order:
        return Translated(sql, ())
    text = sql.replace("%", "%%") if escape else sql
    made = _PARAMETER.sub(lambda match: placeholder(int(match[1]) - 1), text)
    return Translated(made, order)


_READS = {"select", "values", "table", "show", "explain", "fetch"}
_WRITES = {"insert", "update", "delete", "merge"}


def returns_rows(sql: str) -> bool:
    """Whether a statement returns rows, judged by its words outside of parentheses.

    Enough for libraries that answer `[]` either way; `call` and `execute`, which only
    the server can tell, count as returning none.
    """
    words = list(outer_words(sql))
    verb = words[0] if words else ""
    if verb == "with":
        verb = next((word for word in words if word in _READS | _WRITES), "")
    if verb in _WRITES:
        return "returning" in words
    return verb in _READS and not (verb == "select" and "into" in words)


def outer_words(sql: str) -> Iterator[str]:
    """The words of a statement outside of parentheses, small, and its very first one."""
    depth, first = 0, True
    for token in tokens(sql):
        if token.kind == "other":
            depth += token.text.count("(") - token.text.count(")")
        elif token.kind == "word" and (depth == 0 or first):
            first = False
            yield token.text.lower()


def quote(name: str) -> str:
    """A name as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as a string constant."""
    return "'" + text.replace("'", "''") + "'"


def array_literal(values: Iterable[str | None]) -> str:
    """Texts as an array that PostgreSQL reads, for a parameter."""
    items = (
        "NULL"
        if value is None
        else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        for value in values
    )
    return "{" + ",".join(items) + "}"


def shortened(sql: str, chars: int) -> str:
    """SQL on one line, in at most so many characters."""
    line = " ".join(sql.split())
    return line if len(line) <= chars else f"{line[: chars - 1]}…"


def split_table(table: str) -> tuple[str | None, str]:
    """`schema.table` → both; a bare name has no schema."""
    schema, _, name = table.rpartition(".")
    return schema or None, name


def quote_table(table: str) -> str:
    """`schema.table` or `table` with its parts quoted."""
    return ".".join(quote(part) for part in split_table(table) if part)


def copy_in_statement(table: str, columns: Sequence[str], form: str) -> str:
    """`copy … from stdin` for a table and columns given as names."""
    names = f" ({', '.join(map(quote, columns))})" if columns else ""
    return f"copy {quote_table(table)}{names} from stdin (format {form})"


def copy_out_statement(query: str, form: str) -> str:
    """`copy (query) to stdout`."""
    return f"copy ({query}) to stdout (format {form})"
