"""Are pgdyno's measurements right? As many trials as the marks ask for, and other tools.

`python -m studies.validity` goes on where it was cut off. The tests that take minutes are
`harness.validity`, which `pgdyno doctor --validate` runs.
"""
