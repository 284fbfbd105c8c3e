"""`tdr run ADDRESS`: one run now, watched to its end."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable

from reconciler.commands.answer import FAILED, INTERRUPTED, OK, Answer
from reconciler.errors import TdrError
from reconciler.model.address import Address
from reconciler.ports.clock import rfc3339
from reconciler.ports.provider import RUNNABLE, Job, JobStatus, Runs
from reconciler.reports.documents import heading
from reconciler.wiring import Runtime

POLL_S = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Waiting times between two looks; the last one repeats."""


def run(runtime: Runtime, address: Address, watch: Callable[[Job], None], stop: threading.Event) -> Answer:
    """Start the query, activation or import at *address* and follow it.

    Raises:
        TdrError: it is not applied, its bootstrap is not finished, or it is nothing that runs.
    """
    record = runtime.store.read().state.records.get(address)
    if record is None:
        hint = "run `tdr apply` first" if address in runtime.world.resources else "see `tdr state list`"
        raise TdrError(f"{address} is not applied", hint=hint)
    if record.phase:
        raise TdrError(f"{address}: its first run is not finished", hint="run `tdr apply`; it goes on from there")
    provider = runtime.world.providers[address.kind]
    if not isinstance(provider, Runs) or address.kind not in RUNNABLE:
        raise TdrError(f"{address} is nothing that runs", hint="name a query, an activation or an import")
    job_id = provider.run(address, record.remote_id, f"tdr-run-{uuid.uuid4().hex}")
    looked = 0
    while True:
        job = provider.job(job_id)
        watch(job)
        if job.status.is_finished or stop.is_set():
            break
        runtime.clock.sleep(POLL_S[min(looked, len(POLL_S) - 1)])
        looked += 1
    document = heading("job", rfc3339(runtime.clock.now())) | {
        "address": str(address),
        "job_id": job.job_id,
        "status": job.status.value,
        "rows": job.done,
        "log": job.log,
    }
    if not job.status.is_finished:
        return Answer(document, INTERRUPTED)
    return Answer(document, OK if job.status is JobStatus.SUCCESS else FAILED)
