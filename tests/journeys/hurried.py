"""A clock for tests in which something is waited for."""

from __future__ import annotations

import time
from threading import Lock

RATIO = 50


class HurriedClock:
    """The machine's clock, but that waiting takes a fiftieth of its time and is over, by this clock, when it should be."""

    def __init__(self, ahead_s: float = 0) -> None:
        self._ahead_s = ahead_s
        self._lock = Lock()

    def now(self) -> float:
        """Unix seconds."""
        return time.time() + self._ahead_s

    def sleep(self, seconds: float) -> None:
        """Wait. Of several threads that wait at once none makes the others' time shorter."""
        over_at = self.now() + seconds
        time.sleep(seconds / RATIO)
        with self._lock:
            self._ahead_s = max(self._ahead_s, over_at - time.time())

    def leap(self, seconds: float) -> None:
        """So much later, at once: for a test in which nobody else waits meanwhile."""
        with self._lock:
            self._ahead_s += seconds
