"""Moments as .NET's custom format strings write them, in UTC and the invariant culture.

Source: dotnet/docs, custom date and time format strings. `Z`, `T`, `Y`, `D` are letters like others, and are copied.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_TOKEN: Final = re.compile(
    r"(?P<run>y+|M+|d+|H+|h+|m+|s+|f+|F+|t+|z+|K)|'(?P<single>[^']*)'|\"(?P<double>[^\"]*)\"|\\(?P<escaped>.)|%(?P<one>[yMdHhmsfFtzK])"
    r"|(?P<other>[^'\"\\%])",
    re.DOTALL,
)
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LONGEST_FRACTION: Final = 7
_UNITS: Final = (
    ("fF", timedelta(microseconds=1)), ("s", timedelta(seconds=1)), ("m", timedelta(minutes=1)), ("Hh", timedelta(hours=1)),
    ("d", timedelta(days=1)), ("M", timedelta(days=31)), ("y", timedelta(days=366)),
)  # fmt: skip


def check(format_: str) -> None:
    """Refuse what is no custom format.

    Raises:
        ValueError: says why.
    """
    _tokens(format_)


def written(moment: datetime, format_: str) -> str:
    """*moment*, which knows its zone, in *format_*.

    Raises:
        ValueError: *format_* is no custom format.
    """
    utc = moment.astimezone(UTC)
    parts: list[str] = []
    for run, literal in _tokens(format_):
        if run.startswith("F") and not _fraction(utc, len(run)).rstrip("0"):
            # A fraction of nothing vanishes with the point before it.
            if parts and parts[-1].endswith("."):
                parts[-1] = parts[-1][:-1]
        else:
            parts.append(_part(utc, run) if run else literal)
    return "".join(parts)


def resolution(format_: str) -> timedelta:
    """The smallest span that two moments differ by in *format_*, such as a second or a day.

    Raises:
        ValueError: *format_* is no custom format.
    """
    runs = [run for run, _ in _tokens(format_) if run]
    for letters, span in _UNITS:
        fine = [run for run in runs if run[0] in letters]
        if fine and letters == "fF":
            digits = max(map(len, fine))
            return timedelta(microseconds=1_000_000 // 10 ** min(digits, 6))
        if fine:
            return span
    return timedelta(days=366)


def is_of_days(format_: str) -> bool:
    """Whether moments of one day look the same in *format_*."""
    return resolution(format_) >= timedelta(days=1)


def _tokens(format_: str) -> list[tuple[str, str]]:
    """Specifiers and literals in order, one of a pair empty."""
    if len(format_) == 1:
        raise ValueError(
            f"{format_!r} is one of .NET's standard formats, not a custom one: write %{format_} for the specifier"
        )
    if not format_:
        raise ValueError("a format is empty")
    tokens: list[tuple[str, str]] = []
    position = 0
    while position < len(format_):
        match = _TOKEN.match(format_, position)
        if match is None:
            raise ValueError(f"{format_!r} is no format: {format_[position:]!r} does not end")
        run = match["run"] or match["one"]
        if run is not None and run[0] in "fF" and len(run) > _LONGEST_FRACTION:
            raise ValueError(f"{format_!r} is no format: a fraction has {_LONGEST_FRACTION} digits at most")
        literals = (match["single"], match["double"], match["escaped"], match["other"])
        tokens.append((run or "", next((text for text in literals if text is not None), "")))
        position = match.end()
    return tokens


def _fraction(moment: datetime, digits: int) -> str:
    return f"{moment.microsecond:06}0"[:digits]


def _part(moment: datetime, run: str) -> str:  # noqa: PLR0911, C901 - a table of specifiers
    count = len(run)
    match run[0]:
        case "y":
            return f"{moment.year % 100:0{count}}" if count <= 2 else f"{moment.year:0{count}}"
        case "M":
            return _named(_MONTHS[moment.month - 1], moment.month, count)
        case "d":
            return _named(_DAYS[moment.weekday()], moment.day, count)
        case "H":
            return _padded(moment.hour, count)
        case "h":
            return _padded(moment.hour % 12 or 12, count)
        case "m":
            return _padded(moment.minute, count)
        case "s":
            return _padded(moment.second, count)
        case "f":
            return _fraction(moment, count)
        case "F":
            return _fraction(moment, count).rstrip("0")
        case "t":
            return ("AM" if moment.hour < 12 else "PM")[: min(count, 2)]
        case "z":
            return "+0" if count == 1 else "+00" if count == 2 else "+00:00"
        case _:
            return "Z"


def _padded(number: int, count: int) -> str:
    return f"{number:0{min(count, 2)}}"


def _named(name: str, number: int, count: int) -> str:
    return _padded(number, count) if count <= 2 else name[:3] if count == 3 else name
