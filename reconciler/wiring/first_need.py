"""Exporters and importers that are made when the first job asks for them: a plan asks for none, and each imports a lot."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Generic, TypeVar

from reconciler.errors import Permanent
from reconciler.ports.exports import Exporter, ExportReport, ExportRequest, Progress, RetriesExports
from reconciler.ports.loads import Importer, LoadedRows, LoadRequest

if TYPE_CHECKING:
    import duckdb

T = TypeVar("T")


class _Made(Generic[T]):
    """What *make* makes, once, whichever thread asks first."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: list[T] = []
        self._lock = threading.Lock()

    def __call__(self) -> T:
        with self._lock:
            if not self._made:
                self._made.append(self._make())
            return self._made[0]


class ExporterOnNeed:
    """An `Exporter` that *make* makes."""

    def __init__(self, make: Callable[[], Exporter]) -> None:
        self._made = _Made(make)

    def check(self, request: ExportRequest, columns: Mapping[str, str]) -> None:
        """Refuse what the exporter refuses."""
        self._made().check(request, columns)

    def export(
        self,
        request: ExportRequest,
        connection: duckdb.DuckDBPyConnection,
        progress: Progress,
        cancelled: threading.Event,
    ) -> ExportReport:
        """Send the rows of the view ``rows``."""
        return self._made().export(request, connection, progress, cancelled)

    def retry(self, request: ExportRequest, progress: Progress, cancelled: threading.Event) -> ExportReport:
        """Finish an earlier run."""
        made = self._made()
        if not isinstance(made, RetriesExports):
            raise Permanent("exports cannot be finished here", hint="run the query anew")
        return made.retry(request, progress, cancelled)


class ImporterOnNeed:
    """An `Importer` that *make* makes."""

    def __init__(self, make: Callable[[], Importer]) -> None:
        self._made = _Made(make)

    def read(self, request: LoadRequest, connection: duckdb.DuckDBPyConnection, progress: Progress) -> LoadedRows:
        """Make the rows readable."""
        return self._made().read(request, connection, progress)
