"""What an arm runs in: an environment with its driver, made when it is first asked for.

An arm with a pin (`asyncpg==0.31.0`, `psycopg@../clone#main`, `psqlpy%3.13`) has an
environment of its own; any other arm has the one that pgdyno itself runs in. Environments
are kept in a folder of the user's cache, keyed by interpreter and resolved requirements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from harness.core.arms import Arm, Pin
from harness.core.errors import DriverError
from harness.environments.environment import HERE, Environment

Wanted = tuple[str, tuple[str, ...], Pin]
"""What decides an environment: a driver, its options, and the pin."""

_known: dict[Wanted, Environment | DriverError] = {}
"""Of this process: nothing is made, and nothing fails, twice in a run."""


def of(arm: Arm, tell: Callable[[str], None] = lambda _: None) -> Environment:
    """The environment of an arm, made if there is none; `tell` is told of what takes time.

    Raises:
        DriverError: it cannot be made; the message says why.
    """
    if not arm.pin:
        return HERE
    wanted = (arm.driver, arm.options, arm.pin)
    if wanted not in _known:
        from harness.environments import making

        try:
            _known[wanted] = making.environment_of(arm, tell)
        except DriverError as error:
            _known[wanted] = error
    found = _known[wanted]
    if isinstance(found, DriverError):
        raise DriverError(str(found), hint=found.hint)
    return found


def prepare(arms: Iterable[Arm], tell: Callable[[str], None]) -> None:
    """Make what these arms need before anything else is started.

    What cannot be made is said by `of`, to whoever needs it.
    """
    for arm in {arm.name: arm for arm in arms}.values():
        try:
            lacking = of(arm, tell).lacking
        except DriverError:
            continue
        if lacking:
            tell(f"{arm.name} has to do without {', '.join(lacking)}")
