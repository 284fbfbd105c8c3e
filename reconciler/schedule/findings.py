"""What a reader should know about a schedule that can be used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from reconciler.schedule.cron import FIELDS, LEAP_DAY, MONTH_LENGTHS, Cron, DayRule, Dialect
from reconciler.schedule.parsing import parse
from reconciler.schedule.problem import ScheduleError
from reconciler.schedule.runs import runs_after, runs_of_day
from reconciler.schedule.words import day_numbers, days_in_words, duration, month_names, weekday_names
from reconciler.schedule.zones import check_zone

# Both clock changes of a year, whenever one looks.
_LOOK_AHEAD_DAYS = 370
# The shortest interval shows within these: they cover an hour by minutes, a day by hours and a year by weeks.
_SAMPLE_RUNS = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """A notice. *rule* is a stable id in kebab case."""

    rule: str
    message: str


def findings(cron: Cron, zone: str, delay: int, after: float | None) -> list[Finding]:
    """All notices about a schedule, most important first.

    delay: seconds.
    after: Unix seconds from which the next year's clock changes are looked at; None to leave them out.

    Raises:
        ScheduleError: *zone* is not one.
    """
    found = [*_about_text(cron), *_about_delay(cron, delay)]
    if after is not None and cron.is_scheduled:
        found += _about_clock_changes(cron, check_zone(zone), after)
    return found


def workflow_findings(cron: Cron) -> list[Finding]:
    """What changes when the text stands in a workflow file (``cron>``) as well as in a query schedule.

    Source: digdag, CronScheduler: cron4j, where every field must match.
    """
    if not cron.names_both_days:
        return []
    both = f"{weekday_names(cron.weekdays)} that are {day_numbers(cron.days)} of the month"
    return [
        Finding(
            "workflow-reads-both-days",
            f"a workflow runs {cron.text!r} only on {both}; a query schedule runs it {days_in_words(cron)}",
        )
    ]


def _about_text(cron: Cron) -> Iterator[Finding]:
    if not cron.is_scheduled:
        return
    if cron.names_both_days:
        yield _about_both_days(cron)
    yield from _about_lists_with_steps(cron)
    other = _read_otherwise(cron)
    if other != cron.canonical:
        same_in_both = (
            "no single text says this in both"
            if cron.day_rule is DayRule.EITHER
            else f"{cron.canonical!r} means this in both"
        )
        yield Finding(
            "readings-differ",
            f"{cron.dialect} reading: {cron.canonical!r}, {cron.dialect.other} reading: {other!r}; {same_in_both}",
        )
    for field, known in zip(cron.fields, FIELDS, strict=True):
        if any("-" in item and "/" in item for item in field.split(",")):
            yield Finding(
                "undocumented-step",
                f"{known.name} {field!r} has a step on a range, which the vendor's page does not list",
            )
    yield from _about_short_months(cron)


def _about_short_months(cron: Cron) -> Iterator[Finding]:
    """A month without the day has no run at all, where people often mean its last day."""
    if cron.day_rule is not DayRule.DAYS:
        return
    first = cron.days[0]
    without = [month for month in cron.months if MONTH_LENGTHS[month] < first]
    if first == LEAP_DAY and cron.months == (2,):
        yield Finding("leap-years-only", "runs on 29 February only, so once in four years")
    elif first == LEAP_DAY and 2 in cron.months:
        yield Finding("months-without-the-day", "does not run in February, but for leap years")
    elif without:
        yield Finding("months-without-the-day", f"does not run in {month_names(without)}: no day {first} there")


def _about_both_days(cron: Cron) -> Finding:
    days, weekdays = f"day of month {cron.fields[2]}", f"day of week {cron.fields[4]}"
    if cron.day_rule is DayRule.EITHER:
        return Finding("both-days", f"runs on every day that {days} or {weekdays} names")
    followed, ignored = (days, weekdays) if cron.day_rule is DayRule.DAYS else (weekdays, days)
    if not cron.is_settled:
        return Finding(
            "both-days-open",
            f"{days} and {weekdays} ask for about as many runs, and the vendor does not say which it follows then; "
            f"{followed} is assumed and {ignored} to have no effect; leave one of them out",
        )
    return Finding("both-days", f"{ignored} has no effect: {followed} asks for more runs, and only that is followed")


def _about_lists_with_steps(cron: Cron) -> Iterator[Finding]:
    """The vendor's own example leaves out a day that the rule it illustrates would give."""
    if cron.dialect is not Dialect.DOCUMENTED:
        return
    for position, values in ((2, cron.days), (3, cron.months)):
        items = cron.fields[position].split(",")
        written = {value for item in items if not item.startswith("*") for value in _single(cron, position, item)}
        beyond = [value for value in values if value > max(written, default=value)]
        if len(items) > 1 and beyond:
            yield Finding(
                "step-in-list",
                f"{FIELDS[position].name} {cron.fields[position]!r}: whether {', '.join(map(str, beyond))} belongs to it is not "
                f"settled by the vendor's page; write out what you mean, such as {','.join(map(str, values))}",
            )


def _single(cron: Cron, position: int, item: str) -> tuple[int, ...]:
    """What one item of a list stands for."""
    alone = parse(" ".join([*["*"] * position, item, *["*"] * (4 - position)]), cron.dialect)
    return alone.days if position == 2 else alone.months


def _read_otherwise(cron: Cron) -> str:
    try:
        return parse(cron.text, cron.dialect.other).canonical
    except ScheduleError as error:
        return str(error)


def _about_delay(cron: Cron, delay: int) -> Iterator[Finding]:
    if not delay:
        return
    if not cron.is_scheduled:
        yield Finding("delay-without-schedule", f"a delay of {duration(delay)} has no effect without a schedule")
        return
    if delay <= _least_interval_s(cron):
        return
    shortest = _shortest_interval_s(cron)
    if delay > shortest:
        yield Finding(
            "delay-longer-than-interval",
            f"a delay of {duration(delay)} is longer than the {duration(shortest)} between two runs",
        )


def _least_interval_s(cron: Cron) -> int:
    """What two runs are apart at least, told from the times of one day: much cheaper than looking at runs."""
    minutes = [60 * hour + minute for hour in cron.hours for minute in cron.minutes]
    return 60 * min(later - earlier for earlier, later in pairwise([*minutes, minutes[0] + 24 * 60]))


@lru_cache(maxsize=1024)
def _shortest_interval_s(cron: Cron) -> int:
    sample = islice(runs_after(cron, ZoneInfo("UTC"), 0), _SAMPLE_RUNS)
    return min(int((later.utc - earlier.utc).total_seconds()) for earlier, later in pairwise(sample))


def _about_clock_changes(cron: Cron, zone: ZoneInfo, after: float) -> Iterator[Finding]:
    for day in _clock_change_days(zone, datetime.fromtimestamp(after, zone).date()):
        noted = [run for run in runs_of_day(cron, zone, day) if run.note and run.utc.timestamp() > after]
        if noted:
            yield Finding("clock-change", f"{noted[0].note}; what the vendor does then is not documented")


@lru_cache(maxsize=256)
def _clock_change_days(zone: ZoneInfo, start: date) -> tuple[date, ...]:
    """Days in the year from *start* on which the zone's offset changes."""
    days = [start + timedelta(days=number) for number in range(_LOOK_AHEAD_DAYS)]
    midnights = [datetime.combine(day, time(0), zone).astimezone(UTC) for day in days]
    return tuple(
        day for day, (begin, end) in zip(days, pairwise(midnights), strict=False) if end - begin != timedelta(days=1)
    )
