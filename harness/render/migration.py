"""The migration report: from one driver to another, as Markdown, HTML or JSON.

The guide (`harness.moving`) has decided what matters; here it is only put into words and
marks. Whatever comes from a run is escaped.
"""

from __future__ import annotations

import json as _json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from html import escape as html_escape
from pathlib import Path

from harness.core.visible import safe_json, visible
from harness.moving import INTROS, Entry, Example, Group, Guide, Part
from harness.report import format as fmt
from harness.report.format import markdown_cell as esc

_LONG = 180
_NAMED_CELLS = 12
_ANSWERS = 5
_ANSWER = 110
_ROWS = 12
_OPEN = 6
"""How many entries of a group are there to be read at once; the others unfold."""
_TEMPLATES = Path(__file__).parent / "templates"

_COUNTED: dict[Group, str] = {
    Group.SILENT: "change silently",
    Group.FATAL: "crash or hang",
    Group.BEHAVIOUR: "behave differently",
    Group.ERROR: "raise where there was a result",
    Group.TYPES: "give another Python type",
    Group.UNSUPPORTED: "have no counterpart",
    Group.OTHER_ERROR: "raise another exception or one that says less",
    Group.BETTER: "become right",
}


_ONE: dict[Group, str] = {
    Group.SILENT: "changes silently",
    Group.FATAL: "crashes or hangs",
    Group.BEHAVIOUR: "behaves differently",
    Group.ERROR: "raises where there was a result",
    Group.TYPES: "gives another Python type",
    Group.UNSUPPORTED: "has no counterpart",
    Group.OTHER_ERROR: "raises another exception or one that says less",
    Group.BETTER: "becomes right",
}


def title(guide: Guide) -> str:
    """`From psycopg2 2.9.12 to asyncpg 0.31.0`."""
    return f"From {guide.a.title} to {guide.b.title}"


def lead(guide: Guide) -> str:
    """The result in one paragraph."""
    counted = [
        f"{guide.count(group):,} {_ONE[group] if guide.count(group) == 1 else words}"
        for group, words in _COUNTED.items()
        if guide.count(group)
    ]
    alike = f"{guide.alike:,} of {guide.compared:,} checks come out alike"
    if not counted:
        return f"No answer changes: {alike}."
    return f"{alike}. Of the others, {_and(counted)}."


def _and(words: list[str]) -> str:
    if len(words) < 3:
        return " and ".join(words)
    return f"{', '.join(words[:-1])}, and {words[-1]}"


def advice(guide: Guide) -> str:
    """How large the move is, and where to begin."""
    silent, fatal = guide.count(Group.SILENT), guide.count(Group.FATAL)
    if fatal:
        first = "Begin with the crashes: they decide whether the move is possible at all."
        second = " Then the silent changes, which no test of yours finds by itself."
        return first + second * bool(silent)
    if silent:
        return (
            "Begin with the silent changes: no exception and no type checker will find "
            "them. What raises is found by running the code."
        )
    if guide.count(Group.ERROR):
        return (
            "No value changes silently: what has to be done shows itself as an exception."
        )
    return "No value changes silently, and nothing that worked raises."


def scope(guide: Guide) -> str:
    """Of what this is true."""
    parts = [f"profile {guide.profile}", guide.server]
    if guide.alike_not_exact:
        parts.append(f"{guide.alike_not_exact:,} checks are alike and not exact")
    if guide.neither:
        parts.append(f"{guide.neither:,} can be done with neither")
    if guide.not_comparable:
        parts.append(f"{guide.not_comparable:,} could not be asked")
    return "; ".join(parts)


def concerned(entry: Entry) -> str:
    """`3 checks: date, timestamp`."""
    names = ", ".join(entry.subjects[:_NAMED_CELLS])
    more = len(entry.subjects) - _NAMED_CELLS
    return f"{fmt.plural(len(entry.cells), 'check')}: {names}" + (
        f" and {more} more" if more > 0 else ""
    )


def said(entry: Entry) -> str:
    """What an entry says, which is little where it was said before."""
    return f"As above. Concerns {', '.join(entry.subjects)}." if entry.again else entry.what


