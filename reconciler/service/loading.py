"""Runs bulk loads: rows are read beside the data file, and written into their table when all of them are there."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import duckdb

from reconciler.errors import TdrError
from reconciler.model.json import Json
from reconciler.ports.clock import Clock
from reconciler.ports.loads import Changes, Importer, LoadRequest
from reconciler.service import arrivals, change_tables, row_fit, stored_notes, widening
from reconciler.service.arrivals import Arrived
from reconciler.service.catalog import Catalog, Table
from reconciler.service.columns import result_schema
from reconciler.service.connections import Connections
from reconciler.service.jobs import Jobs
from reconciler.service.landing import Landing
from reconciler.service.loads import Loads, into_file, open_config
from reconciler.service.ports import Sealer
from reconciler.service.progress import JobProgress
from reconciler.service.runner import Running
from reconciler.service.stored_notes import Note
from reconciler.service.tables import Tables
from reconciler.service.thrift import Thrift
from reconciler.service.warehouse import Warehouse

_ROWS, _TOLD = "rows", "told_rows"
_NUMBER: Final = "change_seq"


@dataclass(frozen=True, slots=True)
class _Run:
    """What one run of a load brought.

    job: its number. note: what is told at the end. changes: see `LoadedRows`.
    began: where it began to read.
    """

    job: int
    note: Note
    arrived: Arrived
    changes: Changes | None
    began: Mapping[str, Json]


class Loading:
    """Carries out bulk loads."""

    def __init__(
        self,
        jobs: Jobs,
        catalog: Catalog,
        connections: Connections,
        warehouse: Warehouse,
        sealer: Sealer,
        clock: Clock,
        importer: Importer,
        loads: Loads,
        landing: Landing,
    ) -> None:
        """Report to *jobs*; read by *importer*; *loads* remember their positions; *landing* has those into files."""
        self._landing = landing
        self._jobs = jobs
        self._loads = loads
        self._catalog = catalog
        self._connections = connections
        self._warehouse = warehouse
        self._sealer = sealer
        self._clock = clock
        self._importer = importer

    def run(self, row: sqlite3.Row, running: Running) -> None:
        """Load and close the job. The table is as it was when anything fails."""
        config = open_config(row["config"], self._sealer)
        out = arrivals.part(config, "out")
        arrivals.refuse_filters(config.get("filters"))
        if into_file(out):
            self._landing.run(row, config, running)
            return
        uploaded_at = int(self._clock.now())
        self._catalog.database_id(row["database"])
        there = self._catalog.find_table(row["database"], row["table"])
        declared = there.declared if there is not None else {}
        request = LoadRequest(
            self._connections.with_settings(arrivals.part(config, "in")),
            str(row["id"]),
            declared,
            self._loads.position(row["load_id"]),
            uploaded_at if row["scheduled_time"] is None else int(row["scheduled_time"]),
        )
        progress = JobProgress(self._jobs, row["id"])
        stop = running.cancellation
        with self._warehouse.scratch() as scratch, stop.reaching(scratch.interrupt):
            loaded = arrivals.read(self._importer, request, scratch, progress, stop)
            rows = arrivals.readable(loaded, scratch)
            schema = result_schema(scratch.table(rows.relation))
            thrift = Thrift(self._warehouse, len(schema))
            with self._warehouse.connection() as connection, stop.reaching(connection.interrupt):
                tables = Tables(self._catalog, connection, thrift)
                if not loaded.lasts:
                    rows = thrift.tried(partial(tables.copied, rows, _ROWS))
                arrived = arrivals.arrived(rows, schema, loaded, out, uploaded_at)
                note = Note(row["database"], row["table"], 0, arrived.count, schema, {}, loaded.position)
                with self._warehouse.writing:
                    self._write(row, _Run(row["id"], note, arrived, loaded.changes, request.position), tables, thrift)

    def settle(self, row: sqlite3.Row) -> bool:
        """Finish the job *row*, of a process that is gone, if its rows are stored; False when they are not."""
        config = open_config(row["config"], self._sealer)
        if into_file(arrivals.part(config, "out")):
            return self._landing.settle(row, config)
        with self._warehouse.connection() as connection, self._warehouse.writing:
            note = stored_notes.find(connection, row["id"])
            if note is None:
                return False
            found = (self._catalog.find_table(note.database, name) for name in note.names())
            grown = [now for table in found if table is not None and (now := note.grown(table)) is not None]
            with self._loads.one_step():
                for table in grown:
                    Tables(self._catalog, connection).record(table)
                self._finish(row, note)
            stored_notes.remove(connection, row["id"])
        return True

    def _finish(self, row: sqlite3.Row, note: Note) -> None:
        if note.position is not None and row["load_id"] is not None:
            self._loads.remember(row["load_id"], note.position)
        progress = JobProgress(self._jobs, row["id"])
        progress(note.rows, note.rows, f"loaded {note.rows} rows into {note.database}.{note.table}")
        self._jobs.set_result(row["id"], note.schema, note.rows, None)
        self._jobs.finish(row["id"], "success", "finished")

    def _write(self, row: sqlite3.Row, run: _Run, tables: Tables, thrift: Thrift) -> None:
        """Write the rows and finish the job, in an order in which a death in between loses and doubles nothing.

        Replaced rows are the table's only when the catalog says so, with the end of the job in the same transaction. Added
        ones are there at once, so a note lies beside them until the end is told.
        """
        table = self._table(row)
        self._loads.refuse_overtaken(row["load_id"], run.began, table.called)
        run = replace(run, arrived=arrivals.named(run.arrived, table))
        note, written = thrift.tried(partial(self._stored, run, table, tables))
        with self._loads.one_step():
            for one in written:
                tables.record(one)
                for line in widening.told(table, one) if one.id == table.id else ():
                    JobProgress(self._jobs, row["id"])(0, 0, line)
            self._finish(row, note)
        stored_notes.remove(tables.connection, row["id"])

    def _stored(self, run: _Run, table: Table, tables: Tables) -> tuple[Note, tuple[Table, ...]]:
        """What to say at the end, and the tables for the catalog; their rows are in the data file."""
        table = arrivals.fitting(run.arrived, table, tables)

        def leave_note(grown: Table) -> None:
            told = replace(run.note, physical=grown.physical, columns=grown.columns)
            stored_notes.leave(tables.connection, run.job, told)

        try:
            if run.changes is not None:
                return self._told(run, run.changes, table, tables)
            written = arrivals.stored(run.arrived, table, tables, leave_note)
        except duckdb.ConversionException:
            # The engine's own words quote the value, which may be a customer's.
            raise row_fit.bad_value(run.arrived.rows, table) from None
        return run.note, () if written is None else (written,)

    def _told(self, brought: _Run, changes: Changes, table: Table, tables: Tables) -> tuple[Note, tuple[Table, ...]]:
        """What to say at the end of a run whose *changes* are told beside *table*, and the tables for the catalog."""
        note, arrived = brought.note, brought.arrived
        if arrived.mode not in {"append", "upsert"}:
            raise TdrError(f"changes are told beside a table that stays, and `mode: {arrived.mode}` exchanges it")
        beside = change_tables.of(self._catalog, table, changes)
        run = change_tables.Run(
            rows=tables.copied(arrived.rows, _TOLD),  # they are held several times against what is there
            key=arrived.key,
            changes=changes,
            whole=arrived.whole,
            time_column=arrived.time_column,
            now=self._clock.now(),
            loaded_at=arrived.stored_at,
            last=str(brought.began.get(_NUMBER, "")),
        )
        if not note.rows and (changes.is_first or arrived.whole) and tables.held(table) is not None:
            tables.refuse_emptying(table)
        if changes.is_first:
            told = change_tables.begun(tables, run, table, beside)
            return replace(note, position=_numbered(note.position, told)), told.tables

        def end(told: change_tables.Told) -> Note:
            position = _numbered(note.position, told)
            return replace(note, table=beside.name, rows=told.count, position=position)

        def leave_note(told: change_tables.Told) -> None:
            first, *others = told.tables
            named = {one.name: (one.physical, one.columns) for one in others}
            left = replace(end(told), physical=first.physical, columns=first.columns, others=named)
            stored_notes.leave(tables.connection, brought.job, left)

        told = change_tables.told(tables, run, table, beside, leave_note)
        return end(told), told.tables

    def _table(self, row: sqlite3.Row) -> Table:
        found = self._catalog.find_table(row["database"], row["table"])
        return found or self._catalog.create_table(row["database"], row["table"])


def _numbered(position: Mapping[str, Json] | None, told: change_tables.Told) -> dict[str, Json]:
    """*position* with the number of the last change, behind which the next run's are."""
    return {**(position or {}), _NUMBER: told.last}
