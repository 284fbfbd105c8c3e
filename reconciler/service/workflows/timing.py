"""When a workflow runs: the ``schedule:`` of its file as a cron for its sessions and a delay after which each starts.

Source: docs.digdag.io, scheduling workflow. Sessions of ``daily>`` are at midnight and start at the hour written there.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from reconciler.service.ports import CronPort
from reconciler.service.schedules import Timing

_CLOCK: Final = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})")
_MINUTES: Final = re.compile(r"(\d{1,2}):(\d{2})")
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_OPTIONS: Final = frozenset({"skip_on_overtime", "skip_delayed_by"})
_FIELD_OF_DAY, _FIELD_OF_WEEKDAY = 2, 4
_FIRST_AND_LAST: Final = {2: (1, 31), 3: (1, 12)}
_MOST_CANDIDATES: Final = 5_000


class NoTiming(ValueError):
    """A schedule that means nothing here, and why."""


@dataclass(frozen=True, slots=True)
class WorkflowTiming:
    """A schedule, evaluated as far as it can be without a clock. skip_delayed_by: seconds, None for never."""

    timing: Timing
    skip_on_overtime: bool = False
    skip_delayed_by: int | None = None


def read_timing(schedule: object, timezone: str, cron: CronPort) -> WorkflowTiming:
    """What ``schedule:`` says, for a workflow in *timezone*.

    Raises:
        NoTiming: names what is wrong with it.
    """
    if not isinstance(schedule, Mapping):
        raise NoTiming("`schedule` is no mapping such as `daily>: 07:00:00`")
    kinds = [str(key) for key in schedule if str(key).endswith(">")]
    others = sorted(str(key) for key in schedule if str(key) not in {*kinds, *_OPTIONS})
    if len(kinds) != 1:
        raise NoTiming("`schedule` needs exactly one of cron>, daily>, hourly>, weekly>, monthly>, minutes_interval>")
    if others:
        raise NoTiming(f"`schedule` has options that this service does not know: {', '.join(others)}")
    [kind] = kinds
    text, delay = _cron(kind, str(schedule[kind]).strip())
    delay += _seconds(schedule.get("delay", 0))
    try:
        cron.check(text, timezone)
    except ValueError as error:
        raise NoTiming(f"`{kind}` {error}") from error
    skip = schedule.get("skip_delayed_by")
    return WorkflowTiming(
        Timing(text, timezone, delay),
        schedule.get("skip_on_overtime") is True,
        None if skip is None else _seconds(skip),
    )


def check_timezone(timezone: object) -> str:
    """*timezone* when it names one.

    Raises:
        NoTiming: it does not.
    """
    try:
        if not isinstance(timezone, str):
            raise NoTiming(f"`timezone` is no name such as Asia/Tokyo: {timezone!r}")
        zoneinfo.ZoneInfo(timezone)
    except (zoneinfo.ZoneInfoNotFoundError, OSError) as error:
        raise NoTiming(f"`timezone` is no name such as Asia/Tokyo: {timezone!r}") from error
    return timezone


class WorkflowCron:
    """Cron as the scheduler of workflows reads it: every field must match, and steps count from a field's first value.

    Queries on the same platform run when either day field matches, which is what the cron of this service does; so sessions
    are the times that both readings of the text with one day field each have in common. Source: digdag, CronScheduler.
    """

    def __init__(self, cron: CronPort) -> None:
        """Ask *cron* for the meaning of everything else."""
        self._cron = cron

    def check(self, cron: str, timezone: str) -> None:
        """Refuse what is no cron. ValueError with the reason."""
        self._cron.check(cron, timezone)

    def next_after(self, cron: str, timezone: str, unix_s: float) -> float | None:
        """The first time after *unix_s*."""
        fields = _stepped(cron.split(" "))
        restricted = [
            place for place in (_FIELD_OF_DAY, _FIELD_OF_WEEKDAY) if len(fields) > place and fields[place] != "*"
        ]
        if len(restricted) < 2:
            return self._cron.next_after(" ".join(fields), timezone, unix_s)
        by_day, by_weekday = (
            " ".join("*" if place == other else field for place, field in enumerate(fields))
            for other in (_FIELD_OF_WEEKDAY, _FIELD_OF_DAY)
        )
        moment = unix_s
        for _ in range(_MOST_CANDIDATES):
            following = self._cron.next_after(by_day, timezone, moment)
            if following is None or self._cron.next_after(by_weekday, timezone, following - 60) == following:
                return following
            moment = following
        return None


def _stepped(fields: list[str]) -> list[str]:
    return [_from_first(place, field) for place, field in enumerate(fields)]


def _from_first(place: int, field: str) -> str:
    step = re.fullmatch(r"\*/(\d+)", field)
    if step is None or place not in _FIRST_AND_LAST or not int(step[1]):
        return field
    first, last = _FIRST_AND_LAST[place]
    return ",".join(map(str, range(first, last + 1, int(step[1]))))


def _cron(kind: str, text: str) -> tuple[str, int]:
    """The cron of sessions, and seconds from a session's time to its start."""
    read = _KINDS.get(kind)
    if read is None:
        raise NoTiming(f"`{kind}` is no schedule that this service knows")
    return read(text)


def _by_cron(text: str) -> tuple[str, int]:
    return " ".join(text.split()), 0


def _daily(text: str) -> tuple[str, int]:
    return "0 0 * * *", _clock("daily>", text)


def _hourly(text: str) -> tuple[str, int]:
    minutes = _MINUTES.fullmatch(text)
    if minutes is None or int(minutes[1]) > 59 or int(minutes[2]) > 59:
        raise NoTiming(f"`hourly>` is no MM:SS: {text!r}")
    return "0 * * * *", int(minutes[1]) * 60 + int(minutes[2])


def _weekly(text: str) -> tuple[str, int]:
    day, _, clock = text.partition(",")
    named = day.strip().lower()[:3]
    if named not in _DAYS:
        raise NoTiming(f"`weekly>` is no day and time such as Sun,09:00:00: {text!r}")
    return f"0 0 * * {_DAYS.index(named)}", _clock("weekly>", clock.strip())


def _monthly(text: str) -> tuple[str, int]:
    day, _, clock = text.partition(",")
    if not day.strip().isdecimal() or not 1 <= int(day) <= 31:
        raise NoTiming(f"`monthly>` is no day and time such as 1,09:00:00: {text!r}")
    return f"0 0 {int(day)} * *", _clock("monthly>", clock.strip())


def _every(text: str) -> tuple[str, int]:
    if not text.isdecimal() or not 1 <= int(text) <= 59:
        raise NoTiming(f"`minutes_interval>` is no number of minutes from 1 to 59: {text!r}")
    return f"*/{int(text)} * * * *", 0


_KINDS: Final[Mapping[str, Callable[[str], tuple[str, int]]]] = {
    "cron>": _by_cron,
    "daily>": _daily,
    "hourly>": _hourly,
    "weekly>": _weekly,
    "monthly>": _monthly,
    "minutes_interval>": _every,
}


def _clock(kind: str, text: str) -> int:
    parts = _CLOCK.fullmatch(text)
    if parts is None or int(parts[1]) > 23 or int(parts[2]) > 59 or int(parts[3]) > 59:
        raise NoTiming(f"`{kind}` has no time HH:MM:SS: {text!r}")
    return int(parts[1]) * 3600 + int(parts[2]) * 60 + int(parts[3])


def _seconds(value: object) -> int:
    text = str(value).strip().removesuffix("s")
    if not text.isdecimal():
        raise NoTiming(f"{value!r} is no number of seconds")
    return int(text)
