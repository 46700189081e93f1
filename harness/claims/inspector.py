"""The process that looks at an installed library: `python -m harness.claims.inspector`.

It reads questions from stdin as JSON and writes an answer for each, one line each, to the
file descriptor that it is told. Standard library only, because it may run in an
environment that has the library and nothing else.
"""

from __future__ import annotations

import ast
import asyncio
import importlib
import inspect
import json
import os
import re
import sys
from collections.abc import Mapping
from typing import Any

TEXT = 500
"""So many characters of a value's text are told."""


class Absent(Exception):  # noqa: N818 - a fact about a library, not a failure
    """A path leads nowhere."""


def found(path: str) -> Any:
    """What stands at `module:attributes`; raises `Absent` where nothing does."""
    module, _, attributes = path.partition(":")
    try:
        thing = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and not module.startswith(error.name):
            raise  # what the module itself needs is missing
        raise Absent(f"there is no module {error.name}") from None
    for name in filter(None, attributes.split(".")):
        try:
            thing = getattr(thing, name)
        except AttributeError:
            raise Absent(f"{path}: there is no `{name}`") from None
    return thing


def answered(question: Mapping[str, Any]) -> dict[str, Any]:
    """What the library says to one question."""
    try:
        value = asyncio.run(_value(question))
    except Absent as absence:
        return {"exists": False, "text": str(absence)}
    except SystemExit as end:
        return _raised(end)
    except BaseException as error:
        return _raised(error)
    return _described(value, question)


async def _value(question: Mapping[str, Any]) -> Any:
    if "python" in question:
        return await _program(question["python"], question["given"])
    thing = found(question["path"])
    args, kwargs = question.get("args"), question.get("kwargs")
    if args is None and kwargs is None:
        return thing
    made = thing(*(args or ()), **(kwargs or {}))
    return await made if inspect.isawaitable(made) else made


async def _program(python: str, given: Mapping[str, Any]) -> Any:
    """What a program leaves in `answer`; it may await at its top level."""
    names: dict[str, Any] = {"__name__": "claim", "answer": None, **given}
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    running = eval(compile(python, "claim", "exec", flags, dont_inherit=True), names)
    if inspect.iscoroutine(running):
        await running
    return names["answer"]


def _raised(error: BaseException) -> dict[str, Any]:
    """An exception by its class, those it derives from, and its message."""
    classes = [kind.__name__ for kind in type(error).__mro__ if kind is not object]
    told = f"{classes[0]}: {error}".rstrip(": ")
    return {"exists": True, "raised": classes, "message": str(error)[:TEXT],
            "text": told[:TEXT]}  # fmt: skip


def _described(value: Any, question: Mapping[str, Any]) -> dict[str, Any]:
    text = value if isinstance(value, str) else repr(value)
    told = {
        "exists": True,
        "type": type(value).__name__,
        "text": re.sub(r" at 0x[0-9a-f]+", "", text)[:TEXT],
        "value": _plain(value),
        "is_a": {path: _is_a(value, path) for path in question.get("is_a", ())},
    }
    return told | _signature(value)


def _plain(value: Any) -> str:
    """The value as JSON; empty for one that has none."""
    try:
        return json.dumps(value, sort_keys=True)
    except (TypeError, ValueError):
        return ""


def _is_a(value: Any, path: str) -> bool:
    kind = found(path)
    if isinstance(value, type):
        return issubclass(value, kind)
    return isinstance(value, kind)


_WORDS = re.compile(r"^\w+\((.*?)\)\s*(?:--|->|$)", re.MULTILINE)
"""How a function of C says its signature in its documentation."""


def _signature(value: Any) -> dict[str, Any]:
    """Parameters and defaults of what can be called; nothing of what cannot."""
    if not callable(value):
        return {}
    try:
        parameters = inspect.signature(value).parameters
    except (TypeError, ValueError):
        return _documented(getattr(value, "__doc__", None) or "")
    defaults = {
        name: _plain(parameter.default)
        for name, parameter in parameters.items()
        if parameter.default is not parameter.empty
    }
    return {"parameters": list(parameters), "defaults": defaults}


def _documented(text: str) -> dict[str, Any]:
    """The signature that a docstring begins with, as libraries in C write it."""
    told = _WORDS.search(text)
    if told is None:
        return {}
    pieces = [piece.strip(" []\n") for piece in told[1].split(",")]
    names = [piece.partition("=")[0].partition(":")[0].strip() for piece in pieces]
    return {"parameters": [name for name in names if name.isidentifier()]}


def main() -> None:
    """Answer questions until there are no more."""
    with os.fdopen(int(sys.argv[1]), "w", encoding="utf-8") as answers:
        for line in sys.stdin:
            print(json.dumps(answered(json.loads(line))), file=answers, flush=True)
    os._exit(0)  # a library's threads and pools may not end by themselves


if __name__ == "__main__":
    main()
