"""Schedules of activations of segments: a cron on our side, units that repeat from a start on the vendor's. Pure.

What the vendor's units cannot say goes as its older `scheduleType: cron`, which it still tells and takes.
Source: oas-cdp; weekdays are 1 (Monday) to 7 (Sunday) there, and tdx has 0 for Sunday: both are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

from reconciler.model.json import Json
from reconciler.providers.treasure_data import wire
from reconciler.schedule import Cron, DayRule, Dialect, next_runs, parse

_MINUTES, _HOURS, _MONTHS = tuple(range(60)), tuple(range(24)), tuple(range(1, 13))
_OLDER: Final = {"hourly": "hour", "daily": "day", "minutes_interval": "minute", "none": "none"}


@dataclass(frozen=True, slots=True)
class Ways:
    """How an account has schedules of activations.

    in_units: whether it has the newer fields; else all is said in the older cron.
    sunday: the number of that day, 7 as oas-cdp says or 0 as tdx does.
    """

    in_units: bool = True
    sunday: int = 7


def sent(cron: str, zone: str, dialect: Dialect, now: float, ways: Ways | None = None) -> dict[str, Json]:
    """The fields that say *cron*; a start is its first run after *now* (Unix seconds)."""
    ways, parsed = ways or Ways(), parse(cron, dialect)
    if not ways.in_units:
        if not parsed.is_scheduled:
            return {"scheduleType": "none", "scheduleOption": None}
        return {"scheduleType": "cron", "scheduleOption": parsed.canonical}
    if not parsed.is_scheduled:
        return {"repeatUnit": "none", "repeatFrequency": 1, "repeatSubFrequency": [], "startAt": None}
    repeat = _repeat(parsed)
    if repeat is None:
        return {"scheduleType": "cron", "scheduleOption": parsed.canonical}
    unit, frequency, days = repeat
    (first,) = next_runs(parsed, zone, now, 1)
    return {
        "repeatUnit": unit,
        "repeatFrequency": frequency,
        "repeatSubFrequency": cast("Json", sorted(day or ways.sunday for day in days)),
        "startAt": first.local.strftime("%Y-%m-%dT%H:%M:%S"),
    }


def told(raw: Mapping[str, Json]) -> str:  # noqa: PLR0911 - a table of units
    """The cron that the vendor's fields mean, "" for none; what no cron means is told in words that no cron is."""
    unit, start = wire.text(raw.get("repeatUnit")), wire.text(raw.get("startAt"))
    if not unit:
        return _of_older(raw, start)
    if unit == "none":
        return ""
    try:
        moment = datetime.fromisoformat(start)
    except ValueError:
        return f"every {unit} from no start"
    at = f"{moment.minute} {moment.hour}"
    match unit:
        case "minute":
            return _every(wire.whole(raw.get("repeatFrequency")) or 1, moment.minute)
        case "hour":
            return f"{moment.minute} * * * *"
        case "day":
            return f"{at} * * *"
        case "week":
            days = raw.get("repeatSubFrequency")
            numbers = [wire.whole(day) % 7 for day in days] if isinstance(days, list) and days else []
            return f"{at} * * {','.join(map(str, sorted(numbers) or [moment.isoweekday() % 7]))}"
        case "month":
            return f"{at} {moment.day} * *"
        case _:
            return f"{unit} at {start}"


def _repeat(cron: Cron) -> tuple[str, int, tuple[int, ...]] | None:  # noqa: PLR0911 - as above
    """Unit, frequency and weekdays, Sunday as 0; None when the vendor's units cannot say it."""
    if cron.months != _MONTHS:
        return None
    is_daily = cron.day_rule is DayRule.EVERY_DAY
    if is_daily and cron.hours == _HOURS:
        if len(cron.minutes) == 1:
            return "hour", 1, ()
        step = cron.minutes[1] - cron.minutes[0]
        if 60 % step == 0 and cron.minutes == tuple(range(cron.minutes[0] % step, 60, step)):
            return "minute", step, ()
        return None
    if len(cron.minutes) != 1 or len(cron.hours) != 1:
        return None
    if is_daily:
        return "day", 1, ()
    if cron.day_rule is DayRule.WEEKDAYS:
        return "week", 1, tuple(cron.weekdays)
    # A month without the day is passed over by a cron; what the vendor does with it is not documented.
    return ("month", 1, ()) if cron.day_rule is DayRule.DAYS and len(cron.days) == 1 and cron.days[0] <= 28 else None


def _every(minutes: int, first: int) -> str:
    if 60 % minutes:
        return f"every {minutes} minutes"
    return f"{','.join(map(str, range(first % minutes, 60, minutes)))} * * * *"


def _of_older(raw: Mapping[str, Json], start: str) -> str:
    """What objects say that have only the older words; their start, where the service fills it, says when."""
    kind, option = wire.text(raw.get("scheduleType")), wire.text(raw.get("scheduleOption"))
    if kind in {"", "none"}:
        return ""
    if kind == "cron":
        return option
    unit = _OLDER.get(kind, kind.removesuffix("ly"))
    if kind == "minutes_interval":
        return told({"repeatUnit": unit, "repeatFrequency": option, "startAt": start or "2000-01-01T00:00:00"})
    if start:
        return told({"repeatUnit": unit, "startAt": start})
    return " ".join(_clock(kind, option))


def _clock(kind: str, option: str) -> Iterator[str]:
    """``04:30`` of a daily one as a cron; else the vendor's words."""
    hour, _, minute = option.partition(":")
    if kind == "daily" and hour.isdecimal() and minute[:2].isdecimal():
        yield f"{int(minute[:2])} {int(hour)} * * *"
    elif kind == "hourly" and not option:
        yield "0 * * * *"
    else:
        yield from filter(None, (kind, option))
