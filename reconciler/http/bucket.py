"""The pace of requests."""

from __future__ import annotations

import threading

from reconciler.ports.clock import Clock


class TokenBucket:
    """Lets *rate* requests a second pass, and *burst* at once after a pause. Safe for many threads."""

    def __init__(self, rate: float, burst: int, clock: Clock) -> None:
        self._interval_s = 1.0 / rate
        self._ahead_s = (burst - 1) * self._interval_s
        self._clock = clock
        self._lock = threading.Lock()
        self._due = 0.0
        self._last = 0.0

    def take(self) -> float:
        """Wait for a turn; the seconds waited."""
        with self._lock:
            now = self._clock.now()
            if now < self._last:
                # The wall clock was set back: turns given out before must not be waited for a second time.
                self._due -= self._last - now
            self._last = now
            self._due = max(self._due, now)
            wait_s = self._due - self._ahead_s - now
            self._due += self._interval_s
        if wait_s > 0:
            self._clock.sleep(wait_s)
            return wait_s
        return 0.0
