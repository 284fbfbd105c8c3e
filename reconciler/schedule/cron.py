"""A parsed cron text: sets of numbers, and which of the two day fields counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

# The longest each month can be.
MONTH_LENGTHS = {1: 31, 2: 29, 3: 31, 4: 30, 5: 31, 6: 30, 7: 31, 8: 31, 9: 30, 10: 31, 11: 30, 12: 31}
LEAP_DAY = 29
"""Of February, in leap years only."""


class Dialect(StrEnum):
    """How two things are read: ``*/n`` in fields that begin at 1, and two restricted day fields."""

    DOCUMENTED = "documented"
    """As the vendor's page says: multiples of n; of two day fields, the one that asks for more runs."""
    CLASSIC = "classic"
    """As cron libraries do: 1, 1 + n, …; a day that either field names."""

    @property
    def other(self) -> Dialect:
        """The dialect that this is not."""
        return Dialect.CLASSIC if self is Dialect.DOCUMENTED else Dialect.DOCUMENTED


class DayRule(StrEnum):
    """What decides on which days of its months a schedule runs."""

    EVERY_DAY = "every_day"
    DAYS = "days"
    WEEKDAYS = "weekdays"
    EITHER = "either"


@dataclass(frozen=True, slots=True)
class FieldRange:
    """One of the five fields: its name, its numbers and the names that may stand for them."""

    name: str
    first: int
    last: int
    names: tuple[str, ...] = ()

    @property
    def full(self) -> tuple[int, ...]:
        """All its numbers."""
        return tuple(range(self.first, self.last + 1))


# Treasure Data, "Pinterest export integration": ranges and names of the five fields.
MINUTE = FieldRange("minute", 0, 59)
HOUR = FieldRange("hour", 0, 23)
DAY = FieldRange("day of month", 1, 31)
MONTH = FieldRange("month", 1, 12, ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"))
WEEKDAY = FieldRange("day of week", 0, 6, ("sun", "mon", "tue", "wed", "thu", "fri", "sat"))
FIELDS = (MINUTE, HOUR, DAY, MONTH, WEEKDAY)


@dataclass(frozen=True, slots=True)
class Cron:
    """When something runs, without the zone. Without *minutes* it has no scheduled run.

    text: as it may be sent to the vendor.
    fields: the five texts it was read from, presets expanded; empty without a scheduled run.
    minutes, hours, days, months, weekdays: sorted; Sunday is 0.
    day_rule: which of *days* and *weekdays* count.
    is_settled: whether the vendor's page decides between two day fields; when False, *day_rule* is the likelier reading.
    """

    text: str
    dialect: Dialect
    fields: tuple[str, ...] = ()
    minutes: tuple[int, ...] = ()
    hours: tuple[int, ...] = ()
    days: tuple[int, ...] = ()
    months: tuple[int, ...] = ()
    weekdays: tuple[int, ...] = ()
    day_rule: DayRule = DayRule.EVERY_DAY
    is_settled: bool = True

    @property
    def is_scheduled(self) -> bool:
        """Whether it runs by itself at all."""
        return bool(self.minutes)

    @property
    def names_both_days(self) -> bool:
        """Whether both day fields are restricted."""
        return bool(self.fields) and is_restricted(self.fields[2]) and is_restricted(self.fields[4])

    def runs_on(self, day: date) -> bool:
        """Whether it runs on *day* of its zone."""
        if day.month not in self.months:
            return False
        match self.day_rule:
            case DayRule.EVERY_DAY:
                return True
            case DayRule.DAYS:
                return day.day in self.days
            case DayRule.WEEKDAYS:
                return day.isoweekday() % 7 in self.weekdays
            case DayRule.EITHER:
                return day.day in self.days or day.isoweekday() % 7 in self.weekdays

    @property
    def canonical(self) -> str:
        """The one text of this meaning: equal exactly when the runs are equal. "" without a scheduled run.

        Read as *documented* it means the same, unless both day fields count (which only *classic* can say).
        """
        if not self.is_scheduled:
            return ""
        days, months, weekdays = _effective(self)
        values = (self.minutes, self.hours, days, months, weekdays)
        return " ".join(
            "*" if value == known.full else ",".join(map(str, value))
            for known, value in zip(FIELDS, values, strict=True)
        )


def is_restricted(field: str) -> bool:
    """Whether a day field says anything. ``1-31`` and ``*/1`` do: they ask for every day."""
    return field != "*"


def existing(days: tuple[int, ...], months: tuple[int, ...]) -> tuple[int, ...]:
    """Those of *days* that one of *months* has."""
    longest = max(MONTH_LENGTHS[month] for month in months)
    return tuple(day for day in days if day <= longest)


def _effective(cron: Cron) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Days, months and weekdays as far as they matter."""
    months = cron.months
    days = existing(cron.days, months) if cron.day_rule in (DayRule.DAYS, DayRule.EITHER) else DAY.full
    weekdays = cron.weekdays if cron.day_rule in (DayRule.WEEKDAYS, DayRule.EITHER) else WEEKDAY.full
    if days and len(days) == max(MONTH_LENGTHS[month] for month in months):
        days = DAY.full
    if cron.day_rule is DayRule.EITHER:
        if DAY.full == days or weekdays == WEEKDAY.full:
            return DAY.full, months, WEEKDAY.full
        return days or DAY.full, months, weekdays
    return days, tuple(month for month in months if days[0] <= MONTH_LENGTHS[month]), weekdays
