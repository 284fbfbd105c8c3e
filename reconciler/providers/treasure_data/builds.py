"""Builds of parent segments: the runs that find who is in them. A build is named ``PARENT/ATTEMPT``; nothing else has one slash."""

from __future__ import annotations

from typing import Final

from reconciler.apis.treasure_data_cdp import CustomerData
from reconciler.errors import NotFound
from reconciler.ports.provider import Job, JobStatus
from reconciler.providers.treasure_data import wire
from reconciler.providers.treasure_data.wire import Raw

_STATUSES: Final = {
    "queued": JobStatus.QUEUED,
    "blocked": JobStatus.QUEUED,
    "success": JobStatus.SUCCESS,
    "error": JobStatus.ERROR,
    "canceled": JobStatus.KILLED,
}


def is_build(job_id: str) -> bool:
    """Whether *job_id* names a build."""
    return job_id.count("/") == 1


def run(api: CustomerData, parent_id: str) -> str:
    """Start a build and return its name.

    Raises:
        OutcomeUnknown: no answer came; it may be running. Building twice only takes longer.
    """
    return _name(parent_id, api.run_parent(parent_id))


def job(api: CustomerData, name: str) -> Job:
    """A build; of one that succeeded, how many people there are now.

    Raises:
        NotFound: the vendor does not list it.
    """
    parent_id = name.partition("/")[0]
    for build in jobs(api, parent_id):
        if build.job_id == name:
            if build.status is not JobStatus.SUCCESS:
                return build
            count = wire.whole(api.parent(parent_id).get("population"))
            return Job(name, build.status, count, count, "", build.created_at, None, build.ended_at)
    raise NotFound(f"the build {name!r} is not listed", hint="look for it in the console of Treasure Data")


def jobs(api: CustomerData, parent_id: str) -> list[Job]:
    """All builds that the vendor lists, newest first."""
    return sorted(
        (_job(parent_id, raw) for raw in api.executions(parent_id)),
        key=lambda build: build.created_at or 0,
        reverse=True,
    )


def _job(parent_id: str, raw: Raw) -> Job:
    created, ended = (wire.unix_seconds(raw.get(name)) for name in ("createdAt", "finishedAt"))
    return Job(_name(parent_id, raw), execution_status(raw), created_at=created, ended_at=ended)


def execution_status(raw: Raw) -> JobStatus:
    """Where an execution stands. A word that is not known is something the vendor does before it is finished."""
    return _STATUSES.get(wire.text(raw.get("status")), JobStatus.RUNNING)


def _name(parent_id: str, execution: Raw) -> str:
    return f"{parent_id}/{wire.text(execution.get('workflowAttemptId'))}"
