"""One file per verb: `add_parser` declares it, `run` does it and returns an exit code."""
