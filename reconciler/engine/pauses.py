"""How long to wait between two looks at a job: often at first, as most end soon, then seldom."""

from __future__ import annotations

from collections.abc import Iterator

_PAUSES_S = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)

AT_MOST_S = _PAUSES_S[-1]
WATCHED_AT_MOST_S = 1.0
"""While somebody looks on and wants to see rows move."""


def pauses(at_most_s: float = AT_MOST_S) -> Iterator[float]:
    """Seconds to wait before each next look, without end; they grow up to *at_most_s*, which then repeats."""
    for pause_s in _PAUSES_S:
        if pause_s >= at_most_s:
            break
        yield pause_s
    while True:
        yield at_most_s
