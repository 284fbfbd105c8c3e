"""Columns that nobody declared grow with their rows: int, long, double, text. They never shrink, and declared ones never change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from reconciler.model.column_fit import STORED_NUMBERS, misfit
from reconciler.service.catalog import Table
from reconciler.service.columns import duckdb_type, quoted
from reconciler.service.rows import Rows

_WIDER: Final = {"int": ("long", "double"), "long": ("double",), "float": ("double",)}
_WIDEST: Final = "string"
_LOSING: Final = {"DECIMAL": "double", "UBIGINT": "long"}
"""What a new column of these types becomes, unless one of its values would come back as another one: then it is text."""


def widened(rows: Rows, held: Rows | None, table: Table) -> Table:
    """*table* with types that hold the values of *rows* beside those that are there, for undeclared columns.

    held: the rows that are there, None when there are none.
    """
    grown: dict[str, str] = {}
    there = {} if held is None else held.types()
    for name, type_ in rows.types().items():
        column = name.lower()
        is_new = column not in table.columns
        present = _LOSING.get(type_.partition("(")[0]) if is_new else table.columns[column]
        if present is None or present == _WIDEST or column in table.declared or (is_new and type_.endswith("]")):
            continue
        # An id of 64 bits is a whole number or a text, and never a fraction that happens to hold it.
        for wider in (present, _WIDEST) if is_new else _from(present):
            in_rows = _misfits(rows, name, type_, wider)
            if not in_rows and (column not in there or _holds(held, column, there[column], wider)):
                if wider != present:
                    grown[column] = wider
                break
    return replace(table, columns={**table.columns, **grown}) if grown else table


def told(before: Table, after: Table) -> Iterator[str]:
    """A line for each column whose type is another one now."""
    for column, type_ in after.columns.items():
        if column in before.columns and before.columns[column] != type_:
            yield f"column `{column}` of {after.called} is {type_} now; it was {before.columns[column]}"


def _from(present: str) -> Iterator[str]:
    """*present* and the types that hold more."""
    yield present
    yield from _WIDER.get(present, ())
    yield _WIDEST


def _holds(held: Rows | None, column: str, type_: str, wider: str) -> bool:
    return held is None or duckdb_type(wider) == type_ or not _misfits(held, column, type_, wider)


def _misfits(rows: Rows, name: str, type_: str, wanted: str) -> bool:
    """Whether a value of the column *name*, of DuckDB type *type_*, cannot be held by a column of the type *wanted*."""
    if wanted == _WIDEST or STORED_NUMBERS.get(wanted) == type_:
        return False
    is_number = wanted in STORED_NUMBERS
    return rows.has(misfit(quoted(name), type_, wanted) if is_number else _nested_misfit(name, type_, wanted))


def _nested_misfit(name: str, type_: str, wanted: str) -> str:
    """Casts of lists make null of elements that do not fit, so the way back has to lead to the same."""
    value, target = quoted(name), duckdb_type(wanted)
    return f"({value} IS NOT NULL AND TRY_CAST(TRY_CAST({value} AS {target}) AS {type_}) IS DISTINCT FROM {value})"
