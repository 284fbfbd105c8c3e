"""When something that has a cron runs: the fields that say it, checked, and its next time."""

from __future__ import annotations

import zoneinfo
from dataclasses import dataclass
from typing import Final

from reconciler.ports.clock import Clock
from reconciler.service.answers import invalid
from reconciler.service.ports import CronPort
from reconciler.service.requests import Call, whole_number

_LONGEST_DELAY_S: Final = 10 * 366 * 86_400
# From one hour to two centuries, each window a few times the last: latest_before looks back no farther than it must.
_WINDOWS_S: Final = (3600, 86_400, 8 * 86_400, 32 * 86_400, 366 * 86_400, 5 * 366 * 86_400, 200 * 366 * 86_400)


@dataclass(frozen=True, slots=True)
class Timing:
    """A checked schedule. *cron* is None when there is none; *delay* in seconds."""

    cron: str | None
    timezone: str
    delay: int


class Schedules:
    """Checks and evaluates schedules by the rules of the given `CronPort`."""

    def __init__(self, cron: CronPort, clock: Clock) -> None:
        """Evaluate with *cron* from the time of *clock*."""
        self._cron = cron
        self._clock = clock

    def read(self, call: Call, current: Timing) -> Timing:
        """*current* with what the request changes.

        Raises:
            ApiError: 422 for a cron, time zone or delay that the vendor would refuse.
        """
        cron = call.text("cron") if "cron" in call.fields else current.cron
        timezone = (call.text("timezone") or "UTC") if "timezone" in call.fields else current.timezone
        delay = current.delay
        if call.text("delay"):
            delay = whole_number("delay", call.fields["delay"], 0, _LONGEST_DELAY_S)
        timing = Timing(cron or None, timezone, delay)
        self.check(timing)
        return timing

    def check(self, timing: Timing) -> None:
        """Refuse what the vendor would refuse.

        Raises:
            ApiError: 422 for a cron or time zone that cannot be.
        """
        _check_timezone(timing.timezone)
        if timing.cron:
            try:
                self._cron.check(timing.cron, timing.timezone)
            except ValueError as error:
                raise invalid(f"Cron is invalid: {error}") from error

    def next_time(self, timing: Timing) -> float | None:
        """The next scheduled time from now, in Unix seconds; the run starts *delay* later."""
        return self.next_after(timing, self._clock.now())

    def next_after(self, timing: Timing, unix_s: float) -> float | None:
        """The first scheduled time after *unix_s*, or None."""
        return None if timing.cron is None else self._cron.next_after(timing.cron, timing.timezone, unix_s)

    def latest_until(self, timing: Timing, first: float, until: float) -> float:
        """The last scheduled time from *first*, which is one, to *until*."""
        start = next(
            (until - window for window in _WINDOWS_S if self._runs_within(timing, until - window, until)), first
        )
        latest = first
        following = self.next_after(timing, max(start, first))
        while following is not None and following <= until:
            latest, following = following, self.next_after(timing, following)
        return latest

    def _runs_within(self, timing: Timing, start: float, until: float) -> bool:
        following = self.next_after(timing, start)
        return following is not None and following <= until


def _check_timezone(timezone: str) -> None:
    """Only extended names: abbreviations such as PST may schedule unexpectedly, says the vendor's page."""
    refusal = invalid(f"Timezone is invalid: {timezone!r}; use a name such as Asia/Tokyo")
    if timezone != "UTC" and "/" not in timezone:
        raise refusal
    try:
        zoneinfo.ZoneInfo(timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise refusal from error
