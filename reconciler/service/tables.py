"""Writes rows into tables: all of them or none, in types a table can hold, with a `time` for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import duckdb

from reconciler.errors import TdrError
from reconciler.service.catalog import Catalog, Table
from reconciler.service.columns import TIME, aliases, definition, duckdb_type, free, quoted, stored, types
from reconciler.service.rows import Rows
from reconciler.service.td_functions import parsed
from reconciler.service.thrift import Thrift

_EXACT: Final = ("DECIMAL", "UBIGINT")
_INTEGERS: Final = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UINTEGER", "UBIGINT"})
_MERGED: Final = "merged_rows"

BeforeCommit: TypeAlias = Callable[[Table], None]
"""Called with the table as it then is, in the transaction that writes the rows."""


def nothing(table: Table) -> None:
    """The `BeforeCommit` of who has nothing to add."""
    del table


@dataclass(frozen=True, slots=True)
class Tables:
    """Tables in an open data file. *connection* is the caller's own; *thrift*: how it uses memory, where that is not all."""

    catalog: Catalog
    connection: duckdb.DuckDBPyConnection
    thrift: Thrift | None = None

    def prepare(self, table: Table) -> None:
        """Make the DuckDB table that holds the rows, and give it the columns and types the catalog says."""
        name = qualified(table)
        self.connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(table.home)}")
        self.connection.execute(f"CREATE TABLE IF NOT EXISTS {name} ({definition(table.columns)})")
        there = types(self.connection.table(name))
        for column, type_ in table.columns.items():
            wanted = duckdb_type(type_)
            if column not in there:
                self.connection.execute(f"ALTER TABLE {name} ADD COLUMN {quoted(column)} {wanted}")
            elif there[column] != wanted:
                # A list that becomes text becomes JSON.
                is_list = wanted == "VARCHAR" and there[column].endswith("[]")
                value = f"to_json({quoted(column)})" if is_list else quoted(column)
                self.connection.execute(
                    f"ALTER TABLE {name} ALTER {quoted(column)} TYPE {wanted} USING TRY_CAST({value} AS {wanted})"
                )

    def held(self, table: Table) -> Rows | None:
        """The rows of *table*; None while there is nothing that could have some."""
        [(there,)] = self.connection.execute(
            "SELECT count(*) FROM duckdb_tables() WHERE schema_name = ? AND table_name = ?",
            [table.home, f"t{table.physical}"],
        ).fetchall()
        return Rows(self.connection, qualified(table)) if there else None

    def append(self, rows: Rows, table: Table, *, time_column: str, now: int) -> int:
        """Add *rows* and return how many the table has now. New columns are added to the table.

        time_column: the column that becomes `time`, or "" for `time` itself; where it says nothing, *now* does.
        """
        table = self.catalog.current(table)
        return self.record(self.added(rows, table, time_column=time_column, now=now))

    def replace(self, rows: Rows, table: Table, *, time_column: str, now: int) -> int:
        """Exchange the table's rows for *rows*; the old ones stay until the new ones are there."""
        table = self.catalog.current(table)
        return self.record(self.exchanged(rows, table, time_column=time_column, now=now))

    def added(
        self, rows: Rows, table: Table, *, time_column: str, now: int, before_commit: BeforeCommit = nothing
    ) -> Table:
        """As `append`, but the catalog does not know yet: the table as it is now, for `record`."""
        wider, values = self.wider(rows, table, time_column, now)
        with self._transaction():
            self.prepare(wider)
            with self.sparing(rows):
                self._insert(rows, wider, values)
            before_commit(wider)
        return wider

    def merged(
        self,
        rows: Rows,
        table: Table,
        key: Sequence[str],
        *,
        time_column: str,
        now: int,
        before_commit: BeforeCommit = nothing,
        whole: bool = False,
    ) -> Table:
        """Add those of *rows* whose *key* is new, change those that are known and differ, and leave the others.

        key: columns of *rows*. Of rows with the same key the last one counts. Columns of the table that *rows* do not
            have keep their values. Otherwise as `added`.
        whole: whether rows of the table whose key does not come are removed.

        Raises:
            TdrError: a key is no column, or a row has no value for it; names the row. Or all rows would be removed.
        """
        with self._transaction():
            wider = self.merge(rows, table, key, time_column=time_column, now=now, whole=whole)
            before_commit(wider)
        return wider

    def merge(
        self, rows: Rows, table: Table, key: Sequence[str], *, time_column: str, now: int, whole: bool = False
    ) -> Table:
        """As `merged`, in a transaction of the caller."""
        wider, values = self.wider(rows, table, time_column, now)
        columns = self.keys(rows, key)
        self.prepare(wider)
        with self.sparing(rows):
            rows = rows.last_of_each([values[column] for column in columns])
            if self._is_empty(wider):
                self._insert(rows, wider, values)
            else:
                self._merge(rows, wider, columns, values, whole=whole)
        return wider

    def refuse_emptying(self, table: Table) -> None:
        """Nothing came, and it is said to be all there is.

        Raises:
            TdrError: the table has rows, which would all be removed.
        """
        [(there,)] = self.connection.execute(f"SELECT count(*) FROM {qualified(table)}").fetchall()
        if there:
            raise emptying(table, there)

    def _is_empty(self, table: Table) -> bool:
        return not self.connection.execute(f"SELECT 1 FROM {qualified(table)} LIMIT 1").fetchall()

    def exchanged(self, rows: Rows, table: Table, *, time_column: str, now: int) -> Table:
        """As `replace`, but the rows are the table's only when the catalog is told, by `record`."""
        wider, values = self.wider(rows, table, time_column, now)
        new = replace(wider, physical=self.catalog.new_physical(table.database), home=table.database)
        with self._transaction():
            self.prepare(new)
            with self.sparing(rows):
                self._insert(rows, new, values)
        return new

    def emptied(self, table: Table) -> Table:
        """*table* without rows, which are gone only when the catalog is told, by `record`."""
        new = replace(table, physical=self.catalog.new_physical(table.database), home=table.database)
        with self._transaction():
            self.prepare(new)
        return new

    def delete_between(self, table: Table, start: int, end: int) -> int:
        """Remove the rows whose `time` is from *start* to before *end*, in Unix seconds, and return how many are left."""
        table = self.catalog.current(table)
        self.prepare(table)
        self.connection.execute(
            f"DELETE FROM {qualified(table)} WHERE {quoted(TIME)} >= {start} AND {quoted(TIME)} < {end}"
        )
        return self.record(table)

    def record(self, table: Table) -> int:
        """Tell the catalog what *table*, as it is in the data file, has, and return the number of its rows."""
        # All of it: a connection with an open result takes no other statement.
        [(count, newest)] = self.connection.execute(
            f"SELECT count(*), max({quoted(TIME)}) FROM {qualified(table)}"
        ).fetchall()
        self.catalog.set_contents(table, physical=table.physical, columns=table.columns, count=count, newest=newest)
        return int(count)

    def copied(self, rows: Rows, name: str) -> Rows:
        """*rows* in a temporary table *name*, which may be read and changed."""
        with self.sparing(rows):
            return rows.copied(self.connection, name)

    def sparing(self, rows: Rows) -> AbstractContextManager[None]:
        """See `Thrift.sparing`: while inside, *rows* are read, and nothing is committed."""
        if self.thrift is None:
            return nullcontext()
        return self.thrift.sparing(None if rows.connection is self.connection else rows.connection)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self.connection.execute("BEGIN")
        try:
            yield
            self.connection.execute("COMMIT")
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise

    def wider(self, rows: Rows, table: Table, time_column: str = "", now: int = 0) -> tuple[Table, dict[str, str]]:
        """*table* with the columns that *rows* add, and for each of theirs the expression that is stored."""
        columns: dict[str, str] = {}
        values: dict[str, str] = {}
        there = rows.types()
        for name, type_ in there.items():
            column = name.lower()
            if column == TIME:
                continue
            if column in table.columns:
                wanted = duckdb_type(table.columns[column])
                # A list among text is JSON, as everywhere.
                is_list = wanted == "VARCHAR" and type_.endswith("[]")
                value = f"to_json({quoted(name)})" if is_list else stored(name, type_).expression
                if wanted == "VARCHAR" and type_.startswith(_EXACT) and not is_list:
                    value = quoted(name)  # by way of a number that is stored it would lose digits
                values[column] = f"CAST({value} AS {wanted})"
            else:
                columns[column] = stored(name, type_).type
                values[column] = stored(name, type_).expression
        by_name = {name.lower(): name for name in there}
        source = by_name.get(time_column.lower() or TIME)
        values[TIME] = str(now) if source is None else f"coalesce({unix(source, there[source])}, {now})"
        return replace(table, columns={**columns, **table.columns}), values

    def keys(self, rows: Rows, key: Sequence[str]) -> list[str]:
        """The names of *key* as the table has them."""
        there = {name.lower(): name for name in rows.types()}
        for name in key:
            if name.lower() not in there:
                raise TdrError(
                    f"rows are known by `{name}`, and these have no such column",
                    hint=f"they have {', '.join(there) or 'none'}",
                )
            row = rows.first(f"{quoted(there[name.lower()])} IS NULL")
            if row is not None:
                raise TdrError(f"row {row} has no value for `{name}`, by which rows are known")
        return [name.lower() for name in key]

    def _merge(self, rows: Rows, table: Table, key: Sequence[str], values: dict[str, str], *, whole: bool) -> None:
        """Find what differs in one pass over *rows* and those that are there, and exchange that.

        Rows that change are removed and added: an engine that changes many in place, in no order, takes several times as long.
        """
        name = qualified(table)
        told = ", ".join(f"{expression} AS {quoted(column)}" for column, expression in values.items())
        there = aliases(types(self.connection.table(name)))
        same = " AND ".join(f"there.{there[one]} = came.{quoted(one)}" for one in key)
        differs = [
            f"there.{there[one]} IS DISTINCT FROM came.{quoted(one)}" for one in values if one not in {*key, TIME}
        ]
        names = [*table.columns, TIME]
        place, number, came = (free(one, names) for one in ("place", "number", "came"))
        shown = ", ".join(
            f"{f'came.{quoted(one)}' if one in values else f'there.{there[one]}'} AS {quoted(one)}" for one in names
        )
        with rows.reachable(self.connection) as relation:
            self.connection.execute(
                f"CREATE OR REPLACE TEMP TABLE {_MERGED} AS"
                f" SELECT there.rowid AS {place}, came.{number}, came.{came}, {shown}"
                f" FROM (SELECT {told}, row_number() OVER () AS {number}, true AS {came} FROM {relation}) AS came"
                f" {'FULL' if whole else 'LEFT'} JOIN {name} AS there ({', '.join(there.values())}) ON {same}"
                f" WHERE {' OR '.join([f'there.rowid IS NULL OR came.{came} IS NULL', *differs])}"
            )
        [(held, going)] = self.connection.execute(
            f"SELECT (SELECT count(*) FROM {name}), count(*) FROM {_MERGED} WHERE {came} IS NULL"
        ).fetchall()
        if going and held == going:
            raise emptying(table, held)
        with by_rowid(self.connection, name):
            self.connection.execute(f"DELETE FROM {name} WHERE rowid IN (SELECT {place} FROM {_MERGED})")
        columns = ", ".join(map(quoted, names))
        self.connection.execute(
            f"INSERT INTO {name} ({columns}) SELECT {columns} FROM {_MERGED} WHERE {came} ORDER BY {number}"
        )
        self.connection.execute(f"DROP TABLE {_MERGED}")

    def _insert(self, rows: Rows, table: Table, values: dict[str, str]) -> None:
        columns = ", ".join(quoted(column) for column in values)
        with rows.reachable(self.connection) as relation:
            self.connection.execute(
                f"INSERT INTO {qualified(table)} ({columns}) SELECT {', '.join(values.values())} FROM {relation}"
            )


