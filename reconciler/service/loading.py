"""Runs bulk loads: rows are read beside the data file, and written into their table when all of them are there."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import duckdb

from reconciler.errors import TdrError
from reconciler.model.json import Json
from reconciler.ports.clock import Clock
from reconciler.ports.exports import Progress
from reconciler.ports.loads import Changes, Importer, LoadRequest
from reconciler.service import change_tables, dotted_names, row_fit, row_times, stored_notes, widening
from reconciler.service.catalog import Catalog, Table
from reconciler.service.columns import TIME, quoted, result_schema
from reconciler.service.connections import Connections
from reconciler.service.jobs import Jobs
from reconciler.service.loads import Loads, open_config
from reconciler.service.ports import Sealer
from reconciler.service.progress import JobProgress
from reconciler.service.rows import Rows
from reconciler.service.runner import Cancellation, Running, Stopped
from reconciler.service.stored_notes import Note
from reconciler.service.tables import Tables
from reconciler.service.thrift import Thrift
from reconciler.service.warehouse import Warehouse

_ROWS, _TOLD = "rows", "told_rows"
_NUMBER: Final = "change_seq"
_WIDE: Final = frozenset({"HUGEINT", "UHUGEINT"})


@dataclass(frozen=True, slots=True)
class _Arrived:
    """The *rows* that one run of a load brought, and what is to become of them.

    job: number of the run's job. mode: one of `loads.MODES`. note: what is told at the end.
    key: tells which rows are the same, *whole* that others go; changes: see `LoadedRows`.
    last_change: the number of the last change that was told before. time_column, stored_at: see `Tables.append`.
    """

    rows: Rows
    job: int
    mode: str
    note: Note
    key: Sequence[str]
    whole: bool
    changes: Changes | None
    last_change: str
    time_column: str
    stored_at: int


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
    ) -> None:
        """Report to *jobs*; read by *importer*; *loads* remember their positions."""
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
        out = _part(config, "out")
        _refuse_filters(config.get("filters"))
        uploaded_at = int(self._clock.now())
        self._catalog.database_id(row["database"])
        there = self._catalog.find_table(row["database"], row["table"])
        declared = there.declared if there is not None else {}
        request = LoadRequest(
            self._connections.with_settings(_part(config, "in")),
            str(row["id"]),
            declared,
            self._loads.position(row["load_id"]),
            uploaded_at if row["scheduled_time"] is None else int(row["scheduled_time"]),
        )
        progress = JobProgress(self._jobs, row["id"])
        progress(0, 0, f"reading from {request.source.get('type', 'an unnamed source')}")
        stop = running.cancellation
        with self._warehouse.scratch() as scratch, stop.reaching(scratch.interrupt):
            loaded = self._importer.read(request, scratch, _stopping(progress, stop))
            for notice in loaded.notices:
                progress(0, 0, notice)
            rows = _exact(Rows(scratch, quoted(loaded.relation)))
            schema = result_schema(scratch.table(rows.relation))
            thrift = Thrift(self._warehouse, len(schema))
            with self._warehouse.connection() as connection, stop.reaching(connection.interrupt):
                tables = Tables(self._catalog, connection, thrift)
                if not loaded.lasts:
                    rows = thrift.tried(partial(tables.copied, rows, _ROWS))
                note = Note(row["database"], row["table"], 0, rows.count(), schema, {}, loaded.position)
                arrived = _Arrived(
                    rows=rows,
                    job=row["id"],
                    mode=out.get("mode", "append"),
                    note=note,
                    key=_key(out, loaded.key),
                    whole=loaded.whole,
                    changes=loaded.changes,
                    last_change=str(request.position.get(_NUMBER, "")),
                    time_column=str(out.get("time_column") or ""),
                    stored_at=uploaded_at,
                )
                with self._warehouse.writing:
                    self._write(row, arrived, tables, thrift)

    def settle(self, row: sqlite3.Row) -> bool:
        """Finish the job *row*, of a process that is gone, if its rows are stored; False when they are not."""
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

    def _write(self, row: sqlite3.Row, arrived: _Arrived, tables: Tables, thrift: Thrift) -> None:
        """Write the rows and finish the job, in an order in which a death in between loses and doubles nothing.

        Replaced rows are the table's only when the catalog says so, with the end of the job in the same transaction. Added
        ones are there at once, so a note lies beside them until the end is told.
        """
        table = self._table(row)
        names = dotted_names.declared_names(arrived.rows.types(), table.declared)
        arrived = replace(
            arrived,
            rows=arrived.rows.renamed(names),
            time_column=names.get(arrived.time_column, arrived.time_column),
            key=[names.get(name, name) for name in arrived.key],
        )
        there = arrived.rows.types()
        if arrived.note.rows or list(there) != [TIME]:  # an answer without rows has no names, either
            row_fit.refuse_strangers(list(there), table)
        if arrived.note.rows:  # a source without rows may have no columns either
            row_times.check(arrived.time_column, there, table.declared)
        note, written = thrift.tried(partial(self._stored, arrived, table, tables))
        with self._loads.one_step():
            for one in written:
                tables.record(one)
                for line in widening.told(table, one) if one.id == table.id else ():
                    JobProgress(self._jobs, row["id"])(0, 0, line)
            self._finish(row, note)
        stored_notes.remove(tables.connection, row["id"])

    def _stored(self, arrived: _Arrived, table: Table, tables: Tables) -> tuple[Note, tuple[Table, ...]]:
        """What to say at the end, and the tables for the catalog; their rows are in the data file."""
        table = widening.widened(arrived.rows, tables.held(table), table)
        if (misfit_found := row_fit.misfit(arrived.rows, table)) is not None:
            raise misfit_found
        try:
            if arrived.changes is not None:
                return self._told(arrived, arrived.changes, table, tables)
            written = self._written(arrived, table, tables)
        except duckdb.ConversionException:
            # The engine's own words quote the value, which may be a customer's.
            raise row_fit.bad_value(arrived.rows, table) from None
        return arrived.note, () if written is None else (written,)

    def _written(self, arrived: _Arrived, table: Table, tables: Tables) -> Table | None:
        """The table with the rows in it, for the catalog; None where there is nothing to tell it."""
        mode, note = arrived.mode, arrived.note
        time_column, now = arrived.time_column, arrived.stored_at
        if arrived.whole and not note.rows and mode != "replace" and tables.held(table) is not None:
            tables.refuse_emptying(table)
        is_exchange = arrived.whole and not arrived.key and note.rows
        if is_exchange or mode == "replace" or (mode == "replace_on_new_data" and note.rows):
            return tables.exchanged(arrived.rows, table, time_column=time_column, now=now)
        if not note.rows:
            return None

        def leave_note(grown: Table) -> None:
            told = replace(note, physical=grown.physical, columns=grown.columns)
            stored_notes.leave(tables.connection, arrived.job, told)

        if arrived.key:
            return tables.merged(
                arrived.rows,
                table,
                arrived.key,
                time_column=time_column,
                now=now,
                before_commit=leave_note,
                whole=arrived.whole,
            )
        return tables.added(arrived.rows, table, time_column=time_column, now=now, before_commit=leave_note)

    def _told(
        self, arrived: _Arrived, changes: Changes, table: Table, tables: Tables
    ) -> tuple[Note, tuple[Table, ...]]:
        """What to say at the end of a run whose *changes* are told beside *table*, and the tables for the catalog."""
        note = arrived.note
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
            last=arrived.last_change,
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
            stored_notes.leave(tables.connection, arrived.job, left)

        told = change_tables.told(tables, run, table, beside, leave_note)
        return end(told), told.tables

    def _table(self, row: sqlite3.Row) -> Table:
        found = self._catalog.find_table(row["database"], row["table"])
        return found or self._catalog.create_table(row["database"], row["table"])


def _stopping(progress: Progress, stop: Cancellation) -> Progress:
    """*progress* that ends the reading of rows as soon as somebody asked to stop: an importer tells it of every page."""

    def told(done: int, total: int, event: str = "") -> None:
        if stop.event.is_set():
            raise Stopped
        progress(done, total, event)

    return told


def _exact(rows: Rows) -> Rows:
    """*rows* with whole numbers of more than 64 bits as text: no table holds them, and on the way they are rounded."""
    return rows.as_text([name for name, type_ in rows.types().items() if type_ in _WIDE])


def _part(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = config.get(name) or {}
    if not isinstance(part, Mapping):
        raise TdrError(f"`{name}` of a bulk load is no map")
    return part


def _key(out: Mapping[str, Any], told: Sequence[str]) -> Sequence[str]:
    """What a row is known by: what the load says, else what its source does."""
    return [str(name) for name in out["key"]] if out.get("mode") == "upsert" else told


def _numbered(position: Mapping[str, Json] | None, told: change_tables.Told) -> dict[str, Json]:
    """*position* with the number of the last change, behind which the next run's are."""
    return {**(position or {}), _NUMBER: told.last}


def _refuse_filters(filters: object) -> None:
    """`add_time` is what happens anyway; leaving out any other filter would load something else than was asked for."""
    for one in filters if isinstance(filters, list) else []:
        kind = one.get("type") if isinstance(one, Mapping) else one
        if kind != "add_time":
            raise TdrError(
                f"the embedded service has no filter {kind!r} for bulk loads", hint="remove it, or use `add_time`"
            )
