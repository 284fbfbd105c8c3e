"""Runs bulk loads into Parquet files: what is there and what came become one table, which takes the file's place in one step.

The table is made on a bench of its own, by the same code as tables that are kept here. Where reading stopped stands in the
file itself, so that it is as old as the rows: whichever step a process dies at, the file says what was done.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import duckdb

from reconciler.errors import Conflict, TdrError, Transient
from reconciler.model.json import Json
from reconciler.ports.clock import Clock
from reconciler.ports.loads import Importer, LoadRequest
from reconciler.ports.table_files import OpenTableFile, TableFile
from reconciler.service import arrivals, parquet_files, row_fit, widening
from reconciler.service.answers import ApiError
from reconciler.service.arrivals import Arrived
from reconciler.service.catalog import Catalog, Table
from reconciler.service.columns import TIME, result_schema
from reconciler.service.connections import Connections
from reconciler.service.jobs import Jobs
from reconciler.service.loads import Loads, Standing, overtaken
from reconciler.service.parquet_files import Landed
from reconciler.service.progress import JobProgress
from reconciler.service.rows import Rows
from reconciler.service.runner import Running
from reconciler.service.storage import Storage
from reconciler.service.tables import Tables, qualified
from reconciler.service.thrift import Thrift
from reconciler.service.warehouse import Bench, Warehouse

_TRIES: Final = 10
"""How often a run begins its table anew because others changed the file meanwhile."""
_SETTLING: Final = "settling"
_HOME: Final = "landed"
_ROWS: Final = "came"
_PRESENT: Final = "present"


@dataclass(frozen=True, slots=True)
class _Run:
    """One run: who it is in the file, what it brought, and what it leaves behind; None where what was there stays.

    began: where it began to read.
    """

    job_id: int
    standing: Standing
    arrived: Arrived
    began: Mapping[str, Json]
    position: Mapping[str, Json] | None


class Landing:
    """Carries out bulk loads whose `out` is a file."""

    def __init__(
        self,
        jobs: Jobs,
        connections: Connections,
        warehouse: Warehouse,
        clock: Clock,
        importer: Importer,
        loads: Loads,
        open_file: OpenTableFile | None,
    ) -> None:
        """Report to *jobs*; read by *importer*; *loads* show positions. open_file: None where there are no files."""
        self._jobs = jobs
        self._connections = connections
        self._warehouse = warehouse
        self._clock = clock
        self._importer = importer
        self._loads = loads
        self._open_file = open_file

    def run(self, row: sqlite3.Row, config: Mapping[str, Any], running: Running) -> None:
        """Load and close the job. The file is as it was when anything fails."""
        out = arrivals.part(config, "out")
        standing = self._standing(row)
        now = int(self._clock.now())
        progress = JobProgress(self._jobs, row["id"])
        stop = running.cancellation
        with self._warehouse.bench() as bench, stop.reaching(bench.connection.interrupt):
            file = self._file(out, str(row["id"]), bench)
            known = _known(bench.connection, file, file.find())
            request = LoadRequest(
                self._connections.with_settings(arrivals.part(config, "in")),
                str(row["id"]),
                position=_position(known, standing),
                until=now if row["scheduled_time"] is None else int(row["scheduled_time"]),
            )
            with self._warehouse.scratch() as scratch, stop.reaching(scratch.interrupt):
                loaded = arrivals.read(self._importer, request, scratch, progress, stop)
                if loaded.changes is not None:
                    raise TdrError(
                        "changes are told in a table beside the one that is filled, and a file has none",
                        hint="let the import fill a table, or choose another `method`",
                    )
                rows = arrivals.readable(loaded, scratch)
                schema = result_schema(scratch.table(rows.relation))
                thrift = Thrift(bench, len(schema))
                with self._numbers(bench) as catalog:
                    tables = Tables(catalog, bench.connection)
                    if not loaded.lasts:
                        rows = thrift.tried(partial(_copied, thrift, tables, rows))
                    arrived = arrivals.arrived(rows, schema, loaded, out, now)
                    run = _Run(row["id"], standing, arrived, request.position, loaded.position)
                    with file.alone(stop.event):
                        landed, lines = thrift.tried(partial(_sparing, thrift, tables, file, run))
        for line in lines:
            progress(0, 0, line)
        self._finish(row, standing, landed, arrived.schema, file.named)

    def settle(self, row: sqlite3.Row, config: Mapping[str, Any]) -> bool:
        """Finish the job *row*, of a process that is gone, if the file says that it has its rows; False when it does not.

        Nothing depends on it but what is told of the job: the next run reads in the file where this one stopped.
        """
        try:
            standing = self._standing(row)
            with self._warehouse.bench() as bench:
                file = self._file(arrivals.part(config, "out"), _SETTLING, bench)
                path = file.find()
                landed = _known(bench.connection, file, path).get(standing.identity)
                if path is None or landed is None or landed.job_id != row["id"]:
                    return False
                schema = parquet_files.columns_of(bench.connection, path)
        except (TdrError, ApiError):
            return False
        self._finish(row, standing, landed, schema, file.named)
        return True

    def _finish(
        self, row: sqlite3.Row, standing: Standing, landed: Landed, schema: list[list[str]], named: str
    ) -> None:
        with self._loads.one_step():
            self._loads.landed(row["load_id"], standing, landed.position)
            JobProgress(self._jobs, row["id"])(landed.rows, landed.rows, f"loaded {landed.rows} rows into {named}")
            self._jobs.set_result(row["id"], schema, landed.rows, None)
            self._jobs.finish(row["id"], "success", "finished")

    def _standing(self, row: sqlite3.Row) -> Standing:
        standing = self._loads.standing(row["load_id"])
        if standing is None:
            raise TdrError("the load of this run is gone, and its file knows it by nothing else", hint="make it anew")
        return standing

    def _file(self, out: Mapping[str, Any], job_id: str, bench: Bench) -> TableFile:
        place = self._connections.with_settings({name: value for name, value in out.items() if name != "type"})
        if place.get("type", "files") != "files":
            raise TdrError(
                f"the connection of a load into a file is of type {place['type']!r}", hint="name one of type files"
            )
        if self._open_file is None:
            raise TdrError("loads into files are not carried out here", hint="let the load fill a table of a database")
        return self._open_file(place, job_id, bench.folder)

    @contextmanager
    def _numbers(self, bench: Bench) -> Iterator[Catalog]:
        """A catalog that knows nothing and gives tables their numbers."""
        storage = Storage(bench.folder / "numbers.sqlite", self._clock.now())
        try:
            yield Catalog(storage, self._clock)
        finally:
            storage.close()


def _copied(thrift: Thrift, tables: Tables, rows: Rows) -> Rows:
    with thrift.sparing(rows.connection):
        return tables.copied(rows, _ROWS)


def _sparing(thrift: Thrift, tables: Tables, file: TableFile, run: _Run) -> tuple[Landed, list[str]]:
    """As `_exchanged`, with as little memory as that takes."""
    with thrift.sparing(run.arrived.rows.connection):
        return _exchanged(tables, file, run)


def _exchanged(tables: Tables, file: TableFile, run: _Run) -> tuple[Landed, list[str]]:
    """Put the rows of *run* among those of *file*; what the file says of the run then, and lines for the job's log.

    Raises:
        TdrError: the rows do not fit, the file cannot be read or written, or another run of the load was faster.
    """
    standing = run.standing
    landed: Landed | None = None
    lines: list[str] = []
    failed: Transient | None = None
    for tried in range(_TRIES + 1):
        path = file.find()
        known = _known(tables.connection, file, path)
        last = known.get(standing.identity)
        if landed is not None and last is not None and last.job_id == run.job_id:
            return landed, lines  # the answer was lost, and asked again, a bucket calls our own file another one
        if failed is not None:
            raise failed
        if tried == _TRIES:
            break
        position = _position(known, standing)
        if position != run.began:
            raise overtaken(standing.name, file.named)
        before = _present(tables, path, file.named, run.arrived.stored_at)
        after = _merged(tables, before, run.arrived)
        landed = Landed(
            standing.name, run.job_id, run.arrived.count, position if run.position is None else run.position
        )
        lines = [] if after is None else [*widening.told(before, after)]
        if after is None and landed.position == position and standing.position is None:
            return landed, lines
        others = {identity: one for identity, one in known.items() if not _is_former(identity, one, standing)}
        written = partial(_write, tables, before, after or before, {**others, standing.identity: landed}, file.named)
        try:
            file.exchange(written)
        except Conflict:
            continue
        except Transient as error:
            failed = error  # of unknown outcome
            continue
        return landed, lines
    raise Transient(
        f"{file.named} was changed by others {_TRIES} times while this run wrote to it",
        hint="nothing of the run is there; run it again when they have ended, or let each fill a file of its own",
    )


def _present(tables: Tables, path: Path | None, named: str, now: int) -> Table:
    """The rows that are there, as a table on the bench."""
    tables.connection.execute(f"DROP SCHEMA IF EXISTS {_HOME} CASCADE")
    empty = Table(0, _HOME, "rows", tables.catalog.new_physical(_HOME), _HOME, {}, label=named)
    if path is None:
        return empty
    parquet_files.show(tables.connection, path, named, _PRESENT)
    rows = Rows(tables.connection, _PRESENT)
    table = widening.widened(rows, None, empty)
    try:
        return tables.added(rows, table, time_column="", now=now)
    except duckdb.ConversionException:
        raise TdrError(
            f"a value in {named} does not fit the type that its column becomes in a table",
            hint="see whether each `time` is a whole number of seconds of 64 bits; correct the file, or move it away",
        ) from None  # the engine's own words quote the value


def _merged(tables: Tables, before: Table, arrived: Arrived) -> Table | None:
    """*before* with the rows that arrived; None where there is nothing to change."""
    arrived = arrivals.named(arrived, before)
    table = arrivals.fitting(arrived, before, tables)
    try:
        return arrivals.stored(arrived, table, tables)
    except duckdb.ConversionException:
        # The engine's own words quote the value, which may be a customer's.
        raise row_fit.bad_value(arrived.rows, table) from None


def _write(tables: Tables, before: Table, after: Table, landed: Mapping[str, Landed], named: str, path: Path) -> None:
    tables.prepare(after)  # of a file that is not there yet, and a run that brings nothing
    columns = [*dict.fromkeys((*before.columns, *after.columns)), TIME]
    parquet_files.write(tables.connection, qualified(after), columns, landed, path, named)


def _known(connection: duckdb.DuckDBPyConnection, file: TableFile, path: Path | None) -> dict[str, Landed]:
    return {} if path is None else parquet_files.landed_in(connection, path, file.named)


def _position(known: Mapping[str, Landed], standing: Standing) -> Mapping[str, Json]:
    """Where reading goes on. A file that another service made tells it by the name of the import."""
    own = known.get(standing.identity)
    if own is not None:
        return own.position
    if standing.position is not None:
        return standing.position
    former = (one.position for identity, one in known.items() if _is_former(identity, one, standing))
    return next(former, {})


def _is_former(identity: str, landed: Landed, standing: Standing) -> bool:
    """Whether *landed* is of the load as it was before: made anew, by another service, or before its position was set."""
    return landed.load == standing.name and identity not in standing.others
