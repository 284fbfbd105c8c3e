"""Rate limits: the minute is cut into windows of ten seconds. Source: Intercom's page of rate limiting."""

from __future__ import annotations

import math

from reconciler.emulators.intercom.refusals import rate_limited
from reconciler.emulators.timeline import Timeline

WINDOW_S = 10
_UNLIMITED = 1666
"""What the headers say where nothing is limited: 10,000 calls a minute, cut in six."""


class Limits:
    """Counts the calls of one app."""

    def __init__(self, timeline: Timeline) -> None:
        """Start with nothing used."""
        self._timeline = timeline
        self._window = -1
        self._used = 0

    def clear(self) -> None:
        """Forget what was used."""
        self._used = 0

    def use(self, limit: int) -> dict[str, str]:
        """Count one call and return the headers of its answer. *limit* 0 limits nothing.

        Raises:
            Refused: the window has no room; the call is not counted then.
        """
        window = int(self._timeline.now() // WINDOW_S)
        if window != self._window:
            self._window, self._used = window, 0
        if limit and self._used >= limit:
            raise rate_limited(self.headers(limit, 0))
        self._used += 1
        return self.headers(limit, (limit or _UNLIMITED) - self._used if limit else _UNLIMITED - 1)

    def headers(self, limit: int, remaining: int, reset_s: int | None = None) -> dict[str, str]:
        """The three headers. *reset_s*: seconds until the next window, where it is not the clock's."""
        now = self._timeline.now()
        reset = (math.floor(now / WINDOW_S) + 1) * WINDOW_S if reset_s is None else math.ceil(now) + reset_s
        return {
            "X-RateLimit-Limit": str(limit or _UNLIMITED),
            "X-RateLimit-Remaining": str(remaining),
            "X-RateLimit-Reset": str(reset),
        }
