"""What a report's page holds: its markup, and the data that it unfolds."""

from __future__ import annotations

import base64
import gzip
import json
import re
from typing import Any


def unfolded(page: str) -> dict[str, Any]:
    """The data of a page."""
    found = re.search(r'id="data">([^<]*)</script>', page)
    assert found is not None
    data: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(found[1])))
    return data


def everything(page: str) -> str:
    """All that a page can show: its markup, then the texts of its data."""
    return page + json.dumps(unfolded(page), ensure_ascii=False)
