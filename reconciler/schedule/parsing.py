"""From cron text to its meaning, strictly: what the vendor's page does not promise is refused with what to write instead."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from reconciler.diagnostics import did_you_mean
from reconciler.schedule.cron import (
    FIELDS,
    MONTH_LENGTHS,
    WEEKDAY,
    Cron,
    DayRule,
    Dialect,
    FieldRange,
    existing,
    is_restricted,
)
from reconciler.schedule.problem import Problem, ScheduleError, shown
from reconciler.schedule.zones import check_zone

# Treasure Data, "Intercom import": the presets of a schedule.
PRESETS = {"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@monthly": "0 0 1 * *"}
# Presets of other systems.
_REPLACEMENTS = {
    "@weekly": "0 0 * * 0",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@midnight": "@daily",
}

# Every minute, hour, day, month and weekday written out one by one has fewer than 400.
LONGEST_CRON = 500
_NUMBER = re.compile(r"[0-9]{1,4}")
_ITEM = re.compile(
    r"(?P<first>\*|[0-9]{1,4}|[a-z]+)(?:-(?P<last>[0-9]{1,4}|[a-z]+))?(?:/(?P<step>[0-9]{1,4}))?", re.IGNORECASE
)


def parse(cron: str | None, dialect: Dialect | str = Dialect.DOCUMENTED) -> Cron:
    """Read a cron text; None and "" have no scheduled run. A line break at the end, as block scalars leave it, is dropped.

    Raises:
        ScheduleError: it cannot be read, or would never run.

    Source: Treasure Data, "Pinterest export integration", schedule section.
    """
    return _parse((cron or "").rstrip("\r\n"), Dialect(dialect))


def check(cron: str | None, timezone: str, dialect: Dialect | str = Dialect.DOCUMENTED) -> list[Problem]:
    """Everything that makes *cron* or *timezone* unusable."""
    problems = []
    try:
        parse(cron, dialect)
    except ScheduleError as error:
        problems.append(error.problem)
    try:
        check_zone(timezone)
    except ScheduleError as error:
        problems.append(error.problem)
    return problems


@lru_cache(maxsize=4096)
def _parse(text: str, dialect: Dialect) -> Cron:
    if not text:
        return Cron("", dialect)
    if len(text) > LONGEST_CRON:
        raise _error(
            "cron-too-long",
            f"{shown(text)} has {len(text):,} characters, more than any schedule needs",
            "write ranges such as 2-5 and steps such as */5",
        )
    _check_characters(text)
    fields = _fields(text)
    minutes, hours, days, months, weekdays = (
        _values(field, known, dialect) for field, known in zip(fields, FIELDS, strict=True)
    )
    day_rule, is_settled = _day_rule(fields, dialect, days, months, weekdays)
    if day_rule is DayRule.DAYS and not any(day <= MONTH_LENGTHS[month] for day in days for month in months):
        raise _error(
            "cron-never-runs", f"{shown(text)} never runs: no such day exists", "use a day that one of the months has"
        )
    return Cron(text, dialect, fields, minutes, hours, days, months, weekdays, day_rule, is_settled)


def _check_characters(text: str) -> None:
    for position, character in enumerate(text, start=1):
        if character.isascii():
            continue
        half_width = unicodedata.normalize("NFKC", text)
        raise _error(
            "cron-not-ascii",
            f"character {position} of {shown(text)} is U+{ord(character):04X} ({unicodedata.name(character, 'unnamed')})",
            f"write {shown(half_width)}" if half_width.isascii() else "use digits, letters and signs of ASCII only",
        )


def _fields(text: str) -> tuple[str, ...]:
    if text.startswith("@"):
        return tuple(_preset(text).split(" "))
    fields = text.split()
    if len(fields) != len(FIELDS):
        raise _error(
            "cron-fields",
            f"{shown(text)} has {len(fields)} fields where five should be",
            _hint_for_fields(text, fields),
        )
    if text != " ".join(fields):
        raise _error(
            "cron-blanks",
            f"{shown(text)} has more than single blanks between its fields",
            f"write {shown(' '.join(fields))}",
        )
    return tuple(fields)


def _preset(text: str) -> str:
    if text in PRESETS:
        return PRESETS[text]
    allowed = ", ".join(PRESETS)
    hint = f"use {_REPLACEMENTS[text]}" if text in _REPLACEMENTS else did_you_mean(text, PRESETS)
    raise _error(
        "cron-preset", f"{shown(text)} is not a preset; there are {allowed}", hint or "write five fields instead"
    )


def _hint_for_fields(text: str, fields: list[str]) -> str:
    if text.strip().casefold() in ("", "none", "null", "off"):
        return 'write "" for no scheduled run'
    if len(fields) in (6, 7):
        return "leave out seconds and years: minute, hour, day of month, month, day of week"
    return "write minute, hour, day of month, month and day of week, such as '0 4 * * *'"


def _values(field: str, known: FieldRange, dialect: Dialect) -> tuple[int, ...]:
    values: set[int] = set()
    items = field.split(",")
    for item in items:
        if item == "*" and len(items) > 1:
            raise _error("cron-star-in-list", f"{known.name} {shown(field)} has '*' in a list", "write '*' alone")
        values.update(_item_values(item, known, dialect))
    return tuple(sorted(values))


def _item_values(item: str, known: FieldRange, dialect: Dialect) -> range | list[int]:
    match = _ITEM.fullmatch(item)
    if match is None:
        raise _error("cron-syntax", f"{known.name} {shown(item)} cannot be read", _hint_for_item(known))
    first, last, step = match["first"], match["last"], match["step"]
    if step is not None and not 0 < int(step) <= len(known.full):
        why = "is zero" if int(step) == 0 else f"is more than the {len(known.full)} values there are"
        raise _error(
            "cron-step", f"the step of {known.name} {shown(item)} {why}", f"use a step from 1 to {len(known.full)}"
        )
    if first == "*":
        if last is not None:
            raise _error("cron-syntax", f"{known.name} {shown(item)} cannot be read", _hint_for_item(known))
        return _stepped(known, int(step or 1), dialect)
    begin = _number(first, known)
    if last is None:
        if step is not None:
            raise _error(
                "cron-syntax",
                f"{known.name} {shown(item)} has a step but no end",
                f"write '{first}-{known.last}/{step}'",
            )
        return [begin]
    end = _number(last, known)
    if begin > end:
        ahead = f"{begin}-{known.last},{known.first}-{end}"
        raise _error("cron-range", f"{known.name} {shown(item)} runs backwards", f"write '{ahead}'")
    return range(begin, end + 1, int(step or 1))


def _stepped(known: FieldRange, step: int, dialect: Dialect) -> range | list[int]:
    """``*/step``. Days and months begin at 1, where the dialects differ."""
    if dialect is Dialect.CLASSIC:
        return range(known.first, known.last + 1, step)
    return [value for value in known.full if value % step == 0]


def _number(text: str, known: FieldRange) -> int:
    if _NUMBER.fullmatch(text):
        if known is WEEKDAY and int(text) == 7:
            raise _error("cron-sunday", "day of week 7 is not promised to be Sunday", "use 0 or sun")
        if known.first <= int(text) <= known.last:
            return int(text)
        raise _error(
            "cron-value", f"{known.name} {text} is outside {known.first} to {known.last}", _hint_for_item(known)
        )
    folded = text.casefold()
    if folded in known.names:
        return known.names.index(folded) + known.first
    hint = did_you_mean(folded[:3], known.names) if known.names else _hint_for_item(known)
    raise _error("cron-value", f"{known.name} {shown(text)} is not known", hint or _hint_for_item(known))


def _hint_for_item(known: FieldRange) -> str:
    names = f", or {known.names[0]} to {known.names[-1]}" if known.names else ""
    return f"write *, numbers from {known.first} to {known.last}{names}, ranges such as 2-5, steps such as */5, or a list of these"


def _day_rule(
    fields: tuple[str, ...],
    dialect: Dialect,
    days: tuple[int, ...],
    months: tuple[int, ...],
    weekdays: tuple[int, ...],
) -> tuple[DayRule, bool]:
    """Which day field counts, and whether the vendor's page decides it."""
    match is_restricted(fields[2]), is_restricted(fields[4]):
        case False, False:
            return DayRule.EVERY_DAY, True
        case True, False:
            return DayRule.DAYS, True
        case False, True:
            return DayRule.WEEKDAYS, True
        case _:
            if dialect is Dialect.CLASSIC:
                return DayRule.EITHER, True
    return _more_frequent(days, months, weekdays)


