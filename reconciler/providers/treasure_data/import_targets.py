"""The `to` of an import: a table, or a file of the embedded service; and what can be said against it before anything is sent.

Treasure Data's loads go to tables, so what says otherwise is the embedded service's own: `out: {type: files, path: …}`, with
`td_authentication_id` for the connection that the path is below, and neither database nor table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from reconciler.diagnostics import Diagnostic, Severity, did_you_mean
from reconciler.model.address import Address
from reconciler.model.advertising import AdvertisingSource, UpdateMethod
from reconciler.model.imports import ImportFile, ImportSpec, ImportTarget, Placement
from reconciler.model.json import Json
from reconciler.model.kinds import Column, TableSpec
from reconciler.ports.listing import Directory
from reconciler.ports.provider import Context
from reconciler.providers.treasure_data import import_sources, wire
from reconciler.providers.treasure_data.family import Attributes, Leaf
from reconciler.providers.treasure_data.file_exports import holds_files
from reconciler.providers.treasure_data.names import database_name, table_name
from reconciler.providers.treasure_data.references import CannotSay, Tree, database_ref, table_ref

_TIMES: Final = frozenset({"int", "long", "timestamp"})
"""Types of a column that may become the time of a row. Source: documentation of bulk loads, for long and timestamp."""
_FILES: Final = "files"
"""The type of an `out` that is a file."""
_ALWAYS: Final = "time"
"""Every table has it, so that no document declares it."""


def place(to: ImportTarget | ImportFile, context: Context, connection_id: Callable[[str], str]) -> dict[str, Leaf]:
    """The attributes that say where the rows go.

    connection_id: the id of a connection that no document declares, by its name.
    """
    if isinstance(to, ImportTarget):
        return {"database": database_name(to.database, context), "table": table_name(to.table, context)}
    # None is said, too: with another's connection the rows would go to another file.
    named = "" if to.connection is None else import_sources.connection_ref(to.connection, context, connection_id)
    return {"file": to.file, "file_connection": named}


def file_sent(attributes: Attributes) -> dict[str, Json]:
    """What `out` says of a file; nothing of a table, which stands beside the configuration."""
    if not attributes.get("file"):
        return {}
    connection = str(attributes.get("file_connection") or "")
    named: dict[str, Json] = {import_sources.CONNECTION: int(connection)} if connection.isdecimal() else {}
    return {"type": _FILES, "path": str(attributes["file"]), **named}


def file_told(out: Mapping[str, Any]) -> tuple[str, str]:
    """The file that `out` tells of, and the id of the connection that it is below; "" where there is none."""
    if out.get("type") != _FILES:
        return "", ""
    return wire.text(out.get("path")), wire.text(out.get(import_sources.CONNECTION))


def said(attributes: Mapping[str, Any], directory: Directory) -> Tree:
    """What a document says of the place.

    Raises:
        CannotSay: its connection is declared by no document, or a name is taken.
    """
    if not attributes.get("file"):
        database, table = attributes["database"], attributes["table"]
        return {"database": database_ref(database, directory), "table": table_ref(database, table, directory)}
    to: Tree = {"file": attributes["file"]}
    if attributes["file_connection"]:
        name = directory.name_of("connection", attributes["file_connection"])
        if name is None:
            raise CannotSay(f"its file is below connection {attributes['file_connection']}, which no document declares")
        to["connection"] = name
    return to


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
            f"with `mode: replace` a run that finds no rows empties the {'file' if isinstance(spec.to, ImportFile) else 'table'}",
            Severity.NOTICE,
            subject=str(address),
            path="/spec/to/mode",
            hint="`mode: replace_on_new_data` keeps the old rows then",
        )
    if isinstance(spec.to, ImportFile):
        yield from _file_problems(address, spec, spec.to, context, runs_here=runs_here)
        return
    table = context.resources.get(Address("table", spec.to.table))
    if table is not None and isinstance(table.spec, TableSpec) and table.spec.columns:
        yield from _column_problems(address, spec.to, table.spec.columns)


def _file_problems(
    address: Address, spec: ImportSpec, to: ImportFile, context: Context, *, runs_here: bool
) -> Iterator[Diagnostic]:
    """Against a vendor that cannot reach files, a connection that holds none, and changes that are told in a second table."""
    if not runs_here:
        yield Diagnostic(
            "files-not-reachable",
            "Treasure Data's own imports fill tables, and cannot write files of this project or of a bucket",
            subject=str(address),
            path="/spec/to/file",
            hint="name `database` and `table`, or run the import in an environment whose `treasure_data.endpoint` is embedded",
        )
    yield from holds_files(address, to.connection, context)
    source = spec.from_
    if isinstance(source, AdvertisingSource) and source.method == UpdateMethod.CHANGE_TABLES:
        yield Diagnostic(
            "changes-need-tables",
            f"`method: {source.method}` tells changes in a table beside the one that is filled, and a file has none beside it",
            subject=str(address),
            path="/spec/to/file",
            hint="name `database` and `table`, or use `method: cdc`",
        )


def _column_problems(address: Address, to: ImportTarget, columns: tuple[Column, ...]) -> Iterator[Diagnostic]:
    types = {column.name: column.type for column in columns}
    time_column = to.time_column
    if time_column is not None:
        wanted = time_column.lower()
        if types.get(wanted, "long") not in _TIMES:
            fitting = ", ".join(f"`{name}`" for name, type_ in types.items() if type_ in _TIMES)
            yield Diagnostic(
                "time-column-type",
                f"`time_column` is `{time_column}`, a {types[wanted]} in table/{to.table}: the time of a row is a long or "
                "a timestamp",
                subject=str(address),
                path="/spec/to/time_column",
                hint=f"of these types are {fitting}"
                if fitting
                else "none of its columns is; leave `time_column` out for the time of the import",
            )
        yield from _strangers(address, "/spec/to/time_column", to, types, time_column)
    for number, name in enumerate(to.key or ()):
        yield from _strangers(address, f"/spec/to/key/{number}", to, types, name)


def _strangers(address: Address, path: str, to: ImportTarget, types: dict[str, str], name: str) -> Iterator[Diagnostic]:
    """Rows may have more columns than the table declares, so that one which is not among them is suspicious at most."""
    if name.lower() not in types and name.lower() != _ALWAYS:
        yield Diagnostic(
            "column-not-declared",
            f"table/{to.table} declares no column `{name}`, so the rows have to bring it",
            Severity.WARNING if (near := did_you_mean(name, types)) else Severity.NOTICE,
            subject=str(address),
            path=path,
            hint=near,
        )
