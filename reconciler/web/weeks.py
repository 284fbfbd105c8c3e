"""The coming runs of a week, day by day, in the zone of each schedule: what a calendar on the wall would show there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from reconciler.schedule import Cron, Dialect, ScheduleError, parse
from reconciler.schedule.runs import Run, runs_of_day
from reconciler.schedule.zones import check_zone

if TYPE_CHECKING:
    from reconciler.web.standing import Standing

DAYS: Final = 7
_TOLD: Final = 4
"""Times that a day tells of one resource; of more it tells how many, the first and the last."""
WEEKS_AHEAD: Final = 104
"""How far a calendar can be leafed through."""


@dataclass(frozen=True, slots=True)
class Due:
    """The runs of one resource on one day. *times*: as its zone's clocks show them; *notes*: what a clock change does to them."""

    address: str
    times: tuple[str, ...]
    count: int
    notes: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """When, in one line."""
        if self.count <= _TOLD:
            return ", ".join(self.times)
        return f"{self.count} runs, {self.times[0]} to {self.times[-1]}"


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a zone. *clocks*: how its clocks are changed on it, or ""."""

    day: date
    due: tuple[Due, ...]
    is_today: bool
    is_past: bool
    clocks: str


@dataclass(frozen=True, slots=True)
class Week:
    """Seven days from Monday, in one zone."""

    zone: str
    days: tuple[Day, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing runs in it."""
        return not any(one.due for one in self.days)


def monday_of(day: date) -> date:
    """The Monday of *day*'s week."""
    return day - timedelta(days=day.weekday())


def monday_asked(text: str, now: float) -> date | None:
    """The Monday of the week that somebody asks for, who may name any day of it; the present one for "".

    now: Unix seconds. None for what is no day, or none that a calendar is kept for.
    """
    today = datetime.fromtimestamp(now, UTC).date()
    if not text:
        return monday_of(today)
    try:
        asked = monday_of(date.fromisoformat(text))
    except (ValueError, OverflowError):
        return None
    # Where a zone is behind UTC, it is yesterday still, whose week may be another one.
    first, last = monday_of(today - timedelta(days=1)), monday_of(today) + timedelta(weeks=WEEKS_AHEAD)
    return asked if first <= asked <= last else None


def weeks(listed: Sequence[Standing], dialect: str, monday: date, now: float) -> list[Week]:
    """The week from *monday* in each zone that a schedule names, those with most resources first. Runs before *now* are over."""
    by_zone: defaultdict[str, list[tuple[str, Cron, int]]] = defaultdict(list)
    for one in listed:
        schedule = one.status["schedule"] if one.status else None
        if not schedule:
            continue
        try:
            check_zone(schedule["timezone"])
            parsed = parse(schedule["cron"], Dialect(dialect))
        except ScheduleError:
            continue  # a look tells what is wrong with it where the resource is shown
        by_zone[schedule["timezone"]].append((one.address, parsed, schedule["delay"]))
    order = sorted(by_zone, key=lambda zone: (-len(by_zone[zone]), zone))
    return [_week(zone, by_zone[zone], monday, now) for zone in order]


def _week(name: str, listed: Sequence[tuple[str, Cron, int]], monday: date, now: float) -> Week:
    zone = ZoneInfo(name)
    moment = datetime.fromtimestamp(now, UTC)
    days = [monday + timedelta(days=number) for number in range(DAYS)]
    found: defaultdict[date, list[Due]] = defaultdict(list)
    # Thousands of resources have a hundred schedules; a week of one may be ten thousand runs.
    known: dict[tuple[Cron, int], dict[date, Due]] = {}
    for address, cron, delay_s in listed:
        if (cron, delay_s) not in known:
            known[cron, delay_s] = _by_day(cron, zone, days, delay_s, moment)
        for day, due in known[cron, delay_s].items():
            found[day].append(replace(due, address=address))
    today = moment.astimezone(zone).date()
    return Week(
        name,
        tuple(
            Day(
                day,
                tuple(sorted(found[day], key=lambda due: (due.times[0], due.address))),
                day == today,
                day < today,
                _clocks(day, zone),
            )
            for day in days
        ),
    )


def _by_day(cron: Cron, zone: ZoneInfo, days: Sequence[date], delay_s: int, after: datetime) -> dict[date, Due]:
    """What a schedule starts later than *after* on each of *days*; of no address yet. Days without a run are not there."""
    by_day: defaultdict[date, list[Run]] = defaultdict(list)
    for run in _runs(cron, zone, days, delay_s):
        if run.utc > after:
            by_day[run.local.date()].append(run)
    return {day: _due(by_day[day], day, zone) for day in days if by_day[day]}


def _runs(cron: Cron, zone: ZoneInfo, days: Sequence[date], delay_s: int) -> Iterator[Run]:
    """What starts on *days*, *delay_s* after its schedule's time; also what a day before them still brings."""
    late = timedelta(seconds=delay_s)
    for number in range(-late.days - 1, len(days)):
        for run in runs_of_day(cron, zone, days[0] + timedelta(days=number)):
            utc = run.utc + late
            yield Run(utc.astimezone(zone), utc, run.note)


def _due(runs: Sequence[Run], day: date, zone: ZoneInfo) -> Due:
    # An hour that comes twice has two times that look alike.
    form = "%H:%M %z" if _clocks(day, zone) else "%H:%M"
    kept = runs if len(runs) <= _TOLD else [runs[0], runs[-1]]
    notes = dict.fromkeys(run.note for run in runs if run.note)
    return Due("", tuple(_with_colon(run.local.strftime(form)) for run in kept), len(runs), tuple(notes))


def _with_colon(text: str) -> str:
    return f"{text[:-2]}:{text[-2:]}" if " " in text else text


def _clocks(day: date, zone: ZoneInfo) -> str:
    begin, end = (datetime(one.year, one.month, one.day, tzinfo=zone) for one in (day, day + timedelta(days=1)))
    before, after = begin.utcoffset(), end.utcoffset()
    if before is None or after is None or before == after:
        return ""
    return "clocks go forward" if after > before else "clocks go back"
