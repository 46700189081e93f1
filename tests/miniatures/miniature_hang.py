"""A plug-in whose import does not end."""

import time

time.sleep(600)
