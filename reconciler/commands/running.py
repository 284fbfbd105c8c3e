"""`tdr run ADDRESS`: a run now, watched to its end. `tdr retry ADDRESS`: the newest one finished; `tdr logs ADDRESS`: looked at."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from reconciler.commands.answer import FAILED, OK, Answer
from reconciler.commands.interruption import Interruption
from reconciler.engine.following import follow
from reconciler.engine.pauses import WATCHED_AT_MOST_S
from reconciler.errors import TdrError
from reconciler.model.address import Address
from reconciler.model.record import Record
from reconciler.ports.clock import rfc3339
from reconciler.ports.provider import RUNNABLE, GivesRows, Job, JobStatus, Retries, Runs
from reconciler.reports import rows
from reconciler.reports.documents import Document, heading
from reconciler.wiring import Runtime

FIRST_ROWS = 20
"""How many rows of a query are shown."""


def run(
    runtime: Runtime,
    address: Address,
    watch: Callable[[Job], None],
    interruption: Interruption,
    first_rows: int = FIRST_ROWS,
) -> Answer:
    """Start the query, activation, import, build, workflow or dataflow at *address* and follow it; of a query show the first rows.

    Raises:
        TdrError: it is not applied, its bootstrap is not finished, or it is nothing that runs.
        Transient: it was not finished within `job_timeout`.
    """
    record, provider = _runnable(runtime, address)
    if record.phase:
        raise TdrError(f"{address}: its first run is not finished", hint="run `tdr apply`; it goes on from there")
    interruption.begin()
    job_id = provider.run(address, record.remote_id, f"tdr-run-{uuid.uuid4().hex}")
    return _followed(runtime, address, provider, job_id, watch, interruption, first_rows)


def _followed(
    runtime: Runtime,
    address: Address,
    provider: Runs,
    job_id: str,
    watch: Callable[[Job], None],
    interruption: Interruption,
    first_rows: int,
) -> Answer:
    job = follow(
        runtime.world,
        f"{address}: job {job_id}",
        lambda: provider.job(job_id),
        watch=watch,
        stop=interruption.event,
        hint=f"it goes on: look with `tdr logs {address}`; `job_timeout` of the environment says how long it is followed",
        at_most_s=WATCHED_AT_MOST_S,
    )
    document = _document(runtime, address, provider, job, first_rows)
    if not job.status.is_finished:
        return Answer(document, interruption.exit_code(is_anything_done=True))
    return Answer(document, OK if job.status is JobStatus.SUCCESS else FAILED)


def retry(runtime: Runtime, address: Address, watch: Callable[[Job], None], interruption: Interruption) -> Answer:
    """Finish the newest run of *address*: from where it broke off, or with the rows once more that were refused; follow it.

    Raises:
        TdrError: it has not run, still runs, or is nothing whose runs can be finished.
        Transient: it was not finished within `job_timeout`.
    """
    record, provider = _runnable(runtime, address)
    last = provider.last_job(address, record.remote_id)
    if last is None:
        raise TdrError(f"{address} has not run yet", hint=f"run it with `tdr run {address}`")
    if not last.status.is_finished:
        raise TdrError(f"{address} still runs, as job {last.job_id}", hint=f"look at it with `tdr logs {address}`")
    if not isinstance(provider, Retries) or address.kind not in {"activation", "query"}:
        raise TdrError(f"a run of {address} cannot be finished", hint=f"run it anew with `tdr run {address}`")
    interruption.begin()
    provider.retry(last.job_id)
    return _followed(runtime, address, provider, last.job_id, watch, interruption, 0)


def logs(runtime: Runtime, address: Address, first_rows: int = FIRST_ROWS) -> Answer:
    """The newest run of *address*, how it ended and its log. Starts nothing.

    Raises:
        TdrError: it is not applied, has not run yet, or is nothing that runs.
    """
    record, provider = _runnable(runtime, address)
    job = provider.last_job(address, record.remote_id)
    if job is None:
        raise TdrError(f"{address} has not run yet", hint=f"run it with `tdr run {address}`")
    return Answer(_document(runtime, address, provider, job, first_rows))


def _runnable(runtime: Runtime, address: Address) -> tuple[Record, Runs]:
    record = runtime.store.read().state.records.get(address)
    if record is None:
        hint = "run `tdr apply` first" if address in runtime.world.resources else "see `tdr state list`"
        raise TdrError(f"{address} is not applied", hint=hint)
    provider = runtime.world.providers[address.kind]
    if not isinstance(provider, Runs) or address.kind not in RUNNABLE:
        raise TdrError(
            f"{address} is nothing that runs",
            hint="name a query, an activation, an import, a parent segment, a workflow or a dataflow",
        )
    return record, provider


def _document(runtime: Runtime, address: Address, provider: Runs, job: Job, first_rows: int) -> Document:
    document = heading("job", rfc3339(runtime.clock.now())) | {
        "address": str(address),
        "job_id": job.job_id,
        "status": job.status.value,
        "rows": job.done,
        "log": job.log,
    }
    # What an activation sends is members; its rows are shown nowhere, and the vendor keeps none.
    shows_rows = address.kind == "query" and job.status is JobStatus.SUCCESS and first_rows > 0
    given = provider.rows(job.job_id, first_rows) if shows_rows and isinstance(provider, GivesRows) else None
    return document if given is None else document | rows.masked(given.columns, given.values)
