"""Sessions, attempts and tasks as rows: what was asked, how far it is, what came of it. Nothing here runs anything."""

from __future__ import annotations

import gzip
import sqlite3
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from reconciler.ports.clock import Clock
from reconciler.service.answers import iso_text, utc_text
from reconciler.service.leases import Leases
from reconciler.service.masking import without_values
from reconciler.service.storage import Storage
from reconciler.service.workflows.refusals import WorkflowError, bad, unknown
from reconciler.service.workflows.schedules import zoned

ENDED_WITH_ITS_PROCESS: Final = "the process ended while it ran"
_ATTEMPTS: Final = """SELECT a.*, s.project_id, s.name, s.uuid, s.session_time, p.name AS project, w.timezone, w.config,
  w.revision_id FROM workflow_attempts a JOIN workflow_sessions s ON s.id = a.session_id JOIN projects p ON p.id = s.project_id
  JOIN workflows w ON w.id = a.workflow_id"""


@dataclass(frozen=True, slots=True)
class NewAttempt:
    """What an attempt is made of. resumes: the attempt whose finished tasks are not done again."""

    workflow: Mapping[str, Any]
    session_time: int
    retry_name: str = ""
    params: Mapping[str, Any] | None = None
    resumes: int | None = None


class Attempts:
    """Attempts of the account. One belongs to the process that started it; those of dead processes are reported as failed."""

    def __init__(self, storage: Storage, leases: Leases, clock: Clock) -> None:
        """Keep them in *storage*; *leases* tells who is alive."""
        self._storage = storage
        self._leases = leases
        self._clock = clock

    def start(self, new: NewAttempt) -> int:
        """Make an attempt for this process to run, and its session when that is new; its id.

        Raises:
            ApiError: 409 with the attempt as body when the session has one of that retry name.
        """
        workflow, now = new.workflow, int(self._clock.now())
        key = (workflow["project_id"], workflow["name"], new.session_time)
        with self._storage.transaction():
            self._storage.run(
                "INSERT OR IGNORE INTO workflow_sessions (project_id, name, session_time, uuid) VALUES (?, ?, ?, ?)",
                *(*key, str(uuid.uuid4())),
            )
            session = self._storage.one(
                "SELECT id FROM workflow_sessions WHERE project_id = ? AND name = ? AND session_time = ?", *key
            )
            session_id = None if session is None else session["id"]
            count = self._storage.one("SELECT count(*) FROM workflow_attempts WHERE session_id = ?", session_id)
            try:
                cursor = self._storage.run(
                    "INSERT INTO workflow_attempts (session_id, workflow_id, number, retry_name, params, resumes, status,"
                    " process, created_at) VALUES (?, ?, ?, ?, ?, ?, 'queued', ?, ?)",
                    *(session_id, workflow["id"], count[0] + 1 if count else 1, new.retry_name),
                    *(orjson.dumps(new.params or {}).decode(), new.resumes, self._leases.token, now),
                )
            except sqlite3.IntegrityError as error:
                there = self._storage.one(
                    f"{_ATTEMPTS} WHERE a.session_id = ? AND a.retry_name = ?", session_id, new.retry_name
                )
                told = None if there is None else shown(there)
                raise WorkflowError(409, "an attempt of this session has that name already", told) from error
        return int(cursor.lastrowid or 0)

    def row(self, attempt_id: object) -> sqlite3.Row:
        """The stored row of an attempt that must exist, with its session and workflow."""
        self.fail_orphans()
        text = str(attempt_id)
        row = self._storage.one(f"{_ATTEMPTS} WHERE a.id = ?", int(text)) if text.isdecimal() else None
        if row is None:
            raise unknown("Attempt", text)
        return row

    def all(self, project: str, workflow: str, last_id: int, count: int, *, retried: bool) -> list[dict[str, Any]]:
        """Attempts, newest first, from below *last_id* when that is not 0. Unless *retried*, the last one of each session."""
        self.fail_orphans()
        only_last = (
            "" if retried else " AND a.id = (SELECT max(id) FROM workflow_attempts WHERE session_id = a.session_id)"
        )
        rows = self._storage.all(
            f"{_ATTEMPTS} WHERE ? IN ('', p.name) AND ? IN ('', s.name) AND (? = 0 OR a.id < ?){only_last}"
            " ORDER BY a.id DESC LIMIT ?",
            *(project, workflow, last_id, last_id, count),
        )
        return [shown(row) for row in rows]

    def of_session(self, session_id: int) -> list[sqlite3.Row]:
        """The attempts of a session, newest first."""
        self.fail_orphans()
        return self._storage.all(f"{_ATTEMPTS} WHERE a.session_id = ? ORDER BY a.id DESC", session_id)

    def sessions(self, project_id: int | None, workflow: str, last_id: int, count: int) -> list[dict[str, Any]]:
        """Sessions, newest first, from below *last_id* when that is not 0; of one project and workflow when given."""
        rows = self._storage.all(
            "SELECT id FROM workflow_sessions WHERE (? IS NULL OR project_id = ?) AND ? IN ('', name) AND (? = 0 OR id < ?)"
            " ORDER BY id DESC LIMIT ?",
            *(project_id, project_id, workflow, last_id, last_id, count),
        )
        return [self.session(str(row["id"])) for row in rows]

    def session(self, session_id: str) -> dict[str, Any]:
        """One session with its last attempt."""
        attempts = self.of_session(int(session_id)) if session_id.isdecimal() else []
        if not attempts:
            raise unknown("Session", session_id)
        last = attempts[0]
        told = shown(last)
        kept = (
            "id",
            "retryAttemptName",
            "done",
            "success",
            "cancelRequested",
            "params",
            "createdAt",
            "finishedAt",
            "status",
        )
        return {
            "id": session_id,
            "project": told["project"],
            "workflow": told["workflow"],
            "sessionUuid": last["uuid"],
            "sessionTime": told["sessionTime"],
            "lastAttempt": {key: told[key] for key in kept},
        }

    def is_unfinished(self, project_id: int, workflow: str) -> bool:
        """Whether an attempt of a workflow is still to end."""
        self.fail_orphans()
        sql = f"{_ATTEMPTS} WHERE s.project_id = ? AND s.name = ? AND a.finished_at IS NULL"
        return self._storage.one(sql, project_id, workflow) is not None

    def begin(self, attempt_id: int) -> bool:
        """Mark a queued attempt as running; False when it was killed before, or is gone."""
        sql = "UPDATE workflow_attempts SET status = 'running' WHERE id = ? AND status = 'queued' AND kill = 0"
        return self._storage.run(sql, attempt_id).rowcount == 1

    def finish(self, attempt_id: int, status: str) -> None:
        """Close an attempt once, with all tasks that nobody will do any more."""
        now = int(self._clock.now())
        with self._storage.transaction():
            self._storage.run(
                "UPDATE workflow_attempts SET status = ?, finished_at = ? WHERE id = ? AND finished_at IS NULL",
                *(status, now, attempt_id),
            )
            self._storage.run(
                "UPDATE workflow_tasks SET state = 'canceled', updated_at = ? WHERE attempt_id = ?"
                " AND state IN ('blocked', 'running')",
                *(now, attempt_id),
            )

    def ask_to_kill(self, attempt_id: int) -> None:
        """Mark an attempt for killing; a queued one ends at once."""
        row = self.row(attempt_id)
        sql = "UPDATE workflow_attempts SET kill = 1, status = 'canceling' WHERE id = ? AND finished_at IS NULL"
        self._storage.run(sql, attempt_id)
        if row["status"] == "queued":
            self.finish(attempt_id, "killed")

    def is_asked_to_end(self, attempt_id: int) -> bool:
        """Whether somebody, perhaps in another process, wants it dead, or has removed it."""
        row = self._storage.one("SELECT kill FROM workflow_attempts WHERE id = ?", attempt_id)
        return row is None or bool(row["kill"])

    def add_task(
        self, attempt_id: int, parent_id: int | None, name: str, config: Mapping[str, Any], *, is_group: bool
    ) -> int:
        """A task that waits for its turn; its id."""
        cursor = self._storage.run(
            "INSERT INTO workflow_tasks (attempt_id, parent_id, name, config, is_group, state, updated_at)"
            " VALUES (?, ?, ?, ?, ?, 'blocked', ?)",
            *(attempt_id, parent_id, name, orjson.dumps(config).decode(), int(is_group), int(self._clock.now())),
        )
        return int(cursor.lastrowid or 0)

    def mark(self, task_id: int, state: str, **columns: object) -> None:
        """Say where a task stands, and what else is known of it."""
        now = int(self._clock.now())
        values = {
            key: value if isinstance(value, str) else orjson.dumps(value).decode() for key, value in columns.items()
        }
        assignments = "".join(f", {key} = ?" for key in values)
        self._storage.run(
            f"UPDATE workflow_tasks SET state = ?, updated_at = ?, started_at = coalesce(started_at, ?){assignments} WHERE id = ?",
            *(state, now, now, *values.values(), task_id),
        )

    def log(self, task_id: int, line: str) -> None:
        """Add a line to a task's log."""
        text = f"{utc_text(self._clock.now())}: {without_values(line)}\n"
        self._storage.run("UPDATE workflow_tasks SET log = log || ? WHERE id = ?", text, task_id)

    def succeeded(self, attempt_id: int) -> dict[str, dict[str, Any]]:
        """Full name -> what it stored, of the tasks of an attempt that succeeded."""
        rows = self._storage.all(
            "SELECT name, store_params FROM workflow_tasks WHERE attempt_id = ? AND state = 'success' AND is_group = 0",
            attempt_id,
        )
        return {row["name"]: orjson.loads(row["store_params"]) for row in rows}

    def tasks(self, attempt_id: int) -> list[dict[str, Any]]:
        """The tasks of an attempt as the vendor shows them, in their order."""
        rows = self._storage.all("SELECT * FROM workflow_tasks WHERE attempt_id = ? ORDER BY id", attempt_id)
        before: dict[int | None, int] = {}
        told = []
        for row in rows:
            told.append(_shown_task(row, before.get(row["parent_id"])))
            before[row["parent_id"]] = row["id"]
        return told

    def logs(self, attempt_id: int, task: str) -> list[dict[str, Any]]:
        """The log files of an attempt: one a task that said something."""
        rows = self._storage.all(
            "SELECT * FROM workflow_tasks WHERE attempt_id = ? AND log <> '' AND ? IN ('', name) ORDER BY id",
            attempt_id,
            task,
        )
        return [
            {
                "fileName": _log_name(row),
                "fileSize": len(_packed(row["log"])),
                "taskName": row["name"],
                "fileTime": iso_text(row["started_at"]),
                "agentId": "embedded",
                "direct": None,
            }
            for row in rows
        ]

    def log_file(self, attempt_id: int, name: str) -> bytes:
        """A log file, packed by gzip as the vendor's are."""
        for row in self._storage.all("SELECT * FROM workflow_tasks WHERE attempt_id = ? AND log <> ''", attempt_id):
            if _log_name(row) == name:
                return _packed(row["log"])
        raise unknown("Log file", name)

    def fail_orphans(self) -> None:
        """Report attempts left unfinished by processes that are gone."""
        rows = self._storage.all(
            "SELECT id, process FROM workflow_attempts WHERE finished_at IS NULL AND process <> ?", self._leases.token
        )
        dead = {process: not self._leases.is_alive(process) for process in {row["process"] for row in rows}}
        for row in rows:
            if not dead[row["process"]]:
                continue
            for task in self._storage.all(
                "SELECT id FROM workflow_tasks WHERE attempt_id = ? AND state = 'running'", row["id"]
            ):
                self.mark(task["id"], "error", error={"message": ENDED_WITH_ITS_PROCESS})
            self.finish(row["id"], "error")


