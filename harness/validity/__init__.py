"""Are the measurements right? Tests of pgdyno's own numbers, for anybody to run.

Each test has a mark that it must keep and says what it measured. `simulated` needs no
server: it plays noise on a fake clock. `live` measures drivers that were made slower by
known amounts, on a real server. `pgdyno doctor --validate` runs them (`suite`); the
maintainers' long study, which also asks other tools, is `studies/validity`.
"""
