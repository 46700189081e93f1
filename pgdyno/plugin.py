"""The contract of drivers: all that a plug-in imports (docs/writing-a-driver.md)."""

from harness.plugin import *  # noqa: F403
from harness.plugin import __all__ as __all__
