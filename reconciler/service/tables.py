"""Writes rows into tables: all of them or none, in types a table can hold, with a `time` for each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import duckdb

from reconciler.service.catalog import Catalog, Table
from reconciler.service.columns import TIME, definition, duckdb_type, quoted, stored, types
from reconciler.service.td_functions import parsed

_INTEGERS: Final = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UINTEGER", "UBIGINT"})


@dataclass(frozen=True, slots=True)
class Tables:
    """Tables in an open data file. *connection* is the caller's own."""

    catalog: Catalog
    connection: duckdb.DuckDBPyConnection

    def prepare(self, table: Table) -> None:
        """Make the DuckDB table that holds the rows, and give it the columns and types the catalog says."""
        name = _qualified(table.home, table.physical)
        self.connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(table.home)}")
        self.connection.execute(f"CREATE TABLE IF NOT EXISTS {name} ({definition(table.columns)})")
        there = types(self.connection.table(name))
        for column, type_ in table.columns.items():
            wanted = duckdb_type(type_)
            if column not in there:
                self.connection.execute(f"ALTER TABLE {name} ADD COLUMN {quoted(column)} {wanted}")
            elif there[column] != wanted:
                self.connection.execute(
                    f"ALTER TABLE {name} ALTER {quoted(column)} TYPE {wanted} USING TRY_CAST({quoted(column)} AS {wanted})"
                )

    def append(self, relation: str, table: Table, *, time_column: str, now: int) -> int:
        """Add the rows of *relation* and return how many the table has now. New columns are added to the table.

        time_column: the column that becomes `time`, or "" for `time` itself; where it says nothing, *now* does.
        """
        columns, values = self._values(relation, table, time_column, now)
        wider = replace(table, columns={**columns, **table.columns})
        self.connection.execute("BEGIN")
        try:
            self.prepare(wider)
            self._insert(relation, wider, values)
            self.connection.execute("COMMIT")
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        return self._record(wider, columns)

    def replace(self, relation: str, table: Table, *, time_column: str, now: int) -> int:
        """Exchange the table's rows for those of *relation*; the old ones stay until the new ones are there."""
        columns, values = self._values(relation, table, time_column, now)
        physical = self.catalog.new_physical(table.database)
        new = replace(table, physical=physical, home=table.database, columns={**columns, **table.columns})
        self.connection.execute("BEGIN")
        try:
            self.prepare(new)
            self._insert(relation, new, values)
            self.connection.execute("COMMIT")
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        return self._record(new, columns)

    def delete_between(self, table: Table, start: int, end: int) -> int:
        """Remove the rows whose `time` is from *start* to before *end*, in Unix seconds, and return how many are left."""
        self.prepare(table)
        self.connection.execute(
            f"DELETE FROM {_qualified(table.home, table.physical)} WHERE {quoted(TIME)} >= {start} AND {quoted(TIME)} < {end}"
        )
        return self._record(table, {})

    def _values(self, relation: str, table: Table, time_column: str, now: int) -> tuple[dict[str, str], dict[str, str]]:
        """New columns (name -> type) and for each column of *relation* the expression that is stored."""
        columns: dict[str, str] = {}
        values: dict[str, str] = {}
        there = types(self.connection.table(relation))
        for name, type_ in there.items():
            column = name.lower()
            if column == TIME:
                continue
            if column in table.columns:
                values[column] = f"CAST({stored(name, type_).expression} AS {duckdb_type(table.columns[column])})"
            else:
                columns[column] = stored(name, type_).type
                values[column] = stored(name, type_).expression
        by_name = {name.lower(): name for name in there}
        source = by_name.get(time_column.lower() or TIME)
        values[TIME] = str(now) if source is None else f"coalesce({_unix(source, there[source])}, {now})"
        return columns, values

    def _insert(self, relation: str, table: Table, values: dict[str, str]) -> None:
        columns = ", ".join(quoted(column) for column in values)
        self.connection.execute(
            f"INSERT INTO {_qualified(table.home, table.physical)} ({columns}) SELECT {', '.join(values.values())} FROM {relation}"
        )

    def _record(self, table: Table, columns: dict[str, str]) -> int:
        # All of it: a connection with an open result takes no other statement.
        [(count, newest)] = self.connection.execute(
            f"SELECT count(*), max({quoted(TIME)}) FROM {_qualified(table.home, table.physical)}"
        ).fetchall()
        self.catalog.set_contents(table, physical=table.physical, columns=columns, count=count, newest=newest)
        return int(count)


def _qualified(home: str, physical: int) -> str:
    return f"{quoted(home)}.{quoted(f't{physical}')}"


def _unix(name: str, type_: str) -> str:
    if type_ in _INTEGERS:
        return f"CAST({quoted(name)} AS BIGINT)"
    if type_.startswith(("TIMESTAMP", "DATE")):
        return f"CAST(floor(epoch({quoted(name)})) AS BIGINT)"
    return parsed(quoted(name), "UTC")
