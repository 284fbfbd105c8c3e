"""A schedule in words."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.schedule.cron import HOUR, MINUTE, MONTH, Cron, DayRule, FieldRange

_WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
_LISTED_TIMES = 6


def meaning(cron: Cron, zone: str, delay: int = 0) -> str:
    """Such as ``daily at 03:00 Asia/Tokyo, starting 10 minutes later``. *delay* is in seconds."""
    if not cron.is_scheduled:
        return "no scheduled run"
    days = days_in_words(cron)
    months = "" if cron.months == MONTH.full else f" in {month_names(cron.months)}"
    times = _times(cron)
    daily = "daily " if not days and times.startswith("at ") else ""
    later = f", starting {duration(delay)} later" if delay else ""
    return f"{daily}{times} {zone}{f' {days}' if days else ''}{months}{later}"


def days_in_words(cron: Cron) -> str:
    """Such as ``on days 5 and 10 of the month``; "" when it runs every day."""
    match cron.day_rule:
        case DayRule.EVERY_DAY:
            return ""
        case DayRule.DAYS:
            return f"on {day_numbers(cron.days)} of the month"
        case DayRule.WEEKDAYS:
            return f"on {weekday_names(cron.weekdays)}"
        case DayRule.EITHER:
            return f"on {day_numbers(cron.days)} of the month and also on {weekday_names(cron.weekdays)}"


def day_numbers(days: Sequence[int]) -> str:
    """Such as ``day 1`` or ``days 1 to 7``."""
    return f"day {days[0]}" if len(days) == 1 else f"days {_numbers(days)}"


def month_names(months: Sequence[int]) -> str:
    """Such as ``January and July``."""
    return _listed([_MONTHS[month - 1] for month in months])


def weekday_names(weekdays: Sequence[int]) -> str:
    """Such as ``Mondays`` or ``Monday to Friday``."""
    if len(weekdays) == 1:
        return f"{_WEEKDAYS[weekdays[0]]}s"
    if len(weekdays) > 2 and _is_run(weekdays):
        return f"{_WEEKDAYS[weekdays[0]]} to {_WEEKDAYS[weekdays[-1]]}"
    return _listed([_WEEKDAYS[weekday] for weekday in weekdays])


def duration(seconds: int) -> str:
    """Such as ``10 minutes`` or ``1 hour 30 minutes``."""
    parts = []
    for size_s, unit in _UNITS:
        amount, seconds = divmod(seconds, size_s)
        if amount:
            parts.append(f"{amount} {unit}{'s' if amount > 1 else ''}")
    return " ".join(parts) or "0 seconds"


def _times(cron: Cron) -> str:
    every_minutes, every_hours = _step(cron.minutes, MINUTE), _step(cron.hours, HOUR)
    often = "every minute" if every_minutes == 1 else f"every {every_minutes} minutes" if every_minutes else ""
    if every_hours == 1:
        return often or f"every hour at {_listed([f':{minute:02}' for minute in cron.minutes])}"
    if len(cron.minutes) == 1 and every_hours and len(cron.hours) > 2:
        return f"every {every_hours} hours from 00:{cron.minutes[0]:02}"
    times = [f"{hour:02}:{minute:02}" for hour in cron.hours for minute in cron.minutes]
    if len(times) <= _LISTED_TIMES:
        return f"at {_listed(times)}"
    hours = f"hour {cron.hours[0]}" if len(cron.hours) == 1 else f"hours {_numbers(cron.hours)}"
    return f"{often or f'at minutes {_numbers(cron.minutes)}'} of {hours}"


def _step(values: Sequence[int], known: FieldRange) -> int:
    """N when *values* are all multiples of an n that divides the field evenly, else 0."""
    size = len(known.full)
    step = size // len(values)
    return step if step * len(values) == size and tuple(values) == tuple(range(0, size, step)) and step < size else 0


def _numbers(values: Sequence[int]) -> str:
    return (
        f"{values[0]} to {values[-1]}"
        if len(values) > 2 and _is_run(values)
        else _listed([str(value) for value in values])
    )


def _is_run(values: Sequence[int]) -> bool:
    return list(values) == list(range(values[0], values[-1] + 1))


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
