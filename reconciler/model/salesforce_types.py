"""Which values of a query's columns a field of Salesforce takes.

Source: Salesforce's guide on the Bulk APIs, valid values of a CSV file; types of fields as describe tells them.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from reconciler.model.salesforce_objects import Misfit, ObjectField, OutColumn


class Sort(StrEnum):
    """What kind of values a column has."""

    TEXT = "text"
    WHOLE = "whole numbers"
    FRACTION = "numbers"
    TRUTH = "truth values"
    DAY = "dates"
    MOMENT = "timestamps"
    CLOCK = "times of day"
    LIST = "lists"
    OTHER = "values that are no single one"
    UNKNOWN = ""


_SORTS: Final = (
    (Sort.LIST, r"ARRAY\b.*|.*\]"),
    (Sort.OTHER, r"(MAP|ROW|STRUCT|UNION)\b.*|BLOB|VARBINARY|BINARY|BYTEA"),
    (Sort.TEXT, r"(N?VAR)?CHAR\b.*|TEXT|STRING|UUID|ENUM\b.*"),
    (Sort.WHOLE, r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|LONG|U(TINY|SMALL|BIG)INT"),
    (Sort.FRACTION, r"(DOUBLE|FLOAT|REAL)\b.*|(DECIMAL|NUMERIC)\b.*"),
    (Sort.TRUTH, r"BOOL(EAN)?"),
    (Sort.DAY, r"DATE(32)?"),
    (Sort.MOMENT, r"TIMESTAMP.*|DATETIME.*"),
    (Sort.CLOCK, r"TIME\b.*"),
)
_BY_TYPE: Final = tuple((sort, re.compile(pattern)) for sort, pattern in _SORTS)
_NUMBERS: Final = frozenset({Sort.WHOLE, Sort.FRACTION})
_TAKES: Final = {
    "boolean": frozenset({Sort.TRUTH}),
    "int": frozenset({Sort.WHOLE}),
    "long": frozenset({Sort.WHOLE}),
    "double": _NUMBERS,
    "currency": _NUMBERS,
    "percent": _NUMBERS,
    "date": frozenset({Sort.DAY}),
    "datetime": frozenset({Sort.MOMENT, Sort.DAY}),
    "time": frozenset({Sort.CLOCK}),
    "id": frozenset[Sort](),
    "reference": frozenset[Sort](),
    "email": frozenset[Sort](),
}
"""Type of field -> what it takes besides text, which may hold anything; types left out take everything."""
_UNSENDABLE: Final = frozenset({"base64", "address", "location", "complexvalue"})
_CASTS: Final = {
    "boolean": "BOOLEAN",
    "int": "BIGINT",
    "long": "BIGINT",
    "double": "DOUBLE",
    "currency": "DOUBLE",
    "percent": "DOUBLE",
    "date": "DATE",
    "datetime": "TIMESTAMP",
}
"""Type of field -> the SQL type that it takes, where that is not text."""
_OF_SECONDS: Final = {"date": "CAST(from_unixtime(…) AS DATE)", "datetime": "from_unixtime(…)"}
"""Numbers for a day or a moment are seconds since 1970 as a rule: Treasure Data's column `time` is."""


def sort_of(sql_type: str) -> Sort:
    """What the values of a SQL type are, in the words of DuckDB, Trino or Hive."""
    upper = sql_type.strip().upper()
    return next((sort for sort, pattern in _BY_TYPE if pattern.fullmatch(upper)), Sort.UNKNOWN)


def type_misfit(column: OutColumn, field: ObjectField) -> Misfit | None:
    """Why the field cannot hold what the column has, or None."""
    sort = sort_of(column.sql_type)
    if field.type in _UNSENDABLE:
        hint = "leave the column out: a CSV file cannot carry it"
        return Misfit(
            "column", f"column {column.name}: the field is of type {field.type}, which rows cannot fill", hint
        )
    if sort is Sort.UNKNOWN:
        return None
    if sort is Sort.OTHER:
        hint = f"make it text, such as `CAST(… AS VARCHAR) AS {field.name}`, or leave it out"
        return Misfit("column", f"column {column.name} has {sort} ({column.sql_type}), which no field holds", hint)
    takes = _TAKES.get(field.type)
    if takes is None or sort is Sort.TEXT or sort in takes:
        return too_long(column, field)
    # A fraction that is whole, and 0 and 1 as truth values, do arrive.
    may_arrive = (sort is Sort.FRACTION and field.type in {"int", "long"}) or (
        sort is Sort.WHOLE and field.type == "boolean"
    )
    return Misfit(
        "column",
        f"column {column.name} has {sort} ({column.sql_type}), and the field is of type {field.type}",
        f"write `{_how(sort, field.type)} AS {field.name}`",
        is_certain=not may_arrive,
    )


def _how(sort: Sort, wanted: str) -> str:
    """SQL that makes values of *sort* what a field of type *wanted* takes."""
    if sort is Sort.LIST:
        return "element_at(…, 1)"
    if sort in _NUMBERS and wanted in _OF_SECONDS:
        return _OF_SECONDS[wanted]
    return f"CAST(… AS {_CASTS.get(wanted, 'VARCHAR')})"


def too_long(column: OutColumn, field: ObjectField) -> Misfit | None:
    """That texts of the column are longer than the field holds, or None."""
    if not field.length or column.longest is None or column.longest <= field.length:
        return None
    may = "may have" if column.is_bound else "has"
    return Misfit(
        "column",
        f"column {column.name} {may} texts of {column.longest} characters, and the field holds {field.length}: such rows are "
        "refused",
        f"write `substr(…, 1, {field.length}) AS {field.name}`",
        is_certain=False,
        is_measured=not column.is_bound,
    )