def shown(row: sqlite3.Row) -> dict[str, Any]:
    """An attempt as the vendor shows it."""
    return {
        "id": str(row["id"]),
        "index": row["number"],
        "project": {"id": str(row["project_id"]), "name": row["project"]},
        "workflow": {"name": row["name"], "id": str(row["workflow_id"])},
        "sessionId": str(row["session_id"]),
        "sessionUuid": row["uuid"],
        "sessionTime": zoned(row["session_time"], row["timezone"]),
        "retryAttemptName": row["retry_name"] or None,
        "done": row["finished_at"] is not None,
        "success": row["status"] == "success",
        "cancelRequested": bool(row["kill"]),
        "params": orjson.loads(row["params"]),
        "createdAt": iso_text(row["created_at"]),
        "finishedAt": iso_text(row["finished_at"]),
        "status": row["status"],
    }


def checked_params(value: object) -> Mapping[str, Any]:
    """The parameters of a request."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise bad("'params' is no object")
    return value


def _shown_task(row: sqlite3.Row, before: int | None) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "fullName": row["name"],
        "parentId": None if row["parent_id"] is None else str(row["parent_id"]),
        "config": orjson.loads(row["config"]),
        "upstreams": [] if before is None else [str(before)],
        "state": row["state"],
        "isGroup": bool(row["is_group"]),
        "cancelRequested": False,
        "exportParams": orjson.loads(row["export_params"]),
        "storeParams": orjson.loads(row["store_params"]),
        "stateParams": {},
        "error": orjson.loads(row["error"]) if row["error"] else {},
        "updatedAt": iso_text(row["updated_at"]),
        "retryAt": None,
        "startedAt": iso_text(row["started_at"]),
    }


def _log_name(row: sqlite3.Row) -> str:
    return f"{row['name']}@{row['id']}.log.gz"


def _packed(text: str) -> bytes:
    return gzip.compress(text.encode(), mtime=0)
