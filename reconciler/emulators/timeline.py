"""Time that a test can move forward."""

from __future__ import annotations

import time
from collections.abc import Callable


class Timeline:
    """Unix seconds of *source*, moved ahead by `advance`. Never goes back but by `reset`."""

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        """Follow *source*; give a constant function to stop time altogether."""
        self._source = source
        self._ahead_s = 0.0

    def now(self) -> float:
        """Unix seconds."""
        return self._source() + self._ahead_s

    def advance(self, seconds: float) -> None:
        """Let *seconds* (not negative) pass at once."""
        if seconds < 0:
            raise ValueError(f"time does not go back: {seconds}")
        self._ahead_s += seconds

    def reset(self) -> None:
        """Return to the time of the source."""
        self._ahead_s = 0.0
