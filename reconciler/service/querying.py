"""Runs queries: keeps their rows, writes them into tables, or hands them to an export, which is a job of its own.

When the export of a query fails, the query's job has succeeded and the export's has not, as at the vendor; when its
settings are refused beforehand, the query does not run and its job fails.
"""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import duckdb
import orjson

from reconciler.errors import TdrError
from reconciler.ports.exports import Exporter, ExportReport, ExportRequest, RetriesExports
from reconciler.service import row_fit, widening
from reconciler.service.catalog import Catalog
from reconciler.service.columns import names, result_schema, types
from reconciler.service.connections import Connections
from reconciler.service.dialect import Create, Drop, Insert, Select, Statement, translate
from reconciler.service.engines import Engine, QueryRun
from reconciler.service.jobs import Jobs, NewJob
from reconciler.service.ports import Sealer
from reconciler.service.progress import JobProgress
from reconciler.service.results import Results, incomplete
from reconciler.service.rows import Rows
from reconciler.service.runner import Running, fault, reason
from reconciler.service.tables import Tables
from reconciler.service.targets import resolve
from reconciler.service.warehouse import Warehouse

_BATCH_ROWS: Final = 10_000
_ROWS: Final = "rows"  # the name under which an export finds them, see `ports.exports`


class Querying:
    """Carries out jobs of SQL."""

    def __init__(
        self,
        jobs: Jobs,
        catalog: Catalog,
        connections: Connections,
        results: Results,
        warehouse: Warehouse,
        sealer: Sealer,
        exporter: Exporter,
        engine: Engine,
    ) -> None:
        """Report to *jobs*; deliver by *exporter* what *engine* finds."""
        self._jobs = jobs
        self._catalog = catalog
        self._connections = connections
        self._results = results
        self._warehouse = warehouse
        self._sealer = sealer
        self._exporter = exporter
        self._engine = engine

    def run(self, row: sqlite3.Row, running: Running) -> None:
        """Run a query and close its job."""
        moment = int(row["created_at"]) if row["scheduled_time"] is None else row["scheduled_time"]
        self._jobs.log(row["id"], f"started, TD_SCHEDULED_TIME() is {moment}")
        with (
            self._warehouse.connection() as connection,
            running.cancellation.reaching(connection.interrupt),
            self._engine.opened(connection, row["type"], running.cancellation.reaching) as run,
        ):
            statement = translate(
                row["query"],
                engine=row["type"],
                database=row["database"],
                find_table=self._catalog.find_table,
                target=run,
                scheduled_time=moment,
            )
            if row["target"] is not None and not isinstance(statement, Select):
                raise TdrError("only the rows of a SELECT can be exported")
            self._carry_out(statement, row, running, connection, run, moment)

    def export_kept(self, row: sqlite3.Row, running: Running) -> None:
        """Export the kept rows of another job."""
        source = self._jobs.row(row["exported_job"])
        self._results.require(source)
        columns = orjson.loads(source["result_schema"])
        with self._warehouse.connection() as connection, running.cancellation.reaching(connection.interrupt):
            self._restore(connection, columns, source["id"])
            # An export that replaces would take out of its audience whoever is missing here.
            if _count(connection) != source["num_records"]:
                raise incomplete(source["id"])
            export = resolve(row["target"], self._sealer, self._connections)
            request = ExportRequest(export.type, export.settings, str(row["id"]))
            self._check(request, types(connection.table(_ROWS)))
            self._export(request, row["id"], [row["id"]], running, connection)

    def retry_export(self, row: sqlite3.Row, running: Running) -> None:
        """Finish the export of another job, without its query."""
        export = resolve(row["target"], self._sealer, self._connections)
        if not isinstance(self._exporter, RetriesExports):
            raise TdrError(f"exports of type {export.type!r} cannot be finished here", hint="run the query anew")
        request = ExportRequest(export.type, export.settings, str(row["exported_job"]))
        progress = JobProgress(self._jobs, row["id"])
        report = self._exporter.retry(request, progress, running.cancellation.event)
        progress(report.rows, report.rows, _summary(report))
        self._jobs.set_result(row["id"], [], report.rows, None)
        self._jobs.finish(row["id"], "success", "finished")

    def _carry_out(
        self,
        statement: Statement,
        row: sqlite3.Row,
        running: Running,
        connection: duckdb.DuckDBPyConnection,
        run: QueryRun,
        moment: int,
    ) -> None:
        match statement:
            case Select() if row["target"] is not None:
                self._deliver(statement, row, running, connection, run)
            case Select():
                self._keep(statement, row, connection, run)
            case Insert():
                self._insert(statement, row, connection, run, moment)
            case Create():
                self._create(statement, row, connection, run, moment)
            case Drop():
                self._drop(statement, row)

    def _keep(self, select: Select, row: sqlite3.Row, connection: duckdb.DuckDBPyConnection, run: QueryRun) -> None:
        relation, _ = _bound(select, connection, run)
        schema = result_schema(relation)
        count, size = self._results.write(row["id"], _batches(relation))
        self._jobs.set_result(row["id"], schema, count, size)
        self._jobs.finish(row["id"], "success", f"finished, {count} rows")

    def _deliver(
        self, select: Select, row: sqlite3.Row, running: Running, connection: duckdb.DuckDBPyConnection, run: QueryRun
    ) -> None:
        export = resolve(row["target"], self._sealer, self._connections)
        relation, sql = _bound(select, connection, run)
        request = ExportRequest(export.type, export.settings, str(row["id"]))
        self._check(request, types(relation))
        schema = result_schema(relation)
        # Not a view: exporters read rows more than once, and a query need not give the same twice. It spills to disk.
        connection.execute(f"CREATE TEMP TABLE {_ROWS} AS {sql}")
        count = _count(connection)
        self._jobs.set_result(row["id"], schema, count, None)
        export_job = self._jobs.succeed_with_export(
            row["id"],
            NewJob(
                type="export",
                database=row["database"],
                target=row["target"],
                result=row["result"],
                priority=row["priority"],
                exported_job=row["id"],
            ),
            f"finished, {count} rows to export",
        )
        with running.covering(export_job):
            if not self._jobs.start(export_job):
                return
            try:
                self._export(request, export_job, [export_job, row["id"]], running, connection)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - it belongs into the export's log; the query has succeeded
                killed = running.cancellation.event.is_set()
                if killed:
                    self._jobs.finish_somehow(export_job, "killed", "killed")
                else:
                    self._jobs.finish_somehow(export_job, "error", reason(error), fault(error))

    def _check(self, request: ExportRequest, columns: dict[str, str]) -> None:
        if request.type == "td":
            self._own_table(request)
        else:
            self._exporter.check(request, columns)

    def _export(
        self,
        request: ExportRequest,
        job_id: int,
        job_ids: list[int],
        running: Running,
        connection: duckdb.DuckDBPyConnection,
    ) -> None:
        count = _count(connection)
        progress = JobProgress(self._jobs, *job_ids)
        progress(0, count, f"exporting {count} rows to {request.type}")
        if request.type == "td":
            report = self._export_to_table(request, connection, count, progress)
        else:
            report = self._exporter.export(request, connection, progress, running.cancellation.event)
        progress(count, count, _summary(report))
        self._jobs.set_result(job_id, [], report.rows, None)
        self._jobs.finish(job_id, "success", "finished")

    def _own_table(self, request: ExportRequest) -> tuple[str, str, str]:
        """Database, table and mode of ``td://@/database/table?mode=append``; other accounts are out of reach."""
        url = str(request.settings.get("url", ""))
        parts = urlsplit(url)
        path = parts.path.strip("/").split("/")
        mode = dict(parse_qsl(parts.query)).get("mode", "append")
        if parts.netloc not in {"", "@"} or len(path) != 2:
            raise TdrError("the embedded service exports to tables of its own only", hint="write td://@/database/table")
        if mode not in {"append", "replace", "truncate"}:
            raise TdrError(f"unknown mode of a td:// export: {mode!r}", hint="use append, replace or truncate")
        self._catalog.database_id(path[0])
        return path[0], path[1], mode

    def _export_to_table(
        self, request: ExportRequest, connection: duckdb.DuckDBPyConnection, count: int, progress: JobProgress
    ) -> ExportReport:
        database, name, mode = self._own_table(request)
        table = self._catalog.find_table(database, name) or self._catalog.create_table(database, name)
        tables = Tables(self._catalog, connection)
        rows = Rows(connection, _ROWS)
        write = tables.added if mode == "append" else tables.exchanged
        with self._warehouse.writing:
            before = self._catalog.current(table)
            # As rows that are loaded: columns grow rather than lose, and declared ones refuse.
            grown = widening.widened(rows, tables.held(before), before)
            if (misfit := row_fit.misfit(rows, grown)) is not None:
                raise misfit
            written = write(rows, grown, time_column="", now=self._jobs.now())
            tables.record(written)
        for line in widening.told(before, written):
            progress(count, count, line)
        return ExportReport(rows=count, sent=count)

    def _insert(
        self, insert: Insert, row: sqlite3.Row, connection: duckdb.DuckDBPyConnection, run: QueryRun, moment: int
    ) -> None:
        relation, sql = _bound(insert.rows, connection, run)
        columns = list(insert.columns) or list(insert.into.columns)
        given = [name.lower() for name in relation.columns]
        if not insert.columns and len(given) == len(columns) + 1 and "time" in given:
            columns.insert(given.index("time"), "time")
        if len(given) != len(columns):
            raise TdrError(f"INSERT has {len(given)} columns for {len(columns)}: {', '.join(columns) or 'none'}")
        unknown = [name for name in columns if name not in insert.into.columns and name != "time"]
        if unknown:
            raise TdrError(f"table {insert.into.database}.{insert.into.name} has no column {unknown[0]!r}")
        connection.execute(f"CREATE TEMP TABLE {_ROWS} AS SELECT * FROM ({sql}) AS q({names(columns)})")
        with self._warehouse.writing:
            Tables(self._catalog, connection).append(Rows(connection, _ROWS), insert.into, time_column="", now=moment)
        self._report_written(row, connection)

    def _create(
        self, create: Create, row: sqlite3.Row, connection: duckdb.DuckDBPyConnection, run: QueryRun, moment: int
    ) -> None:
        if create.if_not_exists and self._catalog.find_table(create.database, create.name) is not None:
            self._jobs.finish(row["id"], "success", "finished, the table is there")
            return
        schema = orjson.dumps([[name, type_] for name, type_ in create.columns.items() if name != "time"]).decode()
        if create.rows is None:
            self._catalog.create_table(create.database, create.name, schema=schema)
            self._jobs.finish(row["id"], "success", "finished")
            return
        _, sql = _bound(create.rows, connection, run)
        connection.execute(f"CREATE TEMP TABLE {_ROWS} AS {sql}")
        table = self._catalog.create_table(create.database, create.name, schema=schema)
        try:
            with self._warehouse.writing:
                Tables(self._catalog, connection).append(Rows(connection, _ROWS), table, time_column="", now=moment)
        except BaseException:
            self._catalog.delete_table(create.database, create.name)
            raise
        self._report_written(row, connection)

    def _drop(self, drop: Drop, row: sqlite3.Row) -> None:
        if self._catalog.find_table(drop.database, drop.name) is not None:
            self._catalog.delete_table(drop.database, drop.name)
        elif not drop.if_exists:
            raise TdrError(f"table {drop.database}.{drop.name} does not exist")
        self._jobs.finish(row["id"], "success", "finished")

    def _report_written(self, row: sqlite3.Row, connection: duckdb.DuckDBPyConnection) -> None:
        count = _count(connection)
        written, size = self._results.write(row["id"], iter([[(count,)]]))
        self._jobs.set_result(row["id"], [["rows", "bigint"]], written, size)
        self._jobs.finish(row["id"], "success", f"finished, {count} rows written")

    def _restore(self, connection: duckdb.DuckDBPyConnection, columns: Sequence[Sequence[str]], job_id: int) -> None:
        import pyarrow as pa  # noqa: PLC0415 - only here

        plain = ", ".join(f"{names([name])} {_restored(type_)}" for name, type_ in columns)
        connection.execute(f"CREATE TEMP TABLE {_ROWS} ({plain})")
        for batch in self._results.rows(job_id):
            values = [[_text(value) for value in column] for column in zip(*batch, strict=True)]
            connection.register("batch", pa.table(values, names=[name for name, _ in columns]))
            connection.execute(f"INSERT INTO {_ROWS} SELECT * FROM batch")
            connection.unregister("batch")


