"""Runs of workflow projects. A run is named ``PROJECT/WORKFLOW/ATTEMPT`` by their ids; nothing else has two slashes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, cast

from reconciler.apis.treasure_data_workflows import Workflows
from reconciler.errors import Conflict, Permanent
from reconciler.model.address import Address
from reconciler.ports.clock import Clock
from reconciler.ports.provider import Job, JobStatus
from reconciler.providers.treasure_data import wire
from reconciler.providers.treasure_data.wire import Raw

_STATUSES: Final = {
    "blocked": JobStatus.QUEUED,
    "queued": JobStatus.QUEUED,
    "success": JobStatus.SUCCESS,
    "error": JobStatus.ERROR,
    "killed": JobStatus.KILLED,
}
_LOG_TAIL: Final = 4_000
"""Characters of a log that are kept: what went wrong stands at its end."""
_FILES: Final = 20
"""Logs of tasks that are fetched, the last ones: each is a request."""


def is_run(job_id: str) -> bool:
    """Whether *job_id* names a run of a workflow."""
    return job_id.count("/") == 2


def run(api: Workflows, clock: Clock, address: Address, project_id: str, domain_key: str) -> str:
    """Start the project's workflow as of now and return the run's name. The attempt is called *domain_key*, and made once.

    Raises:
        Permanent: the project has no workflow, or several of which none is called like it.
    """
    workflow_id = _workflow(api, address, project_id)
    started_at = datetime.fromtimestamp(int(clock.now()), UTC).isoformat()
    try:
        attempt = api.start_attempt(workflow_id, started_at, domain_key)
    except Conflict:
        # The answer to a request that arrived was lost, and the vendor refuses its repetition.
        attempt = next(
            (one for one in _last_attempts(api, project_id) if one.get("retryAttemptName") == domain_key), {}
        )
        if not attempt:
            raise
    return f"{project_id}/{workflow_id}/{wire.text(attempt['id'])}"


def job(api: Workflows, name: str) -> Job:
    """A run; of one that is over also its log."""
    attempt_id = name.rpartition("/")[2]
    raw = api.attempt(attempt_id)
    found = _job(name, raw)
    return found if not found.status.is_finished else _job(name, raw, _log(api, attempt_id))


def jobs(api: Workflows, project_id: str, limit: int) -> list[Job]:
    """The newest *limit* runs of all workflows of a project, newest first, without their logs; of one session the last."""
    found = []
    for session in api.sessions(project_id, limit):
        attempt = cast("Raw", session.get("lastAttempt") or {})
        workflow = cast("Raw", session.get("workflow") or {})
        found.append(_job(f"{project_id}/{wire.text(workflow.get('id'))}/{wire.text(attempt.get('id'))}", attempt))
    return sorted(found, key=lambda one: (one.created_at or 0, len(one.job_id), one.job_id), reverse=True)


def last_job(api: Workflows, project_id: str) -> Job | None:
    """The newest run with its log, or None when there was none."""
    newest = next(iter(jobs(api, project_id, 1)), None)
    return None if newest is None else job(api, newest.job_id)


def _workflow(api: Workflows, address: Address, project_id: str) -> str:
    """The id of the workflow that is meant by its project: its only one, or the one that is called like it."""
    listed = {wire.text(raw.get("name")): raw for raw in api.workflows(project_id)}
    project = next((cast("Raw", raw["project"]) for raw in listed.values() if isinstance(raw.get("project"), dict)), {})
    names = sorted(listed)
    meant = names[0] if len(names) == 1 else wire.text(project.get("name"))
    if meant not in listed:
        told = f"several workflows: {', '.join(names)}" if names else "no workflow"
        raise Permanent(
            f"{address} has {told}; which one to run is not said",
            hint=f"call the one that is meant {meant}.dig, or give it a project of its own"
            if names
            else "a workflow is a .dig file in the project's own folder",
        )
    return wire.text(listed[meant]["id"])


def _last_attempts(api: Workflows, project_id: str) -> list[Raw]:
    return [cast("Raw", one["lastAttempt"]) for one in api.sessions(project_id, 100) if one.get("lastAttempt")]


def _job(name: str, raw: Raw, log: str = "") -> Job:
    created, ended = (wire.unix_seconds(raw.get(field)) for field in ("createdAt", "finishedAt"))
    return Job(name, _status(raw), log=log, created_at=created, ended_at=ended)


def _status(raw: Raw) -> JobStatus:
    """Where an attempt stands; lists tell whether it is done and went well instead of a word."""
    told = wire.text(raw.get("status"))
    if told or raw.get("done") is not True:
        return _STATUSES.get(told, JobStatus.RUNNING)
    if raw.get("success") is True:
        return JobStatus.SUCCESS
    return JobStatus.KILLED if raw.get("cancelRequested") is True else JobStatus.ERROR


def _log(api: Workflows, attempt_id: str) -> str:
    """What tasks said, and why those that failed did."""
    parts = []
    for file in api.log_files(attempt_id)[-_FILES:]:
        said = api.log(attempt_id, wire.text(file["fileName"])).strip()
        if said:
            parts.append(f"{wire.text(file.get('taskName'))}: {said}")
    for task in api.tasks(attempt_id):
        error = task.get("error")
        why = wire.text(error.get("message")) if isinstance(error, Mapping) else ""
        if why and not any(why in part for part in parts):
            parts.append(f"{wire.text(task.get('fullName'))}: {api.cleaned(why)}")
    return "\n".join(parts)[-_LOG_TAIL:]
