"""Columns that nobody declared grow with their rows: int, long, double, text. They never shrink, and declared ones never change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from reconciler.model.column_fit import STORED_NUMBERS, misfit
from reconciler.service.catalog import Table
from reconciler.service.columns import duckdb_type, quoted, types

if TYPE_CHECKING:
    import duckdb

_WIDER: Final = {"int": ("long", "double"), "long": ("double",), "float": ("double",)}
_WIDEST: Final = "string"
_LOSING: Final = {"DECIMAL": "double", "UBIGINT": "long"}
"""What a new column of these types becomes, unless one of its values would come back as another one: then it is text."""


def widened(connection: duckdb.DuckDBPyConnection, rows: str, held: str | None, table: Table) -> Table:
    """*table* with types that hold the values of the relation *rows* beside those that are there, for undeclared columns.

    held: the relation with the rows that are there, None when there are none.
    """
    grown: dict[str, str] = {}
    there = {} if held is None else types(connection.sql(f"SELECT * FROM {held}"))
    for name, type_ in types(connection.table(rows)).items():
        column = name.lower()
        is_new = column not in table.columns
        present = _LOSING.get(type_.partition("(")[0]) if is_new else table.columns[column]
        if present is None or present == _WIDEST or column in table.declared or (is_new and type_.endswith("]")):
            continue
        # An id of 64 bits is a whole number or a text, and never a fraction that happens to hold it.
        for wider in (present, _WIDEST) if is_new else _from(present):
            in_rows = _misfits(connection, rows, name, type_, wider)
            if not in_rows and (column not in there or _holds(connection, held, column, there[column], wider)):
                if wider != present:
                    grown[column] = wider
                break
    return replace(table, columns={**table.columns, **grown}) if grown else table


def told(before: Table, after: Table) -> Iterator[str]:
    """A line for each column whose type is another one now."""
    for column, type_ in after.columns.items():
        if column in before.columns and before.columns[column] != type_:
            yield f"column `{column}` of {after.database}.{after.name} is {type_} now; it was {before.columns[column]}"


def _from(present: str) -> Iterator[str]:
    """*present* and the types that hold more."""
    yield present
    yield from _WIDER.get(present, ())
    yield _WIDEST


def _holds(connection: duckdb.DuckDBPyConnection, held: str | None, column: str, type_: str, wider: str) -> bool:
    return duckdb_type(wider) == type_ or not _misfits(connection, str(held), column, type_, wider)


def _misfits(connection: duckdb.DuckDBPyConnection, relation: str, name: str, type_: str, wanted: str) -> bool:
    """Whether a value of the column *name*, of DuckDB type *type_*, cannot be held by a column of the type *wanted*."""
    if wanted == _WIDEST or STORED_NUMBERS.get(wanted) == type_:
        return False
    is_number = wanted in STORED_NUMBERS
    condition = misfit(quoted(name), type_, wanted) if is_number else _nested_misfit(name, type_, wanted)
    [(found,)] = connection.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM {relation} WHERE {condition} LIMIT 1)"
    ).fetchall()
    return bool(found)


def _nested_misfit(name: str, type_: str, wanted: str) -> str:
    """Casts of lists make null of elements that do not fit, so the way back has to lead to the same."""
    value, target = quoted(name), duckdb_type(wanted)
    return f"({value} IS NOT NULL AND TRY_CAST(TRY_CAST({value} AS {target}) AS {type_}) IS DISTINCT FROM {value})"