def asked(example: Example) -> str:
    """The SQL of an example in one line, with the value that is sent."""
    sql = fmt.shorten(" ".join(example.sql.split()), _LONG)
    if "$1" in sql and example.value:
        return f"{sql}  -- $1: {fmt.shorten(example.value, 60)}"
    return sql or example.asked or example.cell


# --- markdown ---------------------------------------------------------------------------


def markdown(guide: Guide) -> str:
    """The report for a README, a ticket or a merge request."""
    lines = [
        f"# {esc(title(guide))}",
        "",
        f"**{esc(lead(guide))}** {esc(advice(guide))}",
        "",
    ]
    for sentence in guide.workload:
        lines += [f"**{esc(sentence)}**", ""]
    lines += _facts(guide)
    lines += _code(guide)
    for part in guide.parts:
        lines += _part(guide, part)
    lines += [*_terms(guide), f"*{esc(scope(guide))}.*"]
    return visible("\n".join(lines).rstrip()) + "\n"


def _facts(guide: Guide) -> Iterator[str]:
    if not guide.facts:
        return
    yield "## Before the first line"
    yield ""
    for fact in guide.facts:
        yield f"- **{esc(fact.topic.capitalize())}.** {fact.text}"
    yield ""


def _code(guide: Guide) -> Iterator[str]:
    if not guide.code:
        return
    yield "## The same in both"
    yield ""
    for pair in guide.code:
        yield f"**{pair.task}**"
        yield ""
        yield from _block(
            f"# {guide.a.name}\n{pair.before}\n\n# {guide.b.name}\n{pair.after}"
        )


def _block(code: str, language: str = "python") -> list[str]:
    """A fence longer than any inside it."""
    longest = max((len(inner) for inner in re.findall(r"`{3,}", code)), default=2)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", code, fence, ""]


def _part(guide: Guide, part: Part) -> Iterator[str]:
    yield f"## {part.group} ({fmt.plural(part.cells, 'check')})"
    yield ""
    yield part.intro
    yield ""
    detailed, brief = split(part)
    for entry in detailed[:_OPEN]:
        yield f"### {esc(entry.title)}"
        yield ""
        yield from _entry(guide, part, entry)
    for entry in detailed[_OPEN:]:
        yield from _folded(guide, part, entry)
    if brief:
        yield f"| | {esc(guide.a.name)} | {esc(guide.b.name)} | checks |"
        yield "| --- | --- | --- | --: |"
        yield from (_row(entry) for entry in brief[:_ROWS])
        yield ""
    if left := brief[_ROWS:]:
        yield f"*{beyond(left)}.*"
        yield ""


def split(part: Part) -> tuple[list[Entry], list[Entry]]:
    """Entries that deserve room, and those that a line of a table is enough for."""
    roomy = [
        entry
        for entry in part.entries
        if part.group in _ROOMY or (entry.do and not entry.again)
    ]
    return roomy, [entry for entry in part.entries if entry not in roomy]


_ROOMY = (Group.SILENT, Group.FATAL)
_WITHOUT_ANSWERS = (Group.UNSUPPORTED, Group.BETTER)


def beyond(left: Sequence[Entry]) -> str:
    """`And 4 more kinds, 9 checks: see --format html or json`."""
    cells = sum(len(entry.cells) for entry in left)
    more = f"And {len(left)} more, {fmt.plural(cells, 'check')}"
    return f"{more}; `--format html` and `json` have all"


def has_evidence(part: Part, entry: Entry) -> bool:
    """Whether it is worth showing: not where it says `works` and `cannot` only."""
    return not (entry.known and part.group in _WITHOUT_ANSWERS)


def evidence(part: Part, entry: Entry) -> Sequence[Example]:
    """The answers to show."""
    return entry.answers if has_evidence(part, entry) else ()


def _folded(guide: Guide, part: Part, entry: Entry) -> Iterator[str]:
    checks = fmt.plural(len(entry.cells), "check")
    yield f"<details><summary><b>{html_escape(entry.title)}</b> ({checks})</summary>"
    yield ""
    yield from _entry(guide, part, entry)
    yield "</details>"
    yield ""


