"""What can be said against the `to` of an import before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reconciler.diagnostics import Diagnostic, Severity, did_you_mean
from reconciler.model.address import Address
from reconciler.model.imports import ImportSpec, Placement
from reconciler.model.kinds import Column, TableSpec
from reconciler.ports.provider import Context

_TIMES: Final = frozenset({"int", "long", "timestamp"})
"""Types of a column that may become the time of a row. Source: documentation of bulk loads, for long and timestamp."""
_ALWAYS: Final = "time"
"""Every table has it, so that no document declares it."""


def problems(address: Address, spec: ImportSpec, context: Context, *, runs_here: bool) -> Iterator[Diagnostic]:
    """runs_here: whether the embedded service carries the import out, which alone has `upsert`."""
    if spec.to.mode is Placement.UPSERT and not runs_here:
        yield Diagnostic(
            "mode-not-known",
            "Treasure Data's own imports have no `mode: upsert`",
            subject=str(address),
            path="/spec/to/mode",
            hint="write `mode: append` and let a query keep the newest row of each key, or run the import in an environment "
            "whose `treasure_data.endpoint` is embedded",
        )
    # Of a scheduled one the policy says worse; of one that brings changes only, what is said of its source.
    brings_all = not getattr(spec.from_, "incremental", False)
    if spec.to.mode is Placement.REPLACE and spec.schedule is None and brings_all:
        yield Diagnostic(
            "replace-empties",
            "with `mode: replace` a run that finds no rows empties the table",
            Severity.NOTICE,
            subject=str(address),
            path="/spec/to/mode",
            hint="`mode: replace_on_new_data` keeps the old rows then",
        )
    table = context.resources.get(Address("table", spec.to.table))
    if table is not None and isinstance(table.spec, TableSpec) and table.spec.columns:
        yield from _column_problems(address, spec, table.spec.columns)


def _column_problems(address: Address, spec: ImportSpec, columns: tuple[Column, ...]) -> Iterator[Diagnostic]:
    types = {column.name: column.type for column in columns}
    time_column = spec.to.time_column
    if time_column is not None:
        wanted = time_column.lower()
        if types.get(wanted, "long") not in _TIMES:
            fitting = ", ".join(f"`{name}`" for name, type_ in types.items() if type_ in _TIMES)
            yield Diagnostic(
                "time-column-type",
                f"`time_column` is `{time_column}`, a {types[wanted]} in table/{spec.to.table}: the time of a row is a long or "
                "a timestamp",
                subject=str(address),
                path="/spec/to/time_column",
                hint=f"of these types are {fitting}"
                if fitting
                else "none of its columns is; leave `time_column` out for the time of the import",
            )
        yield from _strangers(address, "/spec/to/time_column", spec, types, time_column)
    for number, name in enumerate(spec.to.key or ()):
        yield from _strangers(address, f"/spec/to/key/{number}", spec, types, name)


def _strangers(address: Address, path: str, spec: ImportSpec, types: dict[str, str], name: str) -> Iterator[Diagnostic]:
    """Rows may have more columns than the table declares, so that one which is not among them is suspicious at most."""
    if name.lower() not in types and name.lower() != _ALWAYS:
        yield Diagnostic(
            "column-not-declared",
            f"table/{spec.to.table} declares no column `{name}`, so the rows have to bring it",
            Severity.WARNING if (near := did_you_mean(name, types)) else Severity.NOTICE,
            subject=str(address),
            path=path,
            hint=near,
        )
