"""Telling what was sent and what came back, without bodies and parameters, and that somebody is waited for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TypeAlias

from reconciler.errors import ProviderError
from reconciler.logs import logger
from reconciler.model.json import Json
from reconciler.ports.clock import Clock

Trace: TypeAlias = Callable[[str, Mapping[str, Json]], None]
"""Told a constant event, such as ``request answered``, and its values."""

QUIET_S = 30.0
"""Seconds between two warnings of one client: ten requests in flight fail together, and say the same."""


def log_requests() -> Trace:
    """A trace that writes debug lines."""
    log = logger("reconciler.http")

    def write(event: str, values: Mapping[str, Json]) -> None:
        log.debug(event, **dict(values))

    return write


class RepeatWarnings:
    """Warns whoever waits that requests to one API are repeated, and why. Safe for many threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._quiet_until = 0.0

    def tell(self, error: ProviderError, wait_s: float) -> None:
        """Write a line about *error*, whose message names the vendor and the call, unless one was written just now."""
        now = self._clock.now()
        with self._lock:
            if now < self._quiet_until:
                return
            self._quiet_until = now + QUIET_S
        log = logger("reconciler.http")
        log.warning("request failed and is repeated", why=error.message, hint=error.hint, wait_s=round(wait_s, 1))
