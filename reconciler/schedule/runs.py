"""When a schedule runs next.

No vendor documents what happens when clocks change. Here a time that does not exist runs as much later as the clocks go
forward, unless a run is there already; a time that comes twice runs once, except that schedules of every hour go on every
hour. Either carries a note, so that no preview shows such a day as an ordinary one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from reconciler.schedule.cron import HOUR, Cron
from reconciler.schedule.parsing import parse
from reconciler.schedule.zones import check_zone

# 29 February can be eight years away (2096 to 2104).
_HORIZON = timedelta(days=366 * 9)


@dataclass(frozen=True, slots=True)
class Run:
    """One run. *local* has the zone's offset; *note* says what a clock change does to it, or is ""."""

    local: datetime
    utc: datetime
    note: str = ""

    def __str__(self) -> str:
        offset = self.local.strftime("%z")
        text = f"{self.local:%Y-%m-%d %H:%M} {offset[:3]}:{offset[3:5]}"
        return f"{text} ({self.note})" if self.note else text


def next_runs(cron: Cron, zone: str, after_unix_s: float, count: int) -> list[Run]:
    """The next *count* runs later than *after_unix_s*, fewer when there are none within nine years.

    Raises:
        ScheduleError: *zone* is not one.
    """
    return list(islice(runs_after(cron, check_zone(zone), after_unix_s), count))


def next_after(cron: str | Cron | None, timezone: str, unix_s: float) -> float | None:
    """Unix seconds of the first run later than *unix_s*; None when there is no scheduled run.

    Raises:
        ScheduleError: *cron* or *timezone* is not one.
    """
    parsed = cron if isinstance(cron, Cron) else parse(cron)
    found = next_runs(parsed, timezone, unix_s, 1)
    return found[0].utc.timestamp() if found else None


def runs_after(cron: Cron, zone: ZoneInfo, after_unix_s: float) -> Iterator[Run]:
    """All runs later than *after_unix_s*, in order, for nine years."""
    if not cron.is_scheduled:
        return
    after = datetime.fromtimestamp(after_unix_s, UTC)
    # A run of the day before may be shifted into this day.
    day = after.astimezone(zone).date() - timedelta(days=1)
    end = day + _HORIZON
    last = after
    while day < end:
        for run in runs_of_day(cron, zone, day):
            if run.utc > last:
                last = run.utc
                yield run
        day += timedelta(days=1)


def runs_of_day(cron: Cron, zone: ZoneInfo, day: date) -> list[Run]:
    """The runs of one day of the zone, in order, at most one a moment."""
    if not cron.runs_on(day):
        return []
    if _offset(day, zone) == _offset(day + timedelta(days=1), zone):
        return [
            _plain(datetime.combine(day, time(hour, minute), zone)) for hour in cron.hours for minute in cron.minutes
        ]
    is_hourly = cron.hours == HOUR.full
    by_moment: dict[datetime, Run] = {}
    for hour in cron.hours:
        for minute in cron.minutes:
            for run in _on_a_clock_change_day(datetime.combine(day, time(hour, minute), zone), is_hourly=is_hourly):
                known = by_moment.get(run.utc)
                if known is None or known.note:
                    by_moment[run.utc] = run
    return [by_moment[moment] for moment in sorted(by_moment)]


def _on_a_clock_change_day(wanted: datetime, *, is_hourly: bool) -> list[Run]:
    first = _plain(wanted)
    if first.local.replace(tzinfo=None) != wanted.replace(tzinfo=None):
        note = f"clocks go forward: {wanted:%H:%M} does not exist on {wanted:%Y-%m-%d}"
        return [Run(first.local, first.utc, note)]
    second = _plain(wanted.replace(fold=1))
    if second.utc == first.utc:
        return [first]
    if is_hourly:
        return [first, second]
    note = f"clocks go back: {wanted:%H:%M} comes twice on {wanted:%Y-%m-%d}"
    return [Run(first.local, first.utc, note)]


def _plain(wanted: datetime) -> Run:
    utc = wanted.astimezone(UTC)
    return Run(utc.astimezone(wanted.tzinfo), utc)


def _offset(day: date, zone: ZoneInfo) -> timedelta | None:
    return datetime.combine(day, time(0), zone).utcoffset()
