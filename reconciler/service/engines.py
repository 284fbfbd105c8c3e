"""The engines that run queries: DuckDB over the tables of the catalog, or another that hands its rows to DuckDB.

Whatever runs a query, its rows end in a relation of a DuckDB connection, where they are kept, stored or delivered from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from sqlglot import ErrorLevel, exp
from sqlglot.optimizer.annotate_types import annotate_types

from reconciler.service.catalog import Catalog, Table
from reconciler.service.dialect import FindTable, Select, Target
from reconciler.service.semantics import adapt, name_columns
from reconciler.service.tables import Tables
from reconciler.service.warehouse import Warehouse

if TYPE_CHECKING:
    import duckdb

Reaching: TypeAlias = Callable[[Callable[[], None]], AbstractContextManager[None]]
"""Takes what ends a query; while inside, a request to stop calls it."""


class QueryRun(Target, Protocol):
    """An engine at work for one job: what its statements are translated for, and what runs their queries."""

    def rows(self, select: Select) -> tuple[duckdb.DuckDBPyRelation, str]:
        """The query, not yet run, and DuckDB's SQL for it: wrong names and missing functions show here.

        The SQL may be run once.
        """
        ...


class Engine(Protocol):
    """What runs queries."""

    def opened(
        self, connection: duckdb.DuckDBPyConnection, engine: str, reaching: Reaching
    ) -> AbstractContextManager[QueryRun]:
        """Ready to run the queries of one job, written for *engine*, whose rows end in *connection*.

        Raises:
            TdrError: the engine is out of reach.
        """
        ...


class DuckdbTarget:
    """DuckDB as what statements are translated for."""

    name = "the embedded engine"

    def __init__(self, find_table: FindTable) -> None:
        """*find_table*: of the catalog."""
        self.find_table = find_table

    def place(self, table: Table) -> exp.Table:
        """The DuckDB table with its rows."""
        return exp.Table(
            this=exp.to_identifier(f"t{table.physical}", quoted=True), db=exp.to_identifier(table.home, quoted=True)
        )

    def write(self, query: exp.Query, tables: Sequence[Table], engine: str, scheduled_time: int) -> str:
        """*query* in DuckDB's words, with the meaning of *engine*."""
        del tables
        if engine != _HIVE:
            annotate_types(query, dialect="trino")
        name_columns(query, engine)
        adapted = adapt(query, engine, scheduled_time)
        return adapted.sql(dialect="duckdb", comments=False, unsupported_level=ErrorLevel.RAISE)


_HIVE: Final = "hive"


class DuckdbEngine:
    """Runs queries where their tables are."""

    def __init__(self, catalog: Catalog, warehouse: Warehouse) -> None:
        """Over the tables of *catalog*, in *warehouse*."""
        self._catalog = catalog
        self._warehouse = warehouse

    @contextmanager
    def opened(self, connection: duckdb.DuckDBPyConnection, engine: str, reaching: Reaching) -> Iterator[QueryRun]:
        """Ready at once."""
        # Trino divides integers as integers, Hive never does.
        connection.execute(f"SET integer_division = {engine != _HIVE}")
        with reaching(connection.interrupt):
            yield _DuckdbRun(self._catalog, self._warehouse, connection)


class _DuckdbRun(DuckdbTarget):
    def __init__(self, catalog: Catalog, warehouse: Warehouse, connection: duckdb.DuckDBPyConnection) -> None:
        super().__init__(catalog.find_table)
        self._catalog = catalog
        self._warehouse = warehouse
        self._connection = connection

    def rows(self, select: Select) -> tuple[duckdb.DuckDBPyRelation, str]:
        prepare(select.tables, self._catalog, self._warehouse, self._connection)
        return self._connection.sql(select.sql), select.sql


def prepare(
    tables: Sequence[Table], catalog: Catalog, warehouse: Warehouse, connection: duckdb.DuckDBPyConnection
) -> None:
    """Give the DuckDB tables behind *tables* the columns and types that the catalog says."""
    data = Tables(catalog, connection)
    with warehouse.writing:
        for table in tables:
            data.prepare(table)
