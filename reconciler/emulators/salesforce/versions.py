"""Which versions of the API are served. Source: API end-of-life policy; 31.0 to 40.0 go with Summer '28."""

from __future__ import annotations

import re

OLDEST, NEWEST = 31, 67
LAST_WITH_SOAP = 64
OLDEST_INGEST, OLDEST_QUERY_JOBS = 41, 47
_FORM = re.compile(r"([1-9]\d?)\.0")


def is_served(version: str) -> bool:
    """Whether *version*, such as ``59.0``, is one that is there and not retired."""
    found = _FORM.fullmatch(version)
    return found is not None and OLDEST <= int(found[1]) <= NEWEST


def is_retired(version: str) -> bool:
    """Whether there was such a version once."""
    found = _FORM.fullmatch(version)
    return found is not None and 7 <= int(found[1]) < OLDEST
