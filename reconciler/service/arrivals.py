"""Rows that a run of a load brought, and how they come among those of a table: one that is kept here, or that of a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import duckdb

from reconciler.errors import TdrError
from reconciler.ports.exports import Progress
from reconciler.ports.loads import Importer, LoadedRows, LoadRequest
from reconciler.service import dotted_names, row_fit, row_times, widening
from reconciler.service.catalog import Table
from reconciler.service.columns import TIME, quoted
from reconciler.service.rows import Rows
from reconciler.service.runner import Cancellation, Stopped
from reconciler.service.tables import BeforeCommit, Tables, nothing

_WIDE: Final = frozenset({"HUGEINT", "UHUGEINT"})


@dataclass(frozen=True, slots=True)
class Arrived:
    """The *rows* that one run of a load brought, and what is to become of them.

    count: of the rows. schema: of them, as a result tells it. mode: one of `loads.MODES`.
    key: tells which rows are the same, *whole* that others go: see `LoadedRows`. time_column, stored_at: see `Tables.append`.
    """

    rows: Rows
    count: int
    schema: list[list[str]]
    mode: str
    key: Sequence[str]
    whole: bool
    time_column: str
    stored_at: int


def part(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """`in` or `out` of the configuration of a load."""
    found = config.get(name) or {}
    if not isinstance(found, Mapping):
        raise TdrError(f"`{name}` of a bulk load is no map")
    return found


def refuse_filters(filters: object) -> None:
    """`add_time` is what happens anyway; leaving out any other filter would load something else than was asked for."""
    for one in filters if isinstance(filters, list) else []:
        kind = one.get("type") if isinstance(one, Mapping) else one
        if kind != "add_time":
            raise TdrError(
                f"the embedded service has no filter {kind!r} for bulk loads", hint="remove it, or use `add_time`"
            )


def read(
    importer: Importer,
    request: LoadRequest,
    scratch: duckdb.DuckDBPyConnection,
    progress: Progress,
    stop: Cancellation,
) -> LoadedRows:
    """Have the rows made readable in *scratch*, and tell *progress* of it."""
    progress(0, 0, f"reading from {request.source.get('type', 'an unnamed source')}")
    loaded = importer.read(request, scratch, _stopping(progress, stop))
    for notice in loaded.notices:
        progress(0, 0, notice)
    return loaded


def _stopping(progress: Progress, stop: Cancellation) -> Progress:
    """*progress* that ends the reading of rows as soon as somebody asked to stop: an importer tells it of every page."""

    def told(done: int, total: int, event: str = "") -> None:
        if stop.event.is_set():
            raise Stopped
        progress(done, total, event)

    return told


def readable(loaded: LoadedRows, scratch: duckdb.DuckDBPyConnection) -> Rows:
    """The rows in *scratch*, where they were read.

    Whole numbers of more than 64 bits are text: no table holds them, and on the way they are rounded.
    """
    rows = Rows(scratch, quoted(loaded.relation))
    return rows.as_text([name for name, type_ in rows.types().items() if type_ in _WIDE])


def arrived(rows: Rows, schema: list[list[str]], loaded: LoadedRows, out: Mapping[str, Any], stored_at: int) -> Arrived:
    """What is to become of *rows*. out: that part of the load's configuration."""
    mode = str(out.get("mode", "append"))
    return Arrived(
        rows=rows,
        count=rows.count(),
        schema=schema,
        mode=mode,
        # What a row is known by: what the load says, else what its source does.
        key=[str(name) for name in out["key"]] if mode == "upsert" else loaded.key,
        whole=loaded.whole,
        time_column=str(out.get("time_column") or ""),
        stored_at=stored_at,
    )


def named(arrived: Arrived, table: Table) -> Arrived:
    """The rows with the names that *table* declares for them.

    Raises:
        TdrError: they are another table's, or have no time where one is named.
    """
    names = dotted_names.declared_names(arrived.rows.types(), table.declared)
    arrived = replace(
        arrived,
        rows=arrived.rows.renamed(names),
        time_column=names.get(arrived.time_column, arrived.time_column),
        key=[names.get(name, name) for name in arrived.key],
    )
    there = arrived.rows.types()
    if arrived.count or list(there) != [TIME]:  # an answer without rows has no names, either
        row_fit.refuse_strangers(list(there), table)
    if arrived.count:  # a source without rows may have no columns either
        row_times.check(arrived.time_column, there, table.declared)
    return arrived


def fitting(arrived: Arrived, table: Table, tables: Tables) -> Table:
    """*table* with types that hold the rows.

    Raises:
        TdrError: they do not fit; names rows and columns.
    """
    table = widening.widened(arrived.rows, tables.held(table), table)
    if (misfit_found := row_fit.misfit(arrived.rows, table)) is not None:
        raise misfit_found
    return table


def stored(arrived: Arrived, table: Table, tables: Tables, before_commit: BeforeCommit = nothing) -> Table | None:
    """*table* with the rows in it, for the catalog; None where there is nothing to tell it.

    before_commit: called in the transaction that adds or changes rows; rows that take the place of others are the table's
        only when the catalog is told.

    Raises:
        TdrError: a row has no key, or all rows would go without a word.
        ConversionException: a row does not fit; quotes its value.
    """
    time_column, now = arrived.time_column, arrived.stored_at
    if arrived.whole and not arrived.count and arrived.mode != "replace" and tables.held(table) is not None:
        tables.refuse_emptying(table)
    is_exchange = arrived.whole and not arrived.key and arrived.count
    if is_exchange or arrived.mode == "replace" or (arrived.mode == "replace_on_new_data" and arrived.count):
        return tables.exchanged(arrived.rows, table, time_column=time_column, now=now)
    if not arrived.count:
        return None
    if arrived.key:
        whole = arrived.whole
        return tables.merged(
            arrived.rows, table, arrived.key, time_column=time_column, now=now, before_commit=before_commit, whole=whole
        )
    return tables.added(arrived.rows, table, time_column=time_column, now=now, before_commit=before_commit)
