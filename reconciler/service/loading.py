"""Runs bulk loads: rows are read beside the data file, and written into their table when all of them are there."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import duckdb

from reconciler.errors import TdrError
from reconciler.model.column_fit import HOW_TO_WRITE, STORED_NUMBERS, misfit
from reconciler.model.json import Json
from reconciler.ports.clock import Clock
from reconciler.ports.exports import Progress
from reconciler.ports.loads import Changes, Importer, LoadRequest
from reconciler.service import change_tables, dotted_names, row_times, stored_notes, widening
from reconciler.service.catalog import Catalog, Table
from reconciler.service.columns import TIME, duckdb_type, quoted, result_schema, stored, types
from reconciler.service.connections import Connections
from reconciler.service.jobs import Jobs
from reconciler.service.loads import Loads, open_config
from reconciler.service.ports import Sealer
from reconciler.service.progress import JobProgress
from reconciler.service.runner import Cancellation, Running, Stopped
from reconciler.service.stored_notes import Note
from reconciler.service.tables import Tables
from reconciler.service.warehouse import Warehouse

_BATCH_ROWS: Final = 65_536
_ROWS: Final = "rows"
_NUMBER: Final = "change_seq"
_WIDE: Final = frozenset({"HUGEINT", "UHUGEINT"})


@dataclass(frozen=True, slots=True)
class _Kept:
    """What becomes of rows that are there: *key* tells which are the same, *whole* that others go."""

    key: Sequence[str]
    whole: bool
    changes: Changes | None
    told: str
    """The number of the last change that was told before."""


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
            relation = _exact(scratch.sql(f"SELECT * FROM {quoted(loaded.relation)}"))
            schema = result_schema(relation)
            with self._warehouse.connection() as connection, stop.reaching(connection.interrupt):
                connection.register("incoming", relation.to_arrow_reader(_BATCH_ROWS))
                connection.execute(f"CREATE TEMP TABLE {_ROWS} AS SELECT * FROM incoming")
                connection.unregister("incoming")
                [(count,)] = connection.execute(f"SELECT count(*) FROM {_ROWS}").fetchall()
                note = Note(row["database"], row["table"], 0, count, schema, {}, loaded.position)
                with self._warehouse.writing:
                    plan = _Kept(
                        _key(out, loaded.key), loaded.whole, loaded.changes, str(request.position.get(_NUMBER, ""))
                    )
                    self._write(row, out, plan, note, uploaded_at, Tables(self._catalog, connection))

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

    def _write(
        self,
        row: sqlite3.Row,
        out: Mapping[str, Any],
        kept: _Kept,
        note: Note,
        uploaded_at: int,
        tables: Tables,
    ) -> None:
        """Write the rows and finish the job, in an order in which a death in between loses and doubles nothing.

        Replaced rows are the table's only when the catalog says so, with the end of the job in the same transaction. Added
        ones are there at once, so a note lies beside them until the end is told.
        """
        mode, time_column = out.get("mode", "append"), str(out.get("time_column") or "")
        table = self._table(row)
        names = dotted_names.declared_names(types(tables.connection.table(_ROWS)), table.declared)
        for name, plain in names.items():
            tables.connection.execute(f"ALTER TABLE {_ROWS} RENAME {quoted(name)} TO {quoted(plain)}")
        time_column = names.get(time_column, time_column)
        kept = replace(kept, key=[names.get(name, name) for name in kept.key])
        columns = list(types(tables.connection.table(_ROWS)))
        if note.rows or columns != [TIME]:  # an answer without rows has no names, either
            _refuse_strangers(columns, table)
        if note.rows:  # a source without rows may have no columns either
            row_times.check(time_column, types(tables.connection.table(_ROWS)), table.declared)
        before, table = table, widening.widened(tables.connection, _ROWS, tables.held(table), table)
        if (misfit_found := _misfit(tables.connection, table)) is not None:
            raise misfit_found
        try:
            if kept.changes is not None:
                note, written = self._told(row, mode, kept, note, time_column, uploaded_at, table, tables)
            else:
                only = self._written(row, mode, kept, note, time_column, uploaded_at, table, tables)
                written = () if only is None else (only,)
        except duckdb.ConversionException:
            # The engine's own words quote the value, which may be a customer's.
            raise _bad_value(tables.connection, table) from None
        with self._loads.one_step():
            for one in written:
                tables.record(one)
                for line in widening.told(before, one) if one.id == before.id else ():
                    JobProgress(self._jobs, row["id"])(0, 0, line)
            self._finish(row, note)
        stored_notes.remove(tables.connection, row["id"])

    def _written(
        self,
        row: sqlite3.Row,
        mode: str,
        kept: _Kept,
        note: Note,
        time_column: str,
        uploaded_at: int,
        table: Table,
        tables: Tables,
    ) -> Table | None:
        """The table with the rows in it, for the catalog; None where there is nothing to tell it."""
        if kept.whole and not note.rows and mode != "replace" and tables.held(table) is not None:
            tables.refuse_emptying(table)
        is_exchange = kept.whole and not kept.key and note.rows
        if is_exchange or mode == "replace" or (mode == "replace_on_new_data" and note.rows):
            return tables.exchanged(_ROWS, table, time_column=time_column, now=uploaded_at)
        if not note.rows:
            return None

        def leave_note(grown: Table) -> None:
            told = replace(note, physical=grown.physical, columns=grown.columns)
            stored_notes.leave(tables.connection, row["id"], told)

        if kept.key:
            return tables.merged(
                _ROWS,
                table,
                kept.key,
                time_column=time_column,
                now=uploaded_at,
                before_commit=leave_note,
                whole=kept.whole,
            )
        return tables.added(_ROWS, table, time_column=time_column, now=uploaded_at, before_commit=leave_note)

    def _told(
        self,
        row: sqlite3.Row,
        mode: str,
        kept: _Kept,
        note: Note,
        time_column: str,
        uploaded_at: int,
        table: Table,
        tables: Tables,
    ) -> tuple[Note, tuple[Table, ...]]:
        """What to say at the end of a run whose changes are told beside *table*, and the tables for the catalog."""
        changes = kept.changes
        assert changes is not None  # noqa: S101 - the caller asks
        if mode not in {"append", "upsert"}:
            raise TdrError(f"changes are told beside a table that stays, and `mode: {mode}` exchanges it")
        beside = change_tables.of(self._catalog, table, changes)
        run = change_tables.Run(
            _ROWS, kept.key, changes, kept.whole, time_column, self._clock.now(), uploaded_at, kept.told
        )
        if not note.rows and (changes.is_first or kept.whole) and tables.held(table) is not None:
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
            stored_notes.leave(tables.connection, row["id"], left)

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


def _exact(relation: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """*relation* with whole numbers of more than 64 bits as text: no table holds them, and on the way they are rounded."""
    wide = [name for name, type_ in types(relation).items() if type_ in _WIDE]
    if not wide:
        return relation
    columns = ", ".join(f"CAST({quoted(name)} AS VARCHAR) AS {quoted(name)}" for name in wide)
    return relation.project(f"* REPLACE ({columns})")


def _part(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = config.get(name) or {}
    if not isinstance(part, Mapping):
        raise TdrError(f"`{name}` of a bulk load is no map")
    return part


def _key(out: Mapping[str, Any], told: Sequence[str]) -> Sequence[str]:
    """What a row is known by: what the load says, else what its source does."""
    return [str(name) for name in out["key"]] if out.get("mode") == "upsert" else told


def _refuse_strangers(columns: Sequence[str], table: Table) -> None:
    """Rows without a single column of their table are another table's, or have no names: their first row was taken for them.

    Names are not repeated here, for they may be data.
    """
    if table.columns and not any(name.lower() in table.columns for name in columns):
        raise TdrError(
            f"none of the columns of these rows is one of {table.database}.{table.name}",
            hint=f"it has {', '.join(table.columns)}; does the file begin with a line of column names?",
        )


def _misfit(connection: duckdb.DuckDBPyConnection, table: Table) -> TdrError | None:
    """What to say of rows with a number that its column of *table* would not keep as it is; never with the value."""
    for name, type_ in types(connection.table(_ROWS)).items():
        wanted = table.columns.get(name.lower(), "")
        if wanted not in STORED_NUMBERS or STORED_NUMBERS[wanted] == type_:
            continue
        first = _first(connection, misfit(quoted(name), type_, wanted))
        if first is not None:
            return _not_of_type(first, name, wanted, table, HOW_TO_WRITE[wanted])
    return None


def _bad_value(connection: duckdb.DuckDBPyConnection, table: Table) -> TdrError:
    """What to say of rows that do not fit the types of *table*: the first row and its column, without the value."""
    for name, type_ in types(connection.table(_ROWS)).items():
        wanted = table.columns.get(name.lower())
        kept = stored(name, type_)
        # A whole number of more than 64 bits, for example, belongs to no column; then the second question cannot be asked.
        for value, type_wanted in ((quoted(name), kept.type), (kept.expression, wanted or kept.type)):
            bad = f"{quoted(name)} IS NOT NULL AND TRY_CAST({value} AS {duckdb_type(type_wanted)}) IS NULL"
            first = _first(connection, bad)
            if first is not None:
                hint = "correct the row, or change the type of the column"
                return _not_of_type(first, name, type_wanted, table, hint)
    return TdrError(f"a value does not fit the type of its column in {table.database}.{table.name}")


def _first(connection: duckdb.DuckDBPyConnection, condition: str) -> int | None:
    [(first,)] = connection.execute(f"SELECT min(rowid) FROM {_ROWS} WHERE {condition}").fetchall()
    return None if first is None else int(first) + 1


def _not_of_type(row: int, column: str, wanted: str, table: Table, hint: str) -> TdrError:
    return TdrError(
        f"row {row} of the import: the value of column `{column}` is not of type {wanted}, "
        f"which it has in {table.database}.{table.name}",
        hint=hint,
    )


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
