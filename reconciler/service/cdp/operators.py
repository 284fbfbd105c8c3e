"""Columns and the operators that compare them, as SQL of Trino.

A negated condition is the complement of the plain one: who is not in the one is in the other, also where there is no value.
The vendor does not say what it does there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from reconciler.service.cdp.sql import text
from reconciler.service.columns import quoted

Rule: TypeAlias = Mapping[str, Any]
"""A rule of a segment, or any part of one."""

_COMPARISONS: Final = {"Equal": "=", "Greater": ">", "GreaterEqual": ">=", "Less": "<", "LessEqual": "<="}
_UNITS_S: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
_CALENDAR_UNITS: Final = frozenset({"month", "quarter", "year"})
_NUMBERS: Final = frozenset({"int", "long", "float", "double"})


class RuleError(Exception):
    """A rule that cannot be read. *pointer* says where, such as ``/conditions/0/operator``."""

    def __init__(self, pointer: str, message: str) -> None:
        """Hold the place and the sentence."""
        super().__init__(message)
        self.pointer = pointer
        self.message = message


@dataclass(frozen=True, slots=True)
class Column:
    """Something to compare: SQL, and its Treasure Data type."""

    sql: str
    type: str

    @classmethod
    def of(cls, name: str, columns: Mapping[str, str], alias: str, pointer: str) -> Column:
        """The column *name* of the table called *alias*, which has *columns*.

        Raises:
            RuleError: it has no such column.
        """
        if name not in columns:
            raise RuleError(pointer, f"there is no column {name!r}")
        return cls(f"{alias}.{quoted(name)}", columns[name])

    @property
    def element(self) -> str:
        """The type of an array's elements, "" for anything else."""
        return self.type[len("array<") : -1] if self.type.startswith("array<") else ""

    def literal(self, value: object, pointer: str) -> str:
        """*value* as this column's type has it."""
        if self.type in _NUMBERS:
            try:
                return repr(float(str(value))) if self.type in {"float", "double"} else str(int(str(value)))
            except ValueError as error:
                raise RuleError(pointer, f"{value!r} is not a number") from error
        return text(value)

    def unix(self, zone: str) -> str:
        """Its time in Unix seconds: numbers are that, texts are read."""
        return f"TD_TIME_PARSE({self.sql}, {text(zone)})" if self.type == "string" else f"CAST({self.sql} AS BIGINT)"


def applied(column: Column, operator: Rule, matching: object, zone: str, pointer: str) -> str:
    """The condition that *operator* makes of *column*.

    matching: how many elements of an array must fit, as ``arrayMatching`` says; no matter for other columns.
    zone: of "today" and of times without one. pointer: of the operator.

    Raises:
        RuleError: it cannot be read.
    """
    compare = _in_array if column.element else _compared
    plain = compare(column, operator, matching, zone, pointer)
    return complement(plain) if operator.get("not") else plain


def _in_array(column: Column, operator: Rule, matching: object, zone: str, pointer: str) -> str:
    if operator.get("type") == "IsNull":
        return f"{column.sql} IS NULL"
    inner = _compared(Column("x", column.element), operator, None, zone, pointer)
    count = f"CARDINALITY(FILTER({column.sql}, x -> {inner}))"
    match matching:
        case None | "any":
            return f"{count} >= 1"
        case "all":
            return f"{count} = CARDINALITY({column.sql})"
        case {"atLeast": least}:
            return f"{count} >= {whole(least, pointer)}"
        case {"atMost": most}:
            return f"{count} <= {whole(most, pointer)}"
        case {"exactly": exact}:
            return f"{count} = {whole(exact, pointer)}"
        case other:
            raise RuleError(pointer, f"arrayMatching {other!r} is not known")


def _compared(  # noqa: PLR0911 - a table of operators
    column: Column, operator: Rule, _matching: object, zone: str, pointer: str
) -> str:
    kind = operator.get("type")
    match kind:
        case "IsNull":
            return f"{column.sql} IS NULL"
        case "Equal" | "Greater" | "GreaterEqual" | "Less" | "LessEqual":
            return _ordered(column, operator, zone, pointer)
        case "Between":
            low = column.literal(operator.get("minValue"), f"{pointer}/minValue")
            high = column.literal(operator.get("maxValue"), f"{pointer}/maxValue")
            return f"{column.sql} BETWEEN {low} AND {high}"
        case "In":
            values = [column.literal(value, f"{pointer}/rightValues") for value in _listed(operator, pointer)]
            return f"{column.sql} IN ({', '.join(values)})"
        case "Contain" | "StartWith" | "EndWith":
            return _like(column, kind, [str(value) for value in _listed(operator, pointer)])
        case "Regexp":
            return f"REGEXP_LIKE({column.sql}, {text(operator.get('rightValue'))})"
        case _:
            return _timed(column, operator, zone, pointer)