def qualified(table: Table) -> str:
    """The relation with the rows of *table*, whether it is there or not."""
    return f"{quoted(table.home)}.{quoted(f't{table.physical}')}"


@contextmanager
def by_rowid(connection: duckdb.DuckDBPyConnection, name: str) -> Iterator[None]:
    """While inside, `rowid` of the table *name* is the engine's own, and a column that is called so is called otherwise."""
    there = types(connection.table(name))
    column = next((quoted(one) for one in there if one.lower() == "rowid"), None)
    if column is None:
        yield
        return
    # A DELETE takes no other names for columns, as a SELECT does.
    aside = free("aside", there)
    connection.execute(f"ALTER TABLE {name} RENAME {column} TO {aside}")
    yield
    connection.execute(f"ALTER TABLE {name} RENAME {aside} TO {column}")


def emptying(table: Table, there: int) -> TdrError:
    """What is said instead of removing all *there* rows."""
    return TdrError(
        f"none of the {there} rows of {table.called} came again, and all of them would be removed",
        hint="an empty answer is more often a fault than a truth; if it is true, load with `mode: replace`",
    )


def unix(name: str, type_: str) -> str:
    """An expression for the Unix seconds of the column *name* of DuckDB type *type_*; null where it says no time."""
    if type_ in _INTEGERS:
        return f"CAST({quoted(name)} AS BIGINT)"
    if type_.startswith(("TIMESTAMP", "DATE")):
        return f"CAST(floor(epoch({quoted(name)})) AS BIGINT)"
    return parsed(quoted(name), "UTC")
