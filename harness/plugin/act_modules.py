"""The acts of a driver: found in the modules that it names, and held to the vocabulary."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

from harness.plugin.acts import names, parameters


def load(*places: str) -> tuple[dict[str, Callable[..., Any]], list[str]]:
    """The acts of a driver's modules, and the breaches of the vocabulary in them.

    Of a package every module counts. What a later place has replaces what an earlier one
    has: an option may need other acts.
    """
    found: dict[str, Callable[..., Any]] = {}
    faults: list[str] = []
    for module in (module for place in places for module in _modules(place)):
        found |= {name: getattr(module, name) for name in names() if hasattr(module, name)}
        faults += _unknown(module)
    return found, [*faults, *_misshapen(found)]


def _modules(place: str) -> Iterator[ModuleType]:
    """A module, and those inside it if it is a package."""
    module = importlib.import_module(place)
    yield module
    for inner in pkgutil.iter_modules(getattr(module, "__path__", ())):
        yield from _modules(f"{place}.{inner.name}")


def places(acts: str | Sequence[str]) -> Sequence[str]:
    """The modules that a driver names: one, or several."""
    return (acts,) if isinstance(acts, str) else acts


def _unknown(module: ModuleType) -> list[str]:
    """Public functions of the module that are no acts: a slip of the pen, most likely."""
    own = [
        name
        for name, function in vars(module).items()
        if inspect.isfunction(function)
        and not name.startswith("_")
        and function.__module__ == module.__name__
    ]
    return [f"`{name}` is not an act" for name in own if name not in names()]


def _misshapen(acts: Mapping[str, Callable[..., Any]]) -> list[str]:
    faults = []
    for name, act in acts.items():
        wanted = parameters(name)
        try:
            inspect.signature(act).bind(**_filler(wanted))
        except TypeError as error:
            faults.append(f"`{name}` does not take {', '.join(wanted)}: {error}")
    return faults


def _filler(wanted: Mapping[str, inspect.Parameter]) -> dict[str, Any]:
    return {name: None for name, one in wanted.items() if one.kind is not one.VAR_KEYWORD}
