"""The process that looks at an installed library: `python -m harness.claims.inspector FD`.

It reads lines of JSON from stdin: first which modules to import, then questions; and writes
an answer to each as a line into FD. Each question is answered by a child that has these
imports already and nothing else of what others did; it may hang or crash. Standard library
only, because there may be nothing else in an environment but the library.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import importlib
import inspect
import json
import os
import re
import select
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from typing import Any, NoReturn

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
        value = _loop().run_until_complete(_value(question))
    except Absent as absence:
        return {"exists": False, "text": str(absence)}
    except SystemExit as end:
        return _raised(end)
    except BaseException as error:
        return _raised(error)
    return _described(value, question)


def _loop() -> asyncio.AbstractEventLoop:
    """A loop that nobody closes: the process ends with the answer, and a pool that an
    exception left open may ignore that its tasks are cancelled."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop


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
    absent = error.name if isinstance(error, ModuleNotFoundError) else None
    return {"exists": True, "raised": classes, "message": str(error)[:TEXT],
            "text": told[:TEXT], "absent": absent or ""}  # fmt: skip


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


# --- a child for each question ----------------------------------------------------------


def asked(question: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of a child; how it ended, where it gave none in time."""
    reading, writing = os.pipe()
    with tempfile.TemporaryFile() as said:
        child = os.fork()
        if child == 0:
            _be_asked(question, writing, said.fileno())
        os.close(writing)
        data, late = _read(reading, time.monotonic() + question["seconds"])
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if data and not late:
            return dict(json.loads(data))
        if late:
            return _gone("Hangs", f"no answer within {question['seconds']:.0f} s")
        said.seek(0)
        words = said.read().decode("utf-8", "replace").strip().splitlines()[-1:]
        code = os.waitstatus_to_exitcode(status)
        return _gone("Crash", f"its process ended with {code}: {''.join(words)[:200]}")


def _be_asked(question: Mapping[str, Any], writing: int, said: int) -> NoReturn:
    os.setsid()  # its own children end with it
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number, target in ((nowhere, 0), (nowhere, 1), (said, 2)):
        os.dup2(number, target)
    try:
        line = json.dumps(answered(question)).encode()
        while line:
            line = line[os.write(writing, line) :]
    finally:
        os._exit(0)  # a library's threads and pools may not end by themselves


def _read(reading: int, deadline: float) -> tuple[bytes, bool]:
    """All that a child writes, and whether the deadline came first."""
    parts: list[bytes] = []
    with os.fdopen(reading, "rb", buffering=0) as answer:
        while (left := deadline - time.monotonic()) > 0:
            if select.select([answer], [], [], left)[0]:
                if not (part := answer.read(1 << 16)):
                    return b"".join(parts), False
                parts.append(part)
    return b"".join(parts), True


def _gone(kind: str, told: str) -> dict[str, Any]:
    return {"exists": True, "raised": [kind], "message": told, "text": f"{kind}: {told}"}


def main() -> None:
    """Import what was told, and answer questions until there are no more."""
    with os.fdopen(int(sys.argv[1]), "w", encoding="utf-8") as answers:
        for name in json.loads(sys.stdin.readline()):
            with contextlib.suppress(BaseException):  # who asks for it will say
                importlib.import_module(name)
        while line := sys.stdin.readline():
            print(json.dumps(asked(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
