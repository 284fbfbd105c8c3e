"""Treasure Data's own SQL functions as DuckDB expressions, built as text from the texts of their arguments.

Formats, units, zones and durations must be literals; times may be any expression, numbers of seconds or text.
Source: the vendor's pages on TD_* functions; td-skills for the formats of TD_TIME_STRING.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timezone
from typing import Final

from reconciler.errors import TdrError
from reconciler.service import td_times


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument: its DuckDB text, and its value when it is a literal (None for NULL as well, then *is_null*)."""

    sql: str
    literal: str | int | None = None
    is_null: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function. *now* is the scheduled time in Unix seconds."""

    name: str
    arguments: Sequence[Argument]
    now: int

    def word(self, position: int, default: str | None = None) -> str:
        """A literal text argument; *default* when it is left out or NULL."""
        if position >= len(self.arguments) or self.arguments[position].is_null:
            if default is None:
                raise TdrError(f"{self.name} takes more arguments than {len(self.arguments)}")
            return default
        value = self.arguments[position].literal
        if not isinstance(value, str):
            raise TdrError(f"argument {position + 1} of {self.name} must be a text literal")
        return value

    def seconds(self, position: int, zone: str) -> str:
        """A time argument as Unix seconds: a number stays, text is parsed in *zone*."""
        argument = self.arguments[position]
        if argument.is_null:
            return "NULL"
        if isinstance(argument.literal, int):
            return str(argument.literal)
        if isinstance(argument.literal, str):
            moment = td_times.parse(argument.literal, zone)
            return "CAST(NULL AS BIGINT)" if moment is None else str(moment)
        return parsed(argument.sql, zone)


def translate(call: Call) -> str:
    """DuckDB text for a TD_ function.

    Raises:
        TdrError: the embedded engine has no such function, or its arguments are wrong; names it.
    """
    function = _FUNCTIONS.get(call.name)
    if function is None:
        raise TdrError(
            f"the embedded engine has no function {call.name}", hint=f"it has {', '.join(sorted(_FUNCTIONS))}"
        )
    least, most, build = function
    if not least <= len(call.arguments) <= most:
        raise TdrError(f"{call.name} takes {least} to {most} arguments, got {len(call.arguments)}")
    return build(call)


def parsed(sql: str, zone: str) -> str:
    """Any expression as Unix seconds: digits are seconds already, text with an offset has its own zone."""
    text = f"CAST({sql} AS VARCHAR)"
    local = _from_local(f"TRY_CAST({text} AS TIMESTAMP)", zone)
    return (
        f"CASE WHEN regexp_full_match({text}, '-?\\d+(\\.\\d+)?') THEN CAST(TRY_CAST({text} AS DOUBLE) AS BIGINT)"
        f" WHEN regexp_matches({text}, '\\d(Z|[+-]\\d\\d:?\\d\\d)$') AND length({text}) > 10"
        f" THEN CAST(floor(epoch(TRY_CAST({text} AS TIMESTAMPTZ))) AS BIGINT)"
        f" ELSE {local} END"
    )


def _local(seconds: str, zone: str) -> str:
    """Unix seconds as wall-clock time in *zone*."""
    place = td_times.zone(zone)
    utc = f"timezone('UTC', to_timestamp({seconds}))"
    if isinstance(place, timezone):
        return f"({utc} + to_seconds({int(place.utcoffset(None).total_seconds())}))"
    return f"timezone('{zone}', to_timestamp({seconds}))"


def _from_local(timestamp: str, zone: str) -> str:
    """Wall-clock time in *zone* as Unix seconds."""
    place = td_times.zone(zone)
    if isinstance(place, timezone):
        return f"(CAST(floor(epoch({timestamp})) AS BIGINT) - {int(place.utcoffset(None).total_seconds())})"
    return f"CAST(floor(epoch(timezone('{zone}', {timestamp}))) AS BIGINT)"


def _time_range(call: Call) -> str:
    zone = call.word(3, "UTC")
    time = call.arguments[0].sql
    bounds = []
    for position, operator in ((1, ">="), (2, "<")):
        if position >= len(call.arguments) or call.arguments[position].is_null:
            continue
        literal = call.arguments[position].literal
        if isinstance(literal, str) and td_times.parse(literal, zone) is None:
            raise TdrError(
                f"argument {position + 1} of {call.name} is no time: {literal!r}",
                hint="write 2025-01-31 or 2025-01-31 09:00:00",
            )
        bounds.append(f"{time} {operator} {call.seconds(position, zone)}")
    return f"({' AND '.join(bounds)})" if bounds else f"({time} IS NOT NULL)"


def _time_add(call: Call) -> str:
    return f"({call.seconds(0, call.word(2, 'UTC'))} + {td_times.duration_s(call.word(1))})"


def _time_parse(call: Call) -> str:
    return call.seconds(0, call.word(1, "UTC"))


def _time_format(call: Call) -> str:
    return _formatted(call.seconds(0, "UTC"), call.word(1), call.word(2, "UTC"))


_STRINGS: Final = {
    "y": ("year", "%Y"), "q": ("quarter", "%Y-%m"), "M": ("month", "%Y-%m"), "w": ("week", "%Y-%m-%d"),
    "d": ("day", "%Y-%m-%d"), "h": ("hour", "%Y-%m-%d %H"), "m": ("minute", "%Y-%m-%d %H:%M"), "s": ("second", "%Y-%m-%d %H:%M:%S"),
}  # fmt: skip


def _time_string(call: Call) -> str:
    wanted, zone = call.word(1), call.word(2, "UTC")
    seconds = call.seconds(0, zone)
    unit, short = _STRINGS.get(wanted.removesuffix("!"), (None, ""))
    if unit is None:
        return _formatted(seconds, wanted, zone)  # the vendor also takes whole formats here
    local = f"date_trunc('{unit}', {_local(seconds, zone)})"
    if wanted.endswith("!"):
        return f"strftime({local}, '{short}')"
    return f"(strftime({local}, '%Y-%m-%d %H:%M:%S') || {_offset(_from_local(local, zone), zone, '')})"


def _date_trunc(call: Call) -> str:
    unit, zone = call.word(0).lower(), call.word(2, "UTC")
    if unit not in {"second", "minute", "hour", "day", "week", "month", "quarter", "year"}:
        raise TdrError(
            f"unknown unit of {call.name}: {unit!r}", hint="use second, minute, hour, day, week, month, quarter or year"
        )
    return _from_local(f"date_trunc('{unit}', {_local(call.seconds(1, zone), zone)})", zone)


def _scheduled_time(call: Call) -> str:
    return f"CAST({call.now} AS BIGINT)"


def _interval(call: Call) -> str:
    start, end = td_times.interval(call.word(1), call.word(2, "UTC"), call.now)
    return f"({call.arguments[0].sql} >= {start} AND {call.arguments[0].sql} < {end})"


_FUNCTIONS: Final[dict[str, tuple[int, int, Callable[[Call], str]]]] = {
    "TD_TIME_RANGE": (2, 4, _time_range),
    "TD_TIME_ADD": (2, 3, _time_add),
    "TD_TIME_PARSE": (1, 2, _time_parse),
    "TD_TIME_FORMAT": (2, 3, _time_format),
    "TD_TIME_STRING": (2, 3, _time_string),
    "TD_DATE_TRUNC": (2, 3, _date_trunc),
    "TD_SCHEDULED_TIME": (0, 0, _scheduled_time),
    "TD_INTERVAL": (2, 3, _interval),
}

# Java's date patterns as strftime's. Source: java.text.SimpleDateFormat, which the vendor's page names.
_PATTERNS: Final = {
    "yyyy": "%Y", "YYYY": "%Y", "yy": "%y", "MMMM": "%B", "MMM": "%b", "MM": "%m", "M": "%-m", "dd": "%d", "d": "%-d",
    "HH": "%H", "H": "%-H", "hh": "%I", "h": "%-I", "mm": "%M", "m": "%-M", "ss": "%S", "s": "%-S", "SSS": "%g",
    "EEEE": "%A", "EEE": "%a", "E": "%a", "a": "%p", "DDD": "%j", "D": "%-j",
}  # fmt: skip
_TOKEN: Final = re.compile(r"'(?P<quoted>(?:[^']|'')*)'|(?P<letters>([A-Za-z])\3*)|(?P<other>[^A-Za-z']+)")


def _formatted(seconds: str, pattern: str, zone: str) -> str:
    """Unix seconds by a Java date pattern. Offsets (Z, XXX) are put between, for strftime does not know the zone."""
    parts, plain = [], ""
    local = _local(seconds, zone)
    for match in _TOKEN.finditer(pattern):
        letters = match["letters"]
        if letters in {"Z", "XXX"}:
            if plain:
                parts.append(f"strftime({local}, '{plain}')")
            plain = ""
            parts.append(_offset(seconds, zone, ":" if letters == "XXX" else ""))
        elif letters:
            if letters not in _PATTERNS:
                raise TdrError(f"the embedded engine does not know the date pattern {letters!r} in {pattern!r}")
            plain += _PATTERNS[letters]
        else:
            literal = match["other"] if match["quoted"] is None else match["quoted"].replace("''", "'") or "'"
            plain += literal.replace("%", "%%").replace("'", "''")
    if plain or not parts:
        parts.append(f"strftime({local}, '{plain}')")
    return f"({' || '.join(parts)})"


def _offset(seconds: str, zone: str, separator: str) -> str:
    """``+0900``, or ``+09:00`` with a colon as *separator*, for the zone at that time."""
    minutes = f"CAST((epoch({_local(seconds, zone)}) - ({seconds})) // 60 AS INTEGER)"
    sign = f"CASE WHEN {minutes} < 0 THEN '-' ELSE '+' END"
    hours, rest = (f"lpad(CAST(abs({minutes}) {part} AS VARCHAR), 2, '0')" for part in ("// 60", "% 60"))
    return f"({sign} || {hours} || '{separator}' || {rest})"