def _bound(select: Select, connection: duckdb.DuckDBPyConnection, run: QueryRun) -> tuple[duckdb.DuckDBPyRelation, str]:
    """The query, not yet run, and its SQL, which may be run once."""
    relation, sql = run.rows(select)
    # Sums and counts of conditions are bigint at the vendor's engines.
    wide = [name for name, type_ in types(relation).items() if type_ == "HUGEINT"]
    if not wide:
        return relation, sql
    narrowed = ", ".join(f"CAST({names([name])} AS BIGINT) AS {names([name])}" for name in wide)
    sql = f"SELECT * REPLACE ({narrowed}) FROM ({sql}) AS q"
    return connection.sql(sql), sql


def _restored(type_: str) -> str:
    """The DuckDB type of a kept column: what Trino calls it, or text for what was kept as text."""
    known = {"bigint", "integer", "smallint", "tinyint", "double", "real", "boolean", "varbinary", "date", "timestamp"}
    return type_ if type_ in known or type_.startswith("decimal") else "varchar"


def _text(value: Any) -> Any:
    """Lists and maps as JSON text."""
    return orjson.dumps(value).decode() if isinstance(value, (list, dict)) else value


def _count(connection: duckdb.DuckDBPyConnection) -> int:
    # All of it: a connection with an open result takes no other statement.
    [(count,)] = connection.execute(f"SELECT count(*) FROM {_ROWS}").fetchall()
    return int(count)


