"""Rows on their way into a table: a relation that may be read as often as somebody asks something of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Final

import duckdb

from reconciler.service.columns import free, quoted, types

_BATCH_ROWS: Final = 8_192
_INCOMING: Final = "incoming"


@dataclass(frozen=True, slots=True)
class Rows:
    """All that one run brings, in *relation* of *connection*: whenever it is read, the same rows in the same order.

    Rows that an importer has put down already stay in its database, from where they are streamed into the data file: a
    table of them there would be kept in the engine's memory, up to its limit.
    """

    connection: duckdb.DuckDBPyConnection
    relation: str

    def types(self) -> dict[str, str]:
        """Column -> DuckDB type, in order."""
        return types(self.connection.table(self.relation))

    def count(self) -> int:
        """How many there are."""
        return self._number(f"SELECT count(*) FROM {self.relation}") or 0

    def has(self, condition: str) -> bool:
        """Whether *condition*, an SQL expression, is true for one of them."""
        return bool(self._number(f"SELECT count(*) FROM (SELECT 1 FROM {self.relation} WHERE {condition} LIMIT 1)"))

    def first(self, condition: str) -> int | None:
        """The number of the first one for which *condition* is true, counted from 1; None when there is none."""
        numbered, number = self._numbered()
        return self._number(f"SELECT min({number}) FROM {numbered} WHERE {condition}")

    def renamed(self, names: Mapping[str, str]) -> Rows:
        """The same with columns called otherwise: name -> new name."""
        if not names:
            return self
        told = ", ".join(f"{quoted(name)} AS {quoted(new)}" for name, new in names.items())
        return self._view("renamed_rows", f"SELECT * RENAME ({told}) FROM {self.relation}")

    def as_text(self, columns: Sequence[str]) -> Rows:
        """The same with the values of *columns* as text."""
        if not columns:
            return self
        told = ", ".join(f"CAST({quoted(name)} AS VARCHAR) AS {quoted(name)}" for name in columns)
        return self._view("exact_rows", f"SELECT * REPLACE ({told}) FROM {self.relation}")

    def last_of_each(self, key: Sequence[str]) -> Rows:
        """Of rows for which the expressions *key* are the same, the last one only."""
        keys = ", ".join(key)
        if self._number(f"SELECT count(*) FROM (SELECT DISTINCT {keys} FROM {self.relation})") == self.count():
            return self
        # Only keys are held in memory: a window over the rows would hold all of them.
        numbered, number = self._numbered()
        last = f"SELECT max({number}) FROM {numbered} GROUP BY {keys}"
        return self._view("last_rows", f"SELECT * EXCLUDE ({number}) FROM {numbered} WHERE {number} IN ({last})")

    @contextmanager
    def reachable(self, connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
        """A relation of *connection* that has them, and may be read once."""
        if connection is self.connection:
            yield self.relation
            return
        reader = self.connection.sql(f"SELECT * FROM {self.relation}").to_arrow_reader(_BATCH_ROWS)
        connection.register(_INCOMING, reader)
        try:
            yield _INCOMING
        finally:
            reader.close()  # else their connection takes no other statement
            # A transaction that failed takes none but its end, and then this would be told in place of what went wrong.
            with suppress(duckdb.TransactionException):
                connection.unregister(_INCOMING)

    def copied(self, connection: duckdb.DuckDBPyConnection, name: str) -> Rows:
        """The same in a temporary table *name* of *connection*."""
        with self.reachable(connection) as relation:
            connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM {relation}")
        return Rows(connection, name)

    def _numbered(self) -> tuple[str, str]:
        """A relation with a number for each row, and the column that has it."""
        number = free("number", self.types())
        return f"(SELECT *, row_number() OVER () AS {number} FROM {self.relation})", number

    def _number(self, sql: str) -> int | None:
        # All of it: a connection with an open result takes no other statement.
        [(number,)] = self.connection.execute(sql).fetchall()
        return None if number is None else int(number)

    def _view(self, name: str, sql: str) -> Rows:
        self.connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {sql}")
        return replace(self, relation=name)
