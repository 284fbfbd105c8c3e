"""How long a vendor asks to wait."""

from __future__ import annotations

import math
from datetime import UTC
from email.utils import parsedate_to_datetime

SHORTEST_WAIT_S = 1.0
"""An asked wait is never taken as shorter: a fraction such as 0.493 is the rest of a window, rounded by somebody."""


def retry_after_s(value: str, now: float) -> float | None:
    """Seconds from *now* (Unix seconds) that a ``Retry-After`` header asks for; None when it says nothing sensible.

    Read are whole seconds and HTTP dates (RFC 9110, 10.2.3) and, beyond it, fractions, which vendors send too.
    """
    text = value.strip()
    try:
        seconds = float(text)
    except ValueError:
        moment = _moment(text)
        seconds = math.nan if moment is None else moment - now
    if not math.isfinite(seconds):
        return None
    return max(SHORTEST_WAIT_S, seconds)


def _moment(text: str) -> float | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    # A date of unknown zone ("-0000") is one without a zone here; HTTP dates are always UTC.
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
