"""Treasure Data's notion of time: text, zones, units, durations and intervals, evaluated on literals.

Source: the vendor's pages on TD_TIME_* and TD_INTERVAL, and its td-skills repository (time-filtering).
"""

from __future__ import annotations

import re
import zoneinfo
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final

from reconciler.errors import TdrError

# Abbreviations stand for fixed offsets in hours; everything else is a region's name or an offset such as +09:00.
_ABBREVIATIONS: Final = {
    "UTC": 0, "GMT": 0, "Z": 0, "JST": 9, "PST": -8, "PDT": -7, "MST": -7, "MDT": -6, "CST": -6, "CDT": -5, "EST": -5, "EDT": -4,
}  # fmt: skip
_OFFSET: Final = re.compile(r"([+-])(\d{2}):?(\d{2})")
_TEXT: Final = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})"
    r"(?:[ T](?P<time>\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?))?"
    r"\s*(?P<zone>[A-Za-z][A-Za-z_/]*|[+-]\d{2}:?\d{2})?"
)
_DURATION: Final = re.compile(r"([+-]?\d+)([smhdw])")
_VECTOR: Final = re.compile(r"(-?\d+)([smhdwMqy])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_MONTHS: Final = {"M": 1, "q": 3, "y": 12}


def zone(name: str) -> tzinfo:
    """A zone by region, abbreviation or offset; upper or lower case.

    Raises:
        TdrError: there is no such zone.
    """
    if name.upper() in _ABBREVIATIONS:
        return timezone(timedelta(hours=_ABBREVIATIONS[name.upper()]))
    if match := _OFFSET.fullmatch(name):
        minutes = int(match[2]) * 60 + int(match[3])
        return timezone(timedelta(minutes=-minutes if match[1] == "-" else minutes))
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise TdrError(f"unknown time zone: {name!r}", hint="use a name such as Asia/Tokyo") from error


def parse(text: str, default_zone: str) -> int | None:
    """``2013-01-01``, ``2013-01-01 07:00:00`` and ``2013-01-01 07:00:00+0900`` as Unix seconds; None for other text."""
    match = _TEXT.fullmatch(text.strip())
    if match is None:
        return None
    try:
        moment = datetime.fromisoformat(f"{match['date']}T{match['time'] or '00:00:00'}")
    except ValueError:
        return None
    return int(moment.replace(tzinfo=zone(match["zone"] or default_zone)).timestamp())


def duration_s(text: str) -> int:
    """``-7d`` as seconds. Months and years have no length of their own, so the vendor does not take them either.

    Raises:
        TdrError: it is no duration.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise TdrError(f"not a duration: {text!r}", hint="write a number and one of s, m, h, d, w, such as -7d")
    return int(match[1]) * _SECONDS[match[2]]


def interval(text: str, zone_name: str, now: int) -> tuple[int, int]:
    """Start and end in Unix seconds of a TD_INTERVAL such as ``-1d``, ``-7d/-1d``, ``0M/now`` or ``-1d/2025-10-01``.

    ``-n`` are the *n* whole units before the one that holds the end; ``0`` is that unit so far. The part after the slash
    moves the end from the start of the present unit to a time. *now* is the scheduled time.

    Raises:
        TdrError: it is none of these.
    """
    window, _, offset = text.strip().partition("/")
    match = _VECTOR.fullmatch(window)
    if match is None or int(match[1]) > 0:
        raise TdrError(
            f"not an interval: {text!r}", hint="write a number up to 0 and one of s, m, h, d, w, M, q, y, such as -1d"
        )
    count, unit = int(match[1]), match[2]
    place = zone(zone_name)
    present = datetime.fromtimestamp(now, UTC).astimezone(place)
    if offset:
        end = _reference(offset, zone_name, present)
        return _seconds(shifted(truncated(end, unit), count, unit)), _seconds(end)
    start = truncated(present, unit)
    if count == 0:
        return _seconds(start), _seconds(shifted(start, 1, unit))
    return _seconds(shifted(start, count, unit)), _seconds(start)


def _reference(offset: str, zone_name: str, present: datetime) -> datetime:
    if offset == "now":
        return present
    if match := _VECTOR.fullmatch(offset):
        return shifted(truncated(present, match[2]), int(match[1]), match[2])
    moment = parse(offset, zone_name)
    if moment is None:
        raise TdrError(f"not a reference time of an interval: {offset!r}", hint="write now, -1d or 2025-10-01")
    return datetime.fromtimestamp(moment, UTC).astimezone(zone(zone_name))


def truncated(moment: datetime, unit: str) -> datetime:
    """The start of the *unit* (s, m, h, d, w, M, q, y) that holds *moment*; weeks start on Monday."""
    if unit in "smh":
        second = moment.second if unit == "s" else 0
        return moment.replace(minute=0 if unit == "h" else moment.minute, second=second, microsecond=0)
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if unit == "w":
        return day - timedelta(days=day.weekday())
    if unit == "d":
        return day
    month = {"M": day.month, "q": day.month - (day.month - 1) % 3, "y": 1}[unit]
    return day.replace(month=month, day=1)


def shifted(start: datetime, count: int, unit: str) -> datetime:
    """*start* of a unit moved by *count* units; days and longer by the calendar of its zone."""
    if unit in "smh":
        return (start.astimezone(UTC) + timedelta(seconds=count * _SECONDS[unit])).astimezone(start.tzinfo)
    if unit in "dw":
        return start + timedelta(seconds=count * _SECONDS[unit])
    months = start.year * 12 + start.month - 1 + count * _MONTHS[unit]
    return start.replace(year=months // 12, month=months % 12 + 1)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
