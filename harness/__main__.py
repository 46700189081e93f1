"""`python -m harness` is `pgdyno`."""

import sys

from harness.cli import main

sys.exit(main())