def _batches(relation: duckdb.DuckDBPyRelation) -> Iterator[list[tuple[Any, ...]]]:
    for batch in relation.to_arrow_reader(_BATCH_ROWS):
        columns = [[_plain(value) for value in column.to_pylist()] for column in batch.columns]
        yield list(zip(*columns, strict=True))


def _plain(value: Any) -> Any:  # noqa: PLR0911 - a table of types
    """A value as the vendor's formats know it: decimals and times as text."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case dt.datetime():
            zone = " UTC" if value.tzinfo else ""
            return f"{value:%Y-%m-%d %H:%M:%S}.{value.microsecond // 1000:03}{zone}"
        case dt.date() | dt.time() | decimal.Decimal() | dt.timedelta():
            return str(value)
        case bytes():
            return base64.b64encode(value).decode()
        case dict():
            return {name: _plain(member) for name, member in value.items()}
        case list() if value and all(isinstance(member, tuple) for member in value):  # a map, in Arrow's words
            return {str(key): _plain(member) for key, member in value}
        case list():
            return [_plain(member) for member in value]
        case _:
            return str(value)


def _summary(report: ExportReport) -> str:
    rejected = ", ".join(f"{count} {code}" for code, count in sorted(report.rejected.items())) or "none"
    audience = f", audience {report.audience_id}" if report.audience_id else ""
    return (
        f"exported: {report.rows} rows, {report.sent} sent, {report.removed} removed, {report.duplicates} duplicates,"
        f" rejected: {rejected}, {report.requests} requests{audience}"
    )
