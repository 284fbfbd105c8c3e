"""What a job does: a query, the export of a kept result, or a bulk load."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.ports.clock import Clock
from reconciler.ports.exports import Exporter, Importer
from reconciler.service.catalog import Catalog
from reconciler.service.connections import Connections
from reconciler.service.jobs import Jobs
from reconciler.service.ports import Sealer
from reconciler.service.results import Results
from reconciler.service.runner import Running
from reconciler.service.warehouse import Warehouse

if TYPE_CHECKING:
    from reconciler.service.loading import Loading
    from reconciler.service.querying import Querying


class Executor:
    """Carries out jobs. What it needs of SQL and rows is imported with the first job that needs it."""

    def __init__(
        self,
        jobs: Jobs,
        catalog: Catalog,
        connections: Connections,
        results: Results,
        warehouse: Warehouse,
        sealer: Sealer,
        clock: Clock,
        exporter: Exporter,
        importer: Importer,
    ) -> None:
        """Report to *jobs*; the rest is what queries and loads work with."""
        self._jobs = jobs
        self._catalog = catalog
        self._connections = connections
        self._results = results
        self._warehouse = warehouse
        self._sealer = sealer
        self._clock = clock
        self._exporter = exporter
        self._importer = importer

    def __call__(self, running: Running) -> None:
        """Carry out one job and close it; raises when it fails."""
        row = self._jobs.row(running.job_id)
        if row["type"] == "bulkload":
            self._loading().run(row, running)
        elif row["type"] == "export":
            self._querying().export_kept(row, running)
        else:
            self._querying().run(row, running)

    def _querying(self) -> Querying:
        from reconciler.service.querying import Querying  # noqa: PLC0415 - brings sqlglot and duckdb

        return Querying(
            self._jobs, self._catalog, self._connections, self._results, self._warehouse, self._sealer, self._exporter
        )

    def _loading(self) -> Loading:
        from reconciler.service.loading import Loading  # noqa: PLC0415 - brings duckdb

        return Loading(
            self._jobs, self._catalog, self._connections, self._warehouse, self._sealer, self._clock, self._importer
        )
