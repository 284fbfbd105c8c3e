"""Whether rows fit the columns of their table; what is said of those that do not names rows and columns, never values."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.errors import TdrError
from reconciler.model import column_fit
from reconciler.service.catalog import Table
from reconciler.service.columns import duckdb_type, quoted, stored
from reconciler.service.rows import Rows


def refuse_strangers(columns: Sequence[str], table: Table) -> None:
    """Rows without a single column of their table are another table's, or have no names: their first row was taken for them.

    Names are not repeated here, for they may be data.
    """
    if table.columns and not any(name.lower() in table.columns for name in columns):
        raise TdrError(
            f"none of the columns of these rows is one of {table.called}",
            hint=f"it has {', '.join(table.columns)}; does the file begin with a line of column names?",
        )


def misfit(rows: Rows, table: Table) -> TdrError | None:
    """What to say of rows with a number that its column of *table* would not keep as it is; never with the value."""
    for name, type_ in rows.types().items():
        wanted = table.columns.get(name.lower(), "")
        if wanted not in column_fit.STORED_NUMBERS or column_fit.STORED_NUMBERS[wanted] == type_:
            continue
        first = rows.first(column_fit.misfit(quoted(name), type_, wanted))
        if first is not None:
            return _not_of_type(first, name, wanted, table, column_fit.HOW_TO_WRITE[wanted])
    return None


def bad_value(rows: Rows, table: Table) -> TdrError:
    """What to say of rows that do not fit the types of *table*: the first row and its column, without the value."""
    for name, type_ in rows.types().items():
        wanted = table.columns.get(name.lower())
        kept = stored(name, type_)
        # A whole number of more than 64 bits, for example, belongs to no column; then the second question cannot be asked.
        for value, type_wanted in ((quoted(name), kept.type), (kept.expression, wanted or kept.type)):
            bad = f"{quoted(name)} IS NOT NULL AND TRY_CAST({value} AS {duckdb_type(type_wanted)}) IS NULL"
            first = rows.first(bad)
            if first is not None:
                hint = "correct the row, or change the type of the column"
                return _not_of_type(first, name, type_wanted, table, hint)
    return TdrError(f"a value does not fit the type of its column in {table.called}")


def _not_of_type(row: int, column: str, wanted: str, table: Table, hint: str) -> TdrError:
    return TdrError(
        f"row {row} of the import: the value of column `{column}` is not of type {wanted}, "
        f"which it has in {table.called}",
        hint=hint,
    )
