"""Rate limits by the minute: a tier for what reads, and a lower one for what writes. Source: Qlik's page of rate limits."""

from __future__ import annotations

import math
from collections import Counter
from typing import Final

from reconciler.emulators.qlik.knobs import Knobs
from reconciler.emulators.qlik.refusals import rate_limited
from reconciler.emulators.timeline import Timeline

_WINDOW_S: Final = 60


class Limits:
    """Counts the calls of one tenant."""

    def __init__(self, timeline: Timeline) -> None:
        """Start with nothing used."""
        self._timeline = timeline
        self._window = -1
        self._used: Counter[bool] = Counter()

    def clear(self) -> None:
        """Forget what was used."""
        self._used.clear()

    def use(self, method: str, knobs: Knobs) -> None:
        """Count one call.

        Raises:
            Refused: the minute has no room for it.
        """
        now = self._timeline.now()
        if (window := int(now // _WINDOW_S)) != self._window:
            self._window, self._used = window, Counter()
        reads = method == "GET"
        limit = knobs.reads_per_minute if reads else knobs.writes_per_minute
        if limit and self._used[reads] >= limit:
            raise rate_limited(math.ceil((window + 1) * _WINDOW_S - now))
        self._used[reads] += 1
