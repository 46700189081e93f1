"""`python -m harness` is `pgdyno`."""

import sys

from harness.cli.main import main

sys.exit(main())