def _ordered(column: Column, operator: Rule, zone: str, pointer: str) -> str:
    sign, right = _COMPARISONS[operator["type"]], operator.get("rightValue")
    match right:
        case None | "":
            raise RuleError(f"{pointer}/rightValue", "can't be blank")
        case {"timestamp": moment}:
            return f"{column.unix(zone)} {sign} TD_TIME_PARSE({text(moment)}, {text(zone)})"
        case {"last": count, "unit": unit}:
            return f"{column.unix(zone)} {sign} {_ago(count, unit, pointer)}"
        case Mapping():
            raise RuleError(f"{pointer}/rightValue", f"cannot be read: {sorted(right)}")
        case _:
            return f"{column.sql} {sign} {column.literal(right, f'{pointer}/rightValue')}"


def _like(column: Column, kind: str, values: Sequence[str]) -> str:
    ends = {"Contain": ("%", "%"), "StartWith": ("", "%"), "EndWith": ("%", "")}[kind]
    escaped = [value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for value in values]
    likes = [f"{column.sql} LIKE {text(ends[0] + value + ends[1])} ESCAPE '\\'" for value in escaped]
    return f"({' OR '.join(likes)})"


def _timed(column: Column, operator: Rule, zone: str, pointer: str) -> str:
    moment, now = column.unix(zone), "TD_SCHEDULED_TIME()"
    match operator:
        case {"type": "TimeWithinPast", "value": value, "unit": unit}:
            return f"{moment} BETWEEN {_ago(value, unit, pointer)} AND {now}"
        case {"type": "TimeWithinNext", "value": value, "unit": unit}:
            return f"{moment} BETWEEN {now} AND {_ago(value, unit, pointer, -1)}"
        case {"type": "TimeToday"}:
            day = f"TD_DATE_TRUNC('day', {now}, {text(zone)})"
            return f"TD_DATE_TRUNC('day', {moment}, {text(zone)}) = {day}"
        case {"type": "TimeThis", "unit": str(unit)} if unit in {"hour", "day", "week", "month", "quarter", "year"}:
            span = f"TD_DATE_TRUNC({text(unit)}, {now}, {text(zone)})"
            return f"TD_DATE_TRUNC({text(unit)}, {moment}, {text(zone)}) = {span}"
        case {"type": "TimeRange", "from": {"last": last, "unit": unit}, "duration": Mapping() as duration}:
            begin = _ago(last, unit, pointer)
            return f"({moment} >= {begin} AND {moment} < {begin} + {span_s(duration, pointer)})"
        case _:
            raise RuleError(f"{pointer}/type", f"{operator.get('type')!r} is not supported by the embedded service")


def _ago(count: object, unit: object, pointer: str, sign: int = 1) -> str:
    """Unix seconds *count* units before the run, or after it with *sign* -1."""
    number = sign * whole(count, pointer)
    if unit in _UNITS_S:
        return f"(TD_SCHEDULED_TIME() - {number * _UNITS_S[str(unit)]})"
    if unit in _CALENDAR_UNITS:
        shifted = f"DATE_ADD({text(unit)}, {-number}, FROM_UNIXTIME(TD_SCHEDULED_TIME()))"
        return f"CAST(TO_UNIXTIME({shifted}) AS BIGINT)"
    raise RuleError(f"{pointer}/unit", f"{unit!r} is not a unit of time")


def span_s(duration: Mapping[str, Any], pointer: str) -> int:
    """A duration such as ``{"day": 7}`` in seconds.

    Raises:
        RuleError: it is none.
    """
    if not duration or not duration.keys() <= _UNITS_S.keys():
        raise RuleError(pointer, f"a duration has {', '.join(_UNITS_S)}, got {', '.join(duration) or 'nothing'}")
    return sum(whole(count, pointer) * _UNITS_S[unit] for unit, count in duration.items())


def _listed(operator: Rule, pointer: str) -> Sequence[object]:
    values = operator.get("rightValues")
    if not isinstance(values, Sequence) or isinstance(values, str) or not values:
        raise RuleError(f"{pointer}/rightValues", "is not an array of values")
    return values


def whole(value: object, pointer: str) -> int:
    """*value* as a whole number of up to nine digits.

    Raises:
        RuleError: it is none.
    """
    digits = str(value)
    if isinstance(value, bool) or not digits.isdecimal() or len(digits) > 9:
        raise RuleError(pointer, f"{value!r} is not a whole number")
    return int(digits)


def complement(condition: str) -> str:
    """All that *condition* does not take in."""
    return f"NOT COALESCE({condition}, FALSE)"
