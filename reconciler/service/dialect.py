"""Trino and Hive SQL as that of the engine that runs it, with tables looked up and nothing reachable but those.

sqlglot does the grammar; this module adds what users may not do. What else an engine needs, its `Target` knows. Import it
where SQL is run only: sqlglot takes 120 ms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import Scope, traverse_scope

from reconciler.errors import TdrError
from reconciler.service.catalog import Table
from reconciler.service.columns import stored

_READS: Final = {"presto": "trino", "trino": "trino", "hive": "hive"}
_ONLY: Final = "write SELECT, INSERT INTO, CREATE TABLE, CREATE TABLE AS or DROP TABLE"

FindTable: TypeAlias = Callable[[str, str], "Table | None"]
"""Database and name of a table -> the table."""


class Target(Protocol):
    """The engine that runs what is translated."""

    name: str
    """How messages call it."""

    def find_table(self, database: str, name: str) -> Table | None:
        """A table that queries may read."""
        ...

    def place(self, table: Table) -> exp.Table:
        """Where the engine has the rows of *table*."""
        ...

    def write(self, query: exp.Query, tables: Sequence[Table], engine: str, scheduled_time: int) -> str:
        """*query*, which reads *tables* as `place` says and was written for *engine*, in the engine's own SQL.

        Raises:
            TdrError: the engine cannot run it.
        """
        ...


@dataclass(frozen=True, slots=True)
class Select:
    """Rows for the client or an export. *sql* is that of the engine; *tables* are those it reads."""

    sql: str
    tables: tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class Insert:
    """Rows into a table that exists. *columns* is empty when the statement does not list them."""

    into: Table
    columns: tuple[str, ...]
    rows: Select


@dataclass(frozen=True, slots=True)
class Create:
    """A new table, with the rows of a query or with the columns of a list (name -> Treasure Data type)."""

    database: str
    name: str
    if_not_exists: bool
    rows: Select | None
    columns: dict[str, str]


@dataclass(frozen=True, slots=True)
class Drop:
    """The end of a table."""

    database: str
    name: str
    if_exists: bool


Statement: TypeAlias = Select | Insert | Create | Drop


def translate(
    sql: str, *, engine: str, database: str, find_table: FindTable, target: Target, scheduled_time: int
) -> Statement:
    """One statement of a user, ready to run.

    engine: ``presto``, ``trino`` or ``hive``. database: where tables without one are looked up.
    find_table: of those that statements may write to. target: what runs the queries.
    scheduled_time: what TD_SCHEDULED_TIME() says, in Unix seconds.

    Raises:
        TdrError: it does not parse, names what is not there, or does what it may not.
    """
    try:
        statements = [one for one in sqlglot.parse(sql, read=_READS[engine]) if one is not None]
    except SqlglotError as error:
        raise TdrError(f"the SQL does not parse: {str(error).splitlines()[0]}") from error
    if len(statements) != 1:
        raise TdrError(f"a query is one statement, this has {len(statements)}")
    statement = statements[0]
    reader = _Reader(engine, database, find_table, target, scheduled_time)
    match statement:
        case exp.Query():
            return reader.select(statement)
        case exp.Insert():
            return reader.insert(statement)
        case exp.Create() if statement.kind == "TABLE":
            return reader.create(statement)
        case exp.Drop() if statement.args.get("kind") == "TABLE" and len(statement.args["tables"]) == 1:
            return Drop(*reader.name(statement.args["tables"][0]), bool(statement.args.get("exists")))
        case exp.Alias() | exp.Column():
            # What begins with no keyword, such as SELEKT, is read as a name.
            raise TdrError("the SQL does not parse: it begins with no statement", hint=_ONLY)
        case _:
            raise TdrError(f"{statement.key.upper()} is not allowed here", hint=_ONLY)


class _Reader:
    """Reads statements of one job."""

    def __init__(self, engine: str, database: str, find_table: FindTable, target: Target, scheduled_time: int) -> None:
        self._engine = engine
        self._database = database
        self._find_table = find_table
        self._target = target
        self._scheduled_time = scheduled_time

    def select(self, query: exp.Query) -> Select:
        """A query with its tables replaced by those that hold the rows."""
        query = query.copy()
        tables = self._resolve(query)
        try:
            sql = self._target.write(query, tables, self._engine, self._scheduled_time)
        except SqlglotError as error:
            raise TdrError(f"{self._target.name} cannot run this SQL: {error}") from error
        return Select(sql, tuple(tables))

    def insert(self, statement: exp.Insert) -> Insert:
        """Rows into a table."""
        target, columns = statement.this, ()
        if isinstance(target, exp.Schema):
            columns = tuple(column.name for column in target.expressions)
            target = target.this
        database, name = self.name(target)
        table = self._find_table(database, name)
        if table is None:
            raise _no_table(database, name)
        if statement.args.get("overwrite"):
            raise TdrError(
                "INSERT OVERWRITE is not supported by the embedded engine", hint="write CREATE TABLE AS instead"
            )
        return Insert(table, columns, self._rows(statement.expression))

    def create(self, statement: exp.Create) -> Create:
        """A new table."""
        if statement.args.get("replace"):
            raise TdrError(
                "CREATE OR REPLACE TABLE is not supported by the embedded engine", hint="drop the table first"
            )
        target = statement.this
        columns: dict[str, str] = {}
        if isinstance(target, exp.Schema):
            columns = {column.name: _table_type(column) for column in target.expressions}
            target = target.this
        rows = None if statement.expression is None else self._rows(statement.expression)
        return Create(*self.name(target), bool(statement.args.get("exists")), rows, columns)

    def name(self, table: exp.Expression) -> tuple[str, str]:
        """Database and name of a table that a statement writes to."""
        if not isinstance(table, exp.Table) or not isinstance(table.this, exp.Identifier) or table.catalog:
            raise TdrError(
                f"not the name of a table: {table.sql()}", hint="only tables, queries, VALUES and UNNEST are"
            )
        return (table.db or self._database).lower(), table.name.lower()

    def _rows(self, expression: exp.Expression) -> Select:
        if isinstance(expression, exp.Values):
            expression = exp.select("*").from_(expression)
        if not isinstance(expression, exp.Query):
            raise TdrError(f"{expression.key.upper()} is not allowed here", hint=_ONLY)
        return self.select(expression)

    def _resolve(self, query: exp.Query) -> list[Table]:
        """Replace every table by the one that holds its rows; names of common table expressions stay."""
        found: dict[int, Table] = {}
        own_names: set[int] = set()
        for scope in traverse_scope(query):
            for node, source in scope.selected_sources.values():
                if isinstance(source, Scope):
                    own_names.add(id(node))
        for node in list(query.find_all(exp.Table)):
            if id(node) in own_names:
                continue
            database, name = self.name(node)
            table = self._target.find_table(database, name)
            if table is None:
                raise _no_table(database, name)
            found[table.id] = table
            node.replace(_placed(node, self._target.place(table), table.name))
        for column in query.find_all(exp.Column):
            if column.args.get("db"):
                column.set("db", None)
        return list(found.values())


def _placed(node: exp.Table, place: exp.Table, name: str) -> exp.Expression:
    replacement = node.copy()
    replacement.set("this", place.this)
    replacement.set("db", place.args.get("db"))
    if not node.alias:
        replacement.set("alias", exp.TableAlias(this=exp.to_identifier(name, quoted=True)))
    return replacement


def _table_type(column: exp.Expression) -> str:
    """The type of a column in ``CREATE TABLE``, in Treasure Data's words."""
    kind = column.args.get("kind") if isinstance(column, exp.ColumnDef) else None
    if kind is None:
        raise TdrError(f"a column has no type: {column.sql()}")
    return stored(column.name, kind.sql(dialect="duckdb").replace("TEXT", "VARCHAR")).type


def _no_table(database: str, name: str) -> TdrError:
    return TdrError(f"table {database}.{name} does not exist", hint="create it, or name its database: `database.table`")
