"""The process that looks at a library: `python -m harness.claims.inspector MODULES FD…`.

It imports the modules, a list as JSON, and forks for each socket: there it reads questions,
lines of JSON, and writes an answer to each. Each question is answered by a child that has
these imports already and nothing else of what others did; it may hang or crash. Standard
library only, because there may be nothing else in an environment but the library.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import ctypes
import importlib
import inspect
import json
import os
import re
import select
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

TEXT = 500
"""So many characters of a value's text are told."""
VALUE = 10_000
"""A value whose JSON is longer has none: nobody compares with so much."""
_PR_SET_CHILD_SUBREAPER = 36


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
    except BaseException as error:
        return _raised(error)
    try:
        return _described(value, question)
    except Exception as error:  # a path of the claim, or a value that cannot be shown
        return {"fault": f"the answer cannot be judged: {type(error).__name__}: {error}"}


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
    return {"exists": True, "raised": classes, "message": _writable(str(error)),
            "text": _writable(told), "absent": absent or ""}  # fmt: skip


def _writable(text: str) -> str:
    """The beginning of a text; what UTF-8 cannot have is escaped."""
    return text[:TEXT].encode("utf-8", "backslashreplace").decode()


def _described(value: Any, question: Mapping[str, Any]) -> dict[str, Any]:
    text = value if isinstance(value, str) else repr(value)
    told = {
        "exists": True,
        "type": type(value).__name__,
        "text": _writable(re.sub(r" at 0x[0-9a-f]+", "", text)),
        "value": _plain(value),
        "is_a": {path: _is_a(value, path) for path in question.get("is_a", ())},
    }
    return told | _signature(value)


def _plain(value: Any) -> str:
    """The value as JSON; empty for one that has none, or too much of it."""
    try:
        written = json.dumps(value, sort_keys=True)
    except (TypeError, ValueError, RecursionError):
        return ""
    return written if len(written) <= VALUE else ""


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


def asked(question: Mapping[str, Any], seat: socket.socket) -> dict[str, Any]:
    """The answer of a child; how it ended, where it gave none in time.

    Whoever asks may leave meanwhile: then nobody waits for the answer, and the child ends.
    """
    reading, writing = os.pipe()
    with tempfile.TemporaryFile() as said:
        child = os.fork()
        if child == 0:
            for theirs in (reading, seat.fileno()):
                os.close(theirs)
            _be_asked(question, writing, said.fileno())
        os.close(writing)
        line, late = _read(reading, time.monotonic() + question["seconds"], seat)
        status = _end(child)
        if line:
            return dict(json.loads(line))
        if late:
            return _gone("Hangs", f"no answer within {question['seconds']:.0f} s")
        said.seek(0)
        words = said.read().decode("utf-8", "replace").strip().splitlines()[-1:]
        code = os.waitstatus_to_exitcode(status)
        told = f"its process ended with {code} before it gave an answer"
        return _gone("Crash", ": ".join([told, *(word[:200] for word in words)]))


def _be_asked(question: Mapping[str, Any], writing: int, said: int) -> NoReturn:
    os.setsid()  # a signal to its group is none to ours
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number, target in ((nowhere, 0), (nowhere, 1), (said, 2)):
        os.dup2(number, target)
    try:
        line = json.dumps(answered(question)).encode() + b"\n"
        while line:
            line = line[os.write(writing, line) :]
    finally:
        os._exit(0)  # a library's threads and pools may not end by themselves


def _read(reading: int, deadline: float, seat: socket.socket) -> tuple[bytes, bool]:
    """The line that a child writes, and whether the deadline came first. Its own children
    may keep the pipe open."""
    line = b""
    with os.fdopen(reading, "rb", buffering=0) as answer:
        waiting: list[Any] = [answer, seat]
        while (left := deadline - time.monotonic()) > 0:
            ready = select.select(waiting, [], [], left)[0]
            if seat in ready:  # nothing is asked meanwhile, so whoever asked has left
                return b"", False
            if ready:
                part = answer.read(1 << 16)
                line += part
                if not part or b"\n" in part:
                    whole, end, _ = line.partition(b"\n")
                    return (whole if end else b""), False
    return b"", True


def _end(child: int) -> int:
    """End a child and all that it began, in whatever session; how the child itself ended.

    This process adopts what a child leaves behind, so in the end there are none.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    while left := _children():
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
    return status


def _children() -> list[int]:
    """The processes whose parent this one is."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = stat.read_text("ascii", "replace").rpartition(")")[2].split()[1]
            if int(parent) == os.getpid():
                found.append(int(stat.parent.name))
    return found


def _gone(kind: str, told: str) -> dict[str, Any]:
    return {"exists": True, "raised": [kind], "message": told, "text": f"{kind}: {told}"}


def main() -> None:
    """Import what was told, once, and answer questions in a fork for each seat."""
    for name in json.loads(sys.argv[1]):
        with contextlib.suppress(BaseException):  # who asks for it will say
            importlib.import_module(name)
    seats = [socket.socket(fileno=int(number)) for number in sys.argv[2:]]
    for seat in seats:
        if os.fork() == 0:
            for other in seats:
                if other is not seat:
                    other.close()
            _answer(seat)
    for seat in seats:
        seat.close()
    for _ in seats:
        os.wait()


def _answer(seat: socket.socket) -> NoReturn:
    """Answer until there are no more questions."""
    with contextlib.suppress(OSError, AttributeError):  # Linux's
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        with seat.makefile("rw", encoding="utf-8") as lines:
            while line := lines.readline():
                print(json.dumps(asked(json.loads(line), seat)), file=lines, flush=True)
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
