"""Exports of queries to files, in the words of the embedded service, which alone reaches them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.diagnostics import Diagnostic
from reconciler.model.address import Address
from reconciler.model.connections import FilesConnection
from reconciler.model.exports import QueryExport
from reconciler.model.files import FileWriting
from reconciler.model.row_activations import FileActivationSpec
from reconciler.ports.listing import Directory
from reconciler.ports.provider import Context
from reconciler.providers.treasure_data.references import CannotSay, Tree, nothing_else

_OWN = frozenset({"type", "connection_id", "path"})


def is_file_export(settings: Mapping[str, Any]) -> bool:
    """Whether the settings of an export are those of one to a file, with a connection or without."""
    return "path" in settings and settings.keys() <= _OWN and settings.get("type", "files") == "files"


def export_of(spec: FileActivationSpec) -> QueryExport:
    """The export that an activation wants."""
    if spec.to.connection is None:
        return QueryExport(type="files", settings={"path": spec.to.path})
    return QueryExport(connection=spec.to.connection, settings={"path": spec.to.path})


def problems(address: Address, spec: FileActivationSpec, context: Context, *, runs_here: bool) -> Iterator[Diagnostic]:
    """Against a connection that holds no files, and a vendor that cannot reach them.

    runs_here: whether the embedded service exports.
    """
    if not runs_here:
        yield Diagnostic(
            "files-not-reachable",
            "Treasure Data cannot write files of this project",
            subject=str(address),
            path="/spec/to/path",
            hint="use it in an environment whose `treasure_data.endpoint` is embedded",
        )
    yield from holds_files(address, spec.to.connection, context)


def holds_files(address: Address, connection: str | None, context: Context) -> Iterator[Diagnostic]:
    """Against a *connection* of `spec.to` that holds no files."""
    used = context.resources.get(Address("connection", connection or ""))
    if used is not None and not isinstance(used.spec, FilesConnection):
        yield Diagnostic(
            "connection-type",
            f"{used.address} holds no files",
            subject=str(address),
            path="/spec/to/connection",
            hint="name a connection of type files, or leave it out for a file below the project's folder",
        )


def declared(export: Mapping[str, Any], directory: Directory) -> Tree:
    """Which file an activation's rows go to.

    Raises:
        CannotSay: its connection is declared by no document.
    """
    nothing_else(export, set(_OWN), "its export has settings")
    to: Tree = {"path": export["path"]}
    if "connection_id" in export:
        connection = directory.name_of("connection", str(export["connection_id"]))
        if connection is None:
            raise CannotSay(f"its rows go through connection {export['connection_id']}, which no document declares")
        to["connection"] = connection
    adds = "{job_id}" in str(export["path"])
    return {"to": to, **({"write": FileWriting.APPEND.value} if adds else {})}
