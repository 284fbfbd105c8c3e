"""Carries out one attempt: its tasks one after the other, groups in groups, until one fails or somebody asks to stop."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import orjson

from reconciler.logs import logger
from reconciler.service.jobs import FINISHED, Jobs, NewJob
from reconciler.service.runner import Cancellation, Stopped
from reconciler.service.workflows import operators
from reconciler.service.workflows.attempts import Attempts
from reconciler.service.workflows.definitions import operator, subtasks
from reconciler.service.workflows.operators import Operators, Order, TaskFailed
from reconciler.service.workflows.projects import Projects
from reconciler.service.workflows.schedules import WorkflowSchedules
from reconciler.service.workflows.variables import filled, merged, session_variables

_LOOK_EVERY_S: Final = 0.05
_LOOKS_BETWEEN_ASKING: Final = 10
_MOST_RETRIES: Final = 100


@dataclass
class CarryingOut:
    """One attempt at work."""

    row: sqlite3.Row
    cancellation: Cancellation
    attempts: Attempts
    projects: Projects
    schedules: WorkflowSchedules
    operators: Operators
    jobs: Jobs
    issue: Callable[[NewJob], int]
    kill_job: Callable[[int], object]
    stored: dict[str, Any] = field(default_factory=dict)
    done_before: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)

    def run(self) -> None:
        """Carry it out and close it. Whatever happens, it is closed."""
        attempt_id = self.row["id"]
        try:
            if not self.attempts.begin(attempt_id):
                self.attempts.finish(attempt_id, "killed")
                return
            self.files = self.projects.files_of(self.row["revision_id"])
            if self.row["resumes"] is not None:
                self.done_before = self.attempts.succeeded(self.row["resumes"])
            root = _Task(self, f"+{self.row['name']}", orjson.loads(self.row["config"]), None)
            is_good = root.run(self._variables())
            self.attempts.finish(attempt_id, "success" if is_good else "error")
        except Stopped:
            self.attempts.finish(attempt_id, "killed")
        except (Exception, SystemExit):
            self.attempts.finish(attempt_id, "error")
            raise

    def _variables(self) -> dict[str, Any]:
        row = self.row
        neighbours = self.schedules.neighbours(row["project_id"], row["name"], row["session_time"])
        return merged(
            orjson.loads(row["params"]),
            {
                "timezone": row["timezone"],
                "project_id": str(row["project_id"]),
                "project_name": row["project"],
                "workflow_name": row["name"],
                "session_id": str(row["session_id"]),
                "session_uuid": row["uuid"],
                "attempt_id": str(row["id"]),
                **session_variables(row["session_time"], row["timezone"], neighbours),
            },
        )

    def check(self) -> None:
        """Raise Stopped when somebody asked for it."""
        if self.cancellation.event.is_set() or self.attempts.is_asked_to_end(self.row["id"]):
            raise Stopped

    def run_job(self, log: Callable[[str], None], job: NewJob) -> int:
        """Make a job and wait for it and its export; killed with the attempt."""
        self.check()
        job_id = self.issue(job)
        log(f"job {job_id} started")
        export_id = self._wait(job_id)["export_job"]
        if export_id is not None:
            log(f"job {export_id} exports its rows")
            self._wait(export_id)
        return job_id

    def _wait(self, job_id: int) -> sqlite3.Row:
        looks = 0
        while True:
            row = self.jobs.row(job_id)
            if row["status"] in FINISHED:
                break
            looks += 1
            if self.cancellation.event.wait(_LOOK_EVERY_S) or (
                looks % _LOOKS_BETWEEN_ASKING == 0 and self.attempts.is_asked_to_end(self.row["id"])
            ):
                self.kill_job(job_id)
                raise Stopped
        if row["status"] != "success":
            raise TaskFailed(f"job {job_id} ended with {row['status']}: {row['stderr'] or 'see its log'}")
        return row


class _Task:
    """One task of an attempt, with those in it."""

    def __init__(self, attempt: CarryingOut, name: str, config: Mapping[str, Any], parent_id: int | None) -> None:
        self._attempt = attempt
        self.name = name
        self._config = config
        self._operator = operator(config)
        self._id = attempt.attempts.add_task(
            attempt.row["id"], parent_id, name, config, is_group=self._operator is None
        )
        self._inner = [_Task(attempt, name + key, inner, self._id) for key, inner in subtasks(config)]

    def run(self, variables: Mapping[str, Any]) -> bool:
        """Whether it succeeded; what failed is written down with its reason.

        Raises:
            Stopped: somebody asked for it.
        """
        done = self._attempt.done_before.get(self.name)
        if done is not None:
            self._attempt.stored = merged(self._attempt.stored, done)
            self._attempt.attempts.mark(self._id, "success", store_params=done)
            return True
        tries = 1 + self._retries()
        for number in range(tries):
            self._attempt.check()
            error = self._try(variables)
            if error is None:
                return self._after("_check", variables)
            if number + 1 < tries:
                self._attempt.attempts.log(self._id, f"tried again after: {error}")
        told = {**variables, "error": {"message": error}}
        self._after("_error", told)
        state = "group_error" if self._operator is None else "error"
        self._attempt.attempts.mark(self._id, state, error={"message": error})
        return False

    def _retries(self) -> int:
        wanted = self._config.get("_retry", 0)
        limit = wanted.get("limit", 0) if isinstance(wanted, Mapping) else wanted
        return min(limit, _MOST_RETRIES) if isinstance(limit, int) and limit > 0 else 0

    def _try(self, variables: Mapping[str, Any]) -> str | None:
        """Why it failed, or None."""
        attempts = self._attempt.attempts
        attempts.mark(self._id, "running")
        try:
            known = merged(variables, self._attempt.stored, {"task_name": self.name})
            exported = filled(self._config.get("_export") or {}, known)
            attempts.mark(self._id, "running", export_params=exported)
            known = merged(known, exported)
            if self._operator is None:
                failed = next((one.name for one in self._inner if not one.run(merged(variables, exported))), None)
                if failed is not None:
                    return f"{failed} failed"
                attempts.mark(self._id, "success")
                return None
            stored = self._carry_out(self._operator, known)
        except operators.REASONS as error:
            reason = operators.explained(error)
            attempts.log(self._id, reason)
            logger(__name__).warning("task failed", attempt_id=self._attempt.row["id"], error=type(error).__name__)
            return reason
        self._attempt.stored = merged(self._attempt.stored, stored)
        attempts.mark(self._id, "success", store_params=stored)
        return None

    def _carry_out(self, name: str, known: Mapping[str, Any]) -> dict[str, Any]:
        attempt = self._attempt
        log = partial(attempt.attempts.log, self._id)
        written = {key: value for key, value in self._config.items() if not key.startswith("_")}
        value = self._config.get("_command", written.pop(f"{name}>", None))
        secret_options: dict[str, Any] = {
            key: written.pop(key) for key in ("result_settings", "result_url", "config") if key in written
        }
        order = Order(
            value=filled(value, known),
            options={**filled(written, known), **secret_options},
            variables=known,
            files=attempt.files,
            secrets=partial(attempt.projects.secret, attempt.row["project_id"]),
            session_time=attempt.row["session_time"],
            log=log,
        )
        return attempt.operators.carry_out(name, order, partial(attempt.run_job, log))

    def _after(self, key: str, variables: Mapping[str, Any]) -> bool:
        """Run the tasks in ``_check`` or ``_error``; whether they succeeded, which is so when there are none."""
        config = self._config.get(key)
        if not isinstance(config, Mapping):
            return True
        return _Task(self._attempt, f"{self.name}^{key.removeprefix('_')}", config, self._id).run(variables)
