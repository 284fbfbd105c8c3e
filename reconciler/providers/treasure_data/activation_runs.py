"""Runs of activations of segments. A run is named ``PARENT/SEGMENT/ACTIVATION/ATTEMPT``; nothing else has three slashes."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from reconciler.apis.treasure_data_cdp import CustomerData
from reconciler.errors import NotFound
from reconciler.ports.provider import FIRST_RUN_KEY, Job, JobStatus
from reconciler.providers.treasure_data import wire
from reconciler.providers.treasure_data.builds import execution_status
from reconciler.providers.treasure_data.wire import Raw

_FAILED: Final = frozenset({JobStatus.ERROR, JobStatus.KILLED})


def is_run(job_id: str) -> bool:
    """Whether *job_id* names a run of an activation of a segment."""
    return job_id.count("/") == 3


def run(api: CustomerData, remote_id: str, domain_key: str) -> str:
    """Start a run and return its name.

    The vendor takes no key, so before a first run, which must not happen twice, is started, it is looked for: one that
    began after the activation was last written, and did not fail, is it.

    Raises:
        OutcomeUnknown: no answer came; it may be running.
    """
    parent, segment, own = remote_id.split("/")
    if domain_key.startswith(FIRST_RUN_KEY):
        raw = api.syndication(parent, segment, own)
        since = wire.unix_seconds(raw.get("updatedAt")) or 0
        for one in _of(remote_id, raw):
            if (one.created_at or 0) >= since and one.status not in _FAILED:
                return one.job_id
    return f"{remote_id}/{api.run_syndication(segment, own)}"


def job(api: CustomerData, name: str) -> Job:
    """A run.

    Raises:
        NotFound: the vendor does not list it.
    """
    remote_id = name.rpartition("/")[0]
    for one in jobs(api, remote_id):
        if one.job_id == name:
            return one
    raise NotFound(f"the run {name!r} is not listed", hint="look for it in the console of Treasure Data")


def jobs(api: CustomerData, remote_id: str) -> list[Job]:
    """All runs that the vendor lists, newest first."""
    return _of(remote_id, api.syndication(*remote_id.split("/")))


def _of(remote_id: str, raw: Raw) -> list[Job]:
    told = raw.get("executions")
    runs = [_job(remote_id, one) for one in told if isinstance(one, dict)] if isinstance(told, list) else []
    return sorted(runs, key=lambda one: (one.created_at or 0, len(one.job_id), one.job_id), reverse=True)


def _job(remote_id: str, raw: Raw) -> Job:
    created, ended = (wire.unix_seconds(raw.get(name)) for name in ("createdAt", "finishedAt"))
    name = f"{remote_id}/{wire.text(raw.get('workflowAttemptId'))}"
    found = Job(name, execution_status(raw), created_at=created, ended_at=ended)
    # Told by the embedded service only: the vendor keeps logs with its workflows.
    progress = raw.get("tdr_progress")
    if isinstance(progress, dict):
        done, total = wire.whole(progress.get("done")), wire.whole(progress.get("total"))
        found = replace(found, done=done, total=total, log=wire.text(raw.get("tdr_log")))
    return found
