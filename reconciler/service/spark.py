"""Queries on a Spark cluster, by Spark Connect: SQL goes there, Arrow batches come back into DuckDB as they are needed.

A table of the catalog that has rows is sent along with the query as a temporary view; any other is one of the cluster's own
catalog, `database.table`. What a cluster keeps belongs to others, so statements write to tables of this service only.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from sqlglot import exp

from reconciler.errors import TdrError
from reconciler.service.catalog import Catalog, Table
from reconciler.service.columns import duckdb_type, quoted
from reconciler.service.dialect import Select
from reconciler.service.engines import QueryRun, Reaching, prepare
from reconciler.service.ports import SparkPlace
from reconciler.service.semantics import adapt, name_columns
from reconciler.service.spark_sql import know_types, spark_sql
from reconciler.service.warehouse import Warehouse

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    from pyspark.sql.connect.session import SparkSession

_ROWS: Final = "spark_rows"
_ELSEWHERE: Final = 0
"""What stands for the number of a DuckDB table where the rows are in the cluster."""
_SETTINGS: Final = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
}


class SparkEngine:
    """Runs queries on a cluster."""

    def __init__(self, place: SparkPlace, catalog: Catalog, warehouse: Warehouse) -> None:
        """On the cluster at *place*; tables of *catalog* are sent along from *warehouse*."""
        self._place = place
        self._catalog = catalog
        self._warehouse = warehouse

    @contextmanager
    def opened(self, connection: duckdb.DuckDBPyConnection, engine: str, reaching: Reaching) -> Iterator[QueryRun]:
        """A session of its own on the cluster, ended afterwards.

        Raises:
            TdrError: the client is not installed, the cluster does not answer, or it refuses the query.
        """
        session = _connected(self._place)
        try:
            run = _SparkRun(self._place.url, session, self._catalog, self._warehouse, connection)
            with reaching(run.interrupt):
                run.prepare(engine)
                try:
                    yield run
                except Exception:
                    if run.failure is None:
                        raise
                    raise run.failure from None
        finally:
            # A cluster that is gone has ended it itself.
            with suppress(Exception):
                session.stop()


class _SparkRun:
    name = "Spark"

    def __init__(
        self,
        url: str,
        session: SparkSession,
        catalog: Catalog,
        warehouse: Warehouse,
        connection: duckdb.DuckDBPyConnection,
    ) -> None:
        self._url = url
        self._session = session
        self._catalog = catalog
        self._warehouse = warehouse
        self._connection = connection
        self._types: dict[str, dict[str, str]] = {}
        self.failure: TdrError | None = None
        """Why rows stopped coming: they are asked for by DuckDB, which says it in other words."""

    def prepare(self, engine: str) -> None:
        with self._in_our_words():
            for name, value in {**_SETTINGS, "spark.sql.ansi.enabled": str(engine != "hive").lower()}.items():
                self._session.conf.set(name, value)

    def interrupt(self) -> None:
        with suppress(Exception):  # the cluster may be gone
            self._session.interruptAll()

    def find_table(self, database: str, name: str) -> Table | None:
        own = self._catalog.find_table(database, name)
        if own is not None and (self._has_rows(own) or not self._is_there(database, name)):
            self._types[_view(own)] = {column: duckdb_type(type_) for column, type_ in own.columns.items()} | _TIME
            return own
        if own is None and not self._is_there(database, name):
            return None
        with self._in_our_words():
            columns = {
                field.name: field.dataType.simpleString()
                for field in self._session.table(_dotted(database, name)).schema
            }
        self._types[name] = columns
        return Table(id=-len(self._types), database=database, name=name, physical=_ELSEWHERE, home=database, columns={})

    def place(self, table: Table) -> exp.Table:
        if table.physical == _ELSEWHERE:
            return exp.Table(
                this=exp.to_identifier(table.name, quoted=True), db=exp.to_identifier(table.home, quoted=True)
            )
        return exp.Table(this=exp.to_identifier(_view(table), quoted=True))

    def write(self, query: exp.Query, tables: Sequence[Table], engine: str, scheduled_time: int) -> str:
        del tables
        name_columns(query, engine)
        typed = know_types(query, _READS[engine], self._types)
        return spark_sql(adapt(typed, engine, scheduled_time))

    def rows(self, select: Select) -> tuple[duckdb.DuckDBPyRelation, str]:
        import pyarrow as pa  # noqa: PLC0415 - heavy, and only runs that move rows need it
        from pyspark.sql.pandas.types import to_arrow_schema  # noqa: PLC0415 - an extra

        self._send([table for table in select.tables if table.physical != _ELSEWHERE])
        with self._in_our_words():
            frame = self._session.sql(select.sql)
            schema = to_arrow_schema(frame.schema, timezone="UTC")
        reader = pa.RecordBatchReader.from_batches(schema, self._batches(frame, schema))
        self._connection.register(_ROWS, reader)
        sql = f"SELECT * FROM {_ROWS}"
        return self._connection.sql(sql), sql

    def _send(self, tables: Sequence[Table]) -> None:
        prepare(tables, self._catalog, self._warehouse, self._connection)
        for table in tables:
            kept = self._connection.table(f"{quoted(table.home)}.{quoted(f't{table.physical}')}").to_arrow_table()
            with self._in_our_words():
                self._session.createDataFrame(kept).createOrReplaceTempView(_view(table))

    def _batches(self, frame: Any, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa  # noqa: PLC0415 - as above

        try:
            with self._in_our_words():
                # What `toLocalIterator` reads, before it makes Python objects of every row.
                client = self._session.client
                plan = frame._plan.to_proto(client)  # noqa: SLF001 - as above, there is no public way
                for told in client.to_table_as_iterator(plan, {}):
                    if isinstance(told, pa.Table):
                        yield from told.cast(schema).to_batches()
        except TdrError as error:
            self.failure = error
            raise

    def _has_rows(self, table: Table) -> bool:
        return bool(self._catalog.shown_table(table.database, table.name)["count"])

    def _is_there(self, database: str, name: str) -> bool:
        with self._in_our_words():
            return bool(self._session.catalog.tableExists(_dotted(database, name)))

    @contextmanager
    def _in_our_words(self) -> Iterator[None]:
        with _in_our_words(self._url):
            yield


_READS: Final = {"presto": "trino", "trino": "trino", "hive": "hive"}
_TIME: Final = {"time": "BIGINT"}


def _connected(place: SparkPlace) -> SparkSession:
    try:
        from pyspark.sql.connect.client.retries import DefaultPolicy  # noqa: PLC0415 - an extra
        from pyspark.sql.connect.session import SparkSession  # noqa: PLC0415 - as above
    except ImportError as error:
        raise TdrError(
            "queries are to run on Spark, and its client is not installed", hint="run: pip install 'tdr[spark]'"
        ) from error
    except SystemExit as error:
        # It takes a program without a file, such as `python -c`, for the run of its own doctests, and ends it.
        raise TdrError(
            "queries are to run on Spark, and its client ends a program that is no file",
            hint="start the service with `tdr`, or with a script or module of your own",
        ) from error
    # It would log every refusal in the words of the server, which quote the values of rows.
    logging.getLogger("SQLQueryContextLogger").disabled = True
    logging.getLogger("pyspark.sql.connect.client.logging").disabled = True
    # What it warns of is raised as well, and said in our words.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"pyspark\.")
    token = place.token()
    address = place.url.rstrip("/") + ("" if "/;" in place.url else "/") + (f";token={token}" if token else "")
    with _in_our_words(place.url):
        session = SparkSession.builder.remote(address).create()
        # The client's own patience is ten minutes, which looks like a hanging job.
        session.client.set_retry_policies([DefaultPolicy(max_retries=5, max_backoff=4_000)])
        return session


@contextmanager
def _in_our_words(url: str) -> Iterator[None]:
    """What Spark says, without what it quotes: its messages about rows hold their values."""
    from pyspark.errors import AnalysisException, PySparkException  # noqa: PLC0415 - an extra

    try:
        yield
    except AnalysisException as error:
        raise TdrError(f"Spark refuses the query: {_first_line(str(error))}") from None
    except PySparkException as error:
        condition = error.getCondition() or type(error).__name__
        # Only this case has no class of its own; the text is looked at, and never shown.
        if condition == "RETRIES_EXCEEDED" or "StatusCode.UNAVAILABLE" in str(error):
            raise _no_answer(url, "UNAVAILABLE") from None
        raise TdrError(
            f"Spark ended the query: {condition}", hint="its own message is left out, for it may quote rows"
        ) from None
    except _grpc_error() as error:
        raise _no_answer(url, _code(error)) from None


def _no_answer(url: str, why: str) -> TdrError:
    return TdrError(
        f"Spark does not answer at {urlsplit(url).netloc}: {why}",
        hint="see that its Connect server runs, and `spark.url` of the environment",
    )


def _grpc_error() -> type[Exception]:
    import grpc  # noqa: PLC0415 - comes with the client

    error: type[Exception] = grpc.RpcError
    return error


def _code(error: Any) -> str:
    code = getattr(error, "code", None)
    return str(code().name) if callable(code) else type(error).__name__


def _first_line(message: str) -> str:
    return message.splitlines()[0].partition(" SQLSTATE:")[0]


def _view(table: Table) -> str:
    return f"tdr_t{table.physical}"


def _dotted(database: str, name: str) -> str:
    return ".".join("`" + part.replace("`", "``") + "`" for part in (database, name))