def _entry(guide: Guide, part: Part, entry: Entry) -> Iterator[str]:
    yield f"{_said(entry)} *({esc(concerned(entry))})*".strip()
    yield ""
    if entry.answers or not has_evidence(part, entry):
        yield from _answers(guide, evidence(part, entry))
    else:
        yield f"- {_inline(asked(entry.example))}"
        yield f"- {esc(guide.a.name)}: {_inline(entry.example.before)}"
        yield f"- {esc(guide.b.name)}: {_inline(entry.example.after)}"
        yield ""
    if entry.again:
        return
    if entry.do:
        yield "Do this:"
        yield ""
        yield from _block(entry.do, language_of(entry.do))
    if entry.link:
        yield f"More: <{entry.link}>"
        yield ""


def _answers(guide: Guide, answers: Sequence[Example]) -> Iterator[str]:
    if not answers:
        return
    yield f"| asked | {esc(guide.a.name)} | {esc(guide.b.name)} |"
    yield "| --- | --- | --- |"
    for answer in answers[:_ANSWERS]:
        question = esc(answer.asked or asked(answer))
        cells = (question, _answer(answer.before), _answer(answer.after))
        yield f"| {' | '.join(cells)} |"
    yield ""
    if len(answers) > _ANSWERS:
        yield f"*And {len(answers) - _ANSWERS} more like these.*"
        yield ""


def _answer(text: str) -> str:
    return esc(" ".join(fmt.shorten(text, _ANSWER).split()))


def language_of(code: str) -> str:
    """`sql` for a statement, `python` for everything else."""
    return "sql" if re.match(r"\s*(?:--.*\n\s*)?(select|alter|set)\b", code) else "python"


def _said(entry: Entry) -> str:
    """The words of a fix are Markdown; all others come from a run."""
    return said(entry) if entry.known and not entry.again else esc(said(entry))


def _inline(text: str) -> str:
    """Code in a line, whatever backticks it has."""
    text = fmt.shorten(" ".join(text.split()), _LONG) or fmt.NONE
    ticks = "`" * (max((len(inner) for inner in re.findall("`+", text)), default=0) + 1)
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{space}{text}{space}{ticks}"


def _row(entry: Entry) -> str:
    shown = entry.answers[0] if entry.answers else entry.example
    cells = [
        f"**{esc(entry.title)}** {_said(entry)}",
        esc(fmt.shorten(shown.before, 90)),
        esc(fmt.shorten(shown.after, 90)),
        str(len(entry.cells)),
    ]
    return "| " + " | ".join(" ".join(cell.split()) for cell in cells) + " |"


def _terms(guide: Guide) -> Iterator[str]:
    if not guide.terms:
        return
    yield "## Terms"
    yield ""
    yield f"| | {esc(guide.a.name)} | {esc(guide.b.name)} |"
    yield "| --- | --- | --- |"
    for row in guide.terms:
        yield f"| {' | '.join(map(esc, row))} |"
    yield ""


# --- json -------------------------------------------------------------------------------


def json(guide: Guide) -> str:
    """The guide for programs, with every cell."""
    document = {
        "title": title(guide),
        "lead": lead(guide),
        "counts": {group.name.lower(): guide.count(group) for group in Group},
        **asdict(guide),
    }
    return (
        safe_json(_json.dumps(document, indent=2, ensure_ascii=False, default=str)) + "\n"
    )


# --- html -------------------------------------------------------------------------------


def html(guide: Guide) -> str:
    """The guide as one self-contained page, in the dress of the report."""
    import jinja2
    from markupsafe import Markup, escape

    def prose(text: str) -> Markup:
        """Escaped; `code` and *stress* become markup."""
        shown = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text)))
        return Markup(re.sub(r"(?<![\w*.])\*([^*<>]+)\*(?![\w*])", r"<em>\1</em>", shown))

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        prose=prose,
        plural=fmt.plural,
        shorten=lambda text: fmt.shorten(text, _LONG),
        asked=asked,
        concerned=concerned,
        said=said,
        words=lambda text: fmt.shorten(" ".join(text.split()), _ANSWER),
    )
    page = environment.get_template("migration.html.j2").render(
        guide=guide,
        title=title(guide),
        lead=lead(guide),
        advice=advice(guide),
        scope=scope(guide),
        split=split,
        evidence=evidence,
        has_evidence=has_evidence,
        entries_shown=_OPEN,
        answers_shown=_ANSWERS,
        rows_shown=_ROWS,
        groups=Group,
        intros=INTROS,
        counted=_COUNTED,
    )
    return visible(page)
