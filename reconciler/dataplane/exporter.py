"""Hands an export to the destination that knows its type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from reconciler.diagnostics import did_you_mean
from reconciler.errors import Permanent
from reconciler.ports.exports import Exporter, ExportReport, ExportRequest, Progress, RetriesExports

if TYPE_CHECKING:
    import threading

    import duckdb


class TypedExporter:
    """An `Exporter` made of one exporter a type, given by the wiring."""

    def __init__(self, destinations: Mapping[str, Exporter]) -> None:
        self._destinations = dict(destinations)

    def check(self, request: ExportRequest, columns: Mapping[str, str]) -> None:
        """Refuse what the destination of this type refuses.

        Raises:
            Permanent: no such type, or settings or columns that cannot work.
        """
        self._of(request).check(request, columns)

    def export(
        self,
        request: ExportRequest,
        connection: duckdb.DuckDBPyConnection,
        progress: Progress,
        cancelled: threading.Event,
    ) -> ExportReport:
        """Check settings and columns of the view ``rows``, then send its rows.

        Raises:
            ProviderError: as the destination says.
        """
        destination = self._of(request)
        destination.check(request, columns_of_rows(connection))
        return destination.export(request, connection, progress, cancelled)

    def retry(self, request: ExportRequest, progress: Progress, cancelled: threading.Event) -> ExportReport:
        """Have the destination of this type finish an earlier run.

        Raises:
            ProviderError: as the destination says. Permanent also when it keeps nothing to do so.
        """
        destination = self._of(request)
        if not isinstance(destination, RetriesExports):
            raise Permanent(f"exports of type {request.type!r} keep no rows to be sent again", hint="run it anew")
        return destination.retry(request, progress, cancelled)

    def _of(self, request: ExportRequest) -> Exporter:
        destination = self._destinations.get(request.type)
        if destination is None:
            known = ", ".join(f"`{name}`" for name in sorted(self._destinations)) or "none"
            hint = did_you_mean(request.type, self._destinations) or f"known types: {known}"
            raise Permanent(f"there is no export of type {request.type!r} here", hint=hint)
        return destination


def columns_of_rows(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Column -> SQL type of the view ``rows``, in order. Does not read a row.

    Raises:
        Permanent: the view is missing or its query does not bind. The engine's own message may quote values and is left out.
    """
    import duckdb  # noqa: PLC0415 - heavy, and only runs that move rows need it

    try:
        described = connection.execute("DESCRIBE rows").fetchall()
    except duckdb.Error as error:
        raise Permanent(f"the result cannot be described: {type(error).__name__}") from None
    return {str(name): str(kind) for name, kind, *_ in described}
