"""Hands a bulk load to the source that knows its type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from reconciler.diagnostics import did_you_mean
from reconciler.errors import Permanent
from reconciler.ports.exports import Progress
from reconciler.ports.loads import Importer, LoadedRows, LoadRequest

if TYPE_CHECKING:
    import duckdb


class TypedImporter:
    """An `Importer` made of one importer a type, given by the wiring."""

    def __init__(self, sources: Mapping[str, Importer]) -> None:
        self._sources = dict(sources)

    def read(self, request: LoadRequest, connection: duckdb.DuckDBPyConnection, progress: Progress) -> LoadedRows:
        """Make the rows readable in *connection*.

        Raises:
            Permanent: no such type, or the source cannot be read.
        """
        kind = request.source.get("type")
        source = self._sources.get(kind) if isinstance(kind, str) else None
        if source is None:
            known = ", ".join(f"`{name}`" for name in sorted(self._sources)) or "none"
            hint = (did_you_mean(kind, self._sources) if isinstance(kind, str) else "") or f"known types: {known}"
            raise Permanent(f"there is no source of type {kind!r} here", hint=hint)
        return source.read(request, connection, progress)
