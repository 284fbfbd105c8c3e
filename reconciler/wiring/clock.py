"""What time it is, for everything in a run."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from reconciler.errors import UsageError
from reconciler.ports.clock import Clock, SystemClock


def clock_of(environ: Mapping[str, str]) -> Clock:
    """The machine's clock, or one set to `TDR_NOW` (RFC 3339) that goes on from there: for trying out schedules.

    Raises:
        UsageError: `TDR_NOW` is no such time.
    """
    text = environ.get("TDR_NOW")
    if not text:
        return SystemClock()
    try:
        wanted = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"TDR_NOW={text!r} is no time", hint="write it as 2026-03-01T02:59:50+09:00") from error
    if wanted.tzinfo is None:
        raise UsageError(f"TDR_NOW={text!r} names no zone", hint="write it as 2026-03-01T02:59:50+09:00")
    return ShiftedClock(wanted.timestamp() - time.time())


@dataclass(frozen=True, slots=True)
class ShiftedClock:
    """The machine's clock, moved by *offset_s*."""

    offset_s: float

    def now(self) -> float:
        """Unix seconds."""
        return time.time() + self.offset_s

    def sleep(self, seconds: float) -> None:
        """Block the calling thread for *seconds*."""
        time.sleep(seconds)
