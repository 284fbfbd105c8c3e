"""The service behind the addresses: everything it is made of, and how a job gets from a request to a thread."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from reconciler.ports.clock import Clock
from reconciler.ports.exports import Exporter
from reconciler.service.bulk_imports import BulkImports
from reconciler.service.catalog import Catalog
from reconciler.service.cdp.platform import Platform
from reconciler.service.connections import Connections
from reconciler.service.jobs import Jobs, NewJob
from reconciler.service.leases import Leases
from reconciler.service.loads import Loads
from reconciler.service.ports import Sealer
from reconciler.service.previews import Previews
from reconciler.service.queries import Queries
from reconciler.service.results import Results
from reconciler.service.runner import Runner
from reconciler.service.scheduler import Scheduler
from reconciler.service.schedules import Schedules
from reconciler.service.storage import Storage
from reconciler.service.uploads import Uploads
from reconciler.service.warehouse import Warehouse
from reconciler.service.workflows.platform import Workflows


@dataclass(frozen=True, slots=True)
class Service:
    """An open service. Made by `opening.open_service`; close it, or use it as a context.

    Leaving the context waits for running jobs; leaving it by an exception asks them to stop first.
    """

    api_keys: Collection[str] = field(repr=False)
    clock: Clock
    sealer: Sealer
    storage: Storage
    leases: Leases
    catalog: Catalog
    connections: Connections
    schedules: Schedules
    queries: Queries
    loads: Loads
    cdp: Platform
    workflows: Workflows
    jobs: Jobs
    results: Results
    warehouse: Warehouse
    runner: Runner
    uploads: Uploads
    bulk_imports: BulkImports
    previews: Previews
    exporter: Exporter
    scheduler: Scheduler

    def issue(self, job: NewJob) -> int:
        """Queue a job and hand it to a thread; its id. ApiError 409 for a used domain key."""
        return submit(self.jobs, self.runner)(job)

    def tick(self, now: float | None = None) -> int:
        """Fire what is due at *now* (Unix seconds; None: by the clock) and return how many jobs and attempts that made."""
        return self.scheduler.tick(self.clock.now() if now is None else now)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until no attempt and no job of this process is unfinished; False when that takes longer."""
        return self.workflows.wait(timeout_s) and self.runner.wait(timeout_s)

    def close(self, *, cancel: bool = False) -> None:
        """Stop scheduling, wait for jobs (or with *cancel* ask them to stop), and close every file."""
        self.scheduler.stop()
        self.workflows.close(cancel=cancel)
        self.runner.close(cancel=cancel)
        self.warehouse.close()
        self.storage.close()
        self.leases.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close(cancel=kind is not None)


def submit(jobs: Jobs, runner: Runner) -> Callable[[NewJob], int]:
    """What queues a job and hands it to a thread."""

    def issue(job: NewJob) -> int:
        job_id = jobs.issue(job)
        runner.submit(job_id, job.priority)
        return job_id

    return issue
