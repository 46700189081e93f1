"""What an application asks of its server: its statements, as a scenario of one's own.

They are observed (`extension`, `log`, `script`), sorted into what can be repeated and what
cannot (`sorting`), made general (`statement`: names qualified, literals out), given
parameters that the server draws from its own tables (`drawing`), tried there (`trial`) and
written as one file (`writing`). `importing` is the way through. Knows core and venue.
"""

from __future__ import annotations
