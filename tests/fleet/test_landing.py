"""What arrives is a result only if it is whole, readable and that of the job."""

from __future__ import annotations

import errno
import hashlib
import zlib
from pathlib import Path
from typing import Any

import fake_runs
import msgspec
import pytest
from planned import planned

from harness.core.errors import ResultsError
from harness.fleet import landing
from harness.results.records import JobFacts, changed

JOB = planned(1)