def _more_frequent(days: tuple[int, ...], months: tuple[int, ...], weekdays: tuple[int, ...]) -> tuple[DayRule, bool]:
    """The day field that asks for more runs; settled if it never asks for fewer in any month."""
    lengths = [length for month in months for length in ((28, 29) if month == 2 else (MONTH_LENGTHS[month],))]
    by_days = [len([day for day in days if day <= length]) for length in lengths]
    # A month has each weekday four times, and its 29th to 31st day once more.
    fewest = 4 * len(weekdays)
    most = [fewest + min(len(weekdays), length - 28) for length in lengths]
    days_always = all(count > upper for count, upper in zip(by_days, most, strict=True))
    weekdays_always = all(count < fewest for count in by_days)
    # Over the 400 years after which the calendar repeats, of which 97 have a 29 February.
    day_total = sum(97 if (day, month) == (29, 2) else 400 for month in months for day in existing(days, (month,)))
    length_total = sum(28 * 400 + 97 if month == 2 else 400 * MONTH_LENGTHS[month] for month in months)
    rule = DayRule.DAYS if day_total * len(WEEKDAY.full) >= length_total * len(weekdays) else DayRule.WEEKDAYS
    return rule, days_always or weekdays_always


def _error(rule: str, message: str, hint: str) -> ScheduleError:
    return ScheduleError(Problem(rule, "cron", message, hint))
