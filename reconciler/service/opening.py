"""Puts a `Service` together from a folder and what the caller brings."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler import spills
from reconciler.ports.clock import Clock
from reconciler.ports.exports import Exporter
from reconciler.ports.loads import Importer
from reconciler.ports.table_files import OpenTableFile
from reconciler.service.bulk_imports import PERFORM, BulkImports
from reconciler.service.catalog import Catalog
from reconciler.service.cdp.platform import open_platform
from reconciler.service.cdp.syndications import Syndications
from reconciler.service.connections import Connections
from reconciler.service.execution import Executor
from reconciler.service.jobs import Jobs
from reconciler.service.leases import Leases
from reconciler.service.loads import Loads
from reconciler.service.partial_deletes import PARTIAL_DELETE, delete_part
from reconciler.service.ports import CronPort, Sealer, SparkPlace
from reconciler.service.previews import Previews
from reconciler.service.queries import Queries
from reconciler.service.results import Results
from reconciler.service.runner import Runner
from reconciler.service.scheduler import Scheduler
from reconciler.service.schedules import Schedules
from reconciler.service.service import Service, submit
from reconciler.service.storage import Storage
from reconciler.service.uploads import Uploads
from reconciler.service.warehouse import Warehouse
from reconciler.service.workflows.operators import Operators
from reconciler.service.workflows.platform import Workflows

if TYPE_CHECKING:
    from reconciler.service.cdp.activating import Statement
    from reconciler.service.engines import Engine
    from reconciler.service.loading import Loading
    from reconciler.service.querying import Querying

DAY_S = 86_400.0
USERS = (1,)
"""Ids of the users there are, see `routes.account`."""


def open_service(
    root: Path,
    *,
    exporter: Exporter,
    importer: Importer,
    sealer: Sealer,
    clock: Clock,
    api_keys: Collection[str],
    cron: CronPort,
    result_retention_s: float = DAY_S,
    memory_mb: int = 1_000,
    patience_s: float = 10.0,
    spill_root: Path | None = None,
    spark: SparkPlace | None = None,
    open_table_file: OpenTableFile | None = None,
) -> Service:
    """Open the service whose files are below *root*, made when absent; several processes may do so at once.

    api_keys: accepted keys as clients write them, such as ``1/0123abcd``.
    result_retention_s: how long results of queries without export are kept.
    memory_mb: what an engine of rows may take, in megabytes. patience_s: how long to wait for data another process holds.
    spill_root: where rows that do not fit into memory go meanwhile; the system's temporary folder when None.
    spark: the cluster that runs the queries; DuckDB does when None.
    open_table_file: opens Parquet files that loads fill; None where there are none.

    Raises:
        StateError: the metadata is damaged or newer than this version.
    """
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    storage = Storage(root / "service.sqlite", clock.now())
    leases = Leases(root / "leases")
    catalog = Catalog(storage, clock)
    connections = Connections(storage, sealer, clock)
    schedules = Schedules(cron, clock)
    jobs = Jobs(storage, leases, clock)
    results = Results(root / "results", sealer, clock, result_retention_s)
    warehouse = Warehouse(
        root / "data.duckdb",
        catalog.physical_in_use,
        memory_mb=memory_mb,
        patience_s=patience_s,
        spill_root=spill_root,
    )

    def engine() -> Engine:
        if spark is not None:
            from reconciler.service.spark import SparkEngine  # noqa: PLC0415 - as below

            return SparkEngine(spark, catalog, warehouse)
        from reconciler.service.engines import DuckdbEngine  # noqa: PLC0415 - as below

        return DuckdbEngine(catalog, warehouse)

    def querying() -> Querying:
        from reconciler.service.querying import Querying  # noqa: PLC0415 - brings sqlglot and duckdb

        return Querying(jobs, catalog, connections, results, warehouse, sealer, exporter, engine())

    def loading() -> Loading:
        from reconciler.service.landing import Landing  # noqa: PLC0415 - brings duckdb
        from reconciler.service.loading import Loading  # noqa: PLC0415 - as above

        landing = Landing(jobs, connections, warehouse, clock, importer, loads, open_table_file)
        return Loading(jobs, catalog, connections, warehouse, sealer, clock, importer, loads, landing)

    uploads = Uploads(catalog, warehouse, clock)
    bulk_imports = BulkImports(storage, root / "bulk_imports", catalog, uploads, jobs, sealer, clock)
    others = {
        PERFORM: lambda row: bulk_imports.check(row["id"]),
        PARTIAL_DELETE: lambda row: delete_part(row, catalog, warehouse, jobs),
    }

    def statement(syndication_id: int) -> Statement:
        return platform.statement(syndication_id)

    runner = Runner(jobs, Executor(jobs, querying, loading, statement, others))
    syndications = Syndications(storage, connections, schedules, jobs, sealer, clock, USERS)
    platform = open_platform(
        storage, catalog, warehouse, sealer, jobs.issue, runner.submit, clock, schedules, syndications
    )
    queries = Queries(storage, catalog, connections, schedules, sealer, clock)
    loads = Loads(storage, catalog, schedules, sealer, clock)
    workflows = Workflows(
        storage,
        leases,
        cron,
        sealer,
        clock,
        jobs,
        Operators(jobs, queries, loads, connections, sealer),
        submit(jobs, runner),
        runner.kill,
    )
    service = Service(
        api_keys=tuple(api_keys),
        clock=clock,
        sealer=sealer,
        storage=storage,
        leases=leases,
        catalog=catalog,
        connections=connections,
        schedules=schedules,
        queries=queries,
        loads=loads,
        cdp=platform,
        workflows=workflows,
        jobs=jobs,
        results=results,
        warehouse=warehouse,
        runner=runner,
        uploads=uploads,
        bulk_imports=bulk_imports,
        previews=Previews(connections, warehouse, importer),
        exporter=exporter,
        scheduler=Scheduler(storage, schedules, jobs, runner, results, clock, platform, workflows),
    )
    jobs.settle_with(lambda row: row["type"] == "bulkload" and loading().settle(row))
    leases.sweep()
    spills.sweep(spill_root)
    jobs.fail_orphans()
    workflows.attempts.fail_orphans()
    results.remove_expired()
    return service
