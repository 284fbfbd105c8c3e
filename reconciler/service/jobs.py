"""Jobs as rows: what was asked, how far it is, what came of it. Nothing here runs anything."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from reconciler.errors import StateError
from reconciler.ports.clock import Clock
from reconciler.service.answers import ApiError, not_found, utc_text
from reconciler.service.leases import Leases
from reconciler.service.masking import without_values
from reconciler.service.storage import Storage

FINISHED: Final = ("success", "error", "killed")
RETRY: Final = "retry"
"""Type of a job that finishes the export of another one."""
CONFIGURATION: Final = "configuration"
"""The fault of a job that fails ever again until somebody changes what it is told to do."""
ENDED_WITH_ITS_PROCESS: Final = "the process ended while it ran"


@dataclass(frozen=True, slots=True)
class NewJob:
    """What a job is made of. *target* and *config* are sealed; *result* is the target as it may be read."""

    type: str
    database: str | None
    query: str = field(default="", repr=False)
    target: bytes | None = field(default=None, repr=False)
    result: str = ""
    priority: int = 0
    retry_limit: int = 0
    domain_key: str | None = None
    scheduled_time: int | None = None
    query_id: int | None = None
    load_id: int | None = None
    table: str | None = None
    config: bytes | None = field(default=None, repr=False)
    exported_job: int | None = None
    syndication_id: int | None = None


class Jobs:
    """Jobs of the account. A job belongs to the runner that issued it; jobs of dead runners are reported as errors."""

    def __init__(self, storage: Storage, leases: Leases, clock: Clock) -> None:
        """Keep them in *storage*; *leases* tells who is alive."""
        self._storage = storage
        self._leases = leases
        self._clock = clock
        self._unwritten: dict[int, tuple[str, str]] = {}
        self._settle: Callable[[sqlite3.Row], bool] = lambda _row: False

    def issue(self, job: NewJob) -> int:
        """Queue a job for this process and return its id.

        Raises:
            ApiError: 409 with the first job's id when the domain key was used before.
        """
        now = self._clock.now()
        values: dict[str, Any] = {
            "type": job.type,
            "database": job.database,
            "query": job.query,
            "target": job.target,
            "result": job.result,
            "priority": job.priority,
            "retry_limit": job.retry_limit,
            "domain_key": job.domain_key or None,
            "scheduled_time": job.scheduled_time,
            "query_id": job.query_id,
            "load_id": job.load_id,
            '"table"': job.table,
            "config": job.config,
            "exported_job": job.exported_job,
            "syndication_id": job.syndication_id,
            "status": "queued",
            "runner": self._leases.token,
            "created_at": now,
            "updated_at": now,
        }
        columns, marks = ", ".join(values), ", ".join("?" * len(values))
        try:
            cursor = self._storage.run(f"INSERT INTO jobs ({columns}) VALUES ({marks})", *values.values())
        except sqlite3.IntegrityError as error:
            first = self._storage.one("SELECT id FROM jobs WHERE domain_key = ?", job.domain_key)
            if first is None:
                raise
            raise ApiError(
                409, f"Domain key {job.domain_key!r} has already been used", {"conflicts_with": str(first["id"])}
            ) from error
        return int(cursor.lastrowid or 0)

    def row(self, job_id: str | int) -> sqlite3.Row:
        """The stored row of a job that must exist."""
        self.fail_orphans()
        text = str(job_id)
        row = self._storage.one("SELECT * FROM jobs WHERE id = ?", int(text)) if text.isdecimal() else None
        if row is None:
            raise not_found("Job", account_id=1, id=text)
        return row

    def of_domain_key(self, domain_key: str) -> sqlite3.Row:
        """The stored row of the job issued with *domain_key*."""
        self.fail_orphans()
        row = self._storage.one("SELECT * FROM jobs WHERE domain_key = ?", domain_key)
        if row is None:
            raise not_found("Job", domain_key=domain_key)
        return row

    def newest(self, start: int, end: int, status: str) -> list[dict[str, Any]]:
        """Jobs from position *start* to *end*, both included, newest first; all when *status* is empty."""
        self.fail_orphans()
        rows = self._storage.all(
            "SELECT * FROM jobs WHERE ? IN ('', status) ORDER BY id DESC LIMIT ? OFFSET ?",
            *(status, max(end - start + 1, 0), start),
        )
        return [shown(row) for row in rows]

    def of_query(self, query_id: int) -> list[sqlite3.Row]:
        """The runs of a saved query, newest first."""
        self.fail_orphans()
        return self._storage.all("SELECT * FROM jobs WHERE query_id = ? ORDER BY id DESC", query_id)

    def of_load(self, load_id: int) -> list[sqlite3.Row]:
        """The runs of a bulk load, newest first."""
        self.fail_orphans()
        return self._storage.all("SELECT * FROM jobs WHERE load_id = ? ORDER BY id DESC", load_id)

    def of_syndication(self, syndication_id: int) -> list[sqlite3.Row]:
        """The runs of an activation of a segment, newest first."""
        self.fail_orphans()
        return self._storage.all("SELECT * FROM jobs WHERE syndication_id = ? ORDER BY id DESC", syndication_id)

    def failed_in_a_row(self, syndication_id: int, since: float, count: int) -> bool:
        """Whether the newest *count* runs of an activation since a time all failed for their settings."""
        rows = self._storage.all(
            "SELECT j.fault AS own, x.fault AS of_export FROM jobs j LEFT JOIN jobs x ON x.id = j.export_job"
            " WHERE j.syndication_id = ? AND j.created_at >= ? ORDER BY j.id DESC LIMIT ?",
            *(syndication_id, since, count),
        )
        return len(rows) == count and all(CONFIGURATION in {row["own"], row["of_export"]} for row in rows)

    def prepare(self, job_id: int, database: str, query: str, target: bytes) -> None:
        """Say what a job that was made without it does."""
        sql = 'UPDATE jobs SET "database" = ?, query = ?, target = ? WHERE id = ?'
        self._storage.run(sql, database, query, target, job_id)

    def start(self, job_id: int) -> bool:
        """Mark a queued job as running; False when it was killed before."""
        now = self._clock.now()
        sql = "UPDATE jobs SET status = 'running', start_at = ?, updated_at = ? WHERE id = ? AND status = 'queued'"
        return self._storage.run(sql, now, now, job_id).rowcount == 1

    def finish(self, job_id: int, status: str, message: str = "", fault: str = "") -> None:
        """Close a job once; a job that is closed stays as it is. *message* goes to its log and, for errors, to stderr."""
        now = self._clock.now()
        text = without_values(message)
        line = f"{utc_text(now)}: {text}\n" if text else ""
        self._storage.run(
            "UPDATE jobs SET status = ?, start_at = coalesce(start_at, ?), end_at = ?, updated_at = ?,"
            " cmdout = cmdout || ?, stderr = ?, fault = ? WHERE id = ? AND status IN ('queued', 'running')",
            *(status, now, now, now, line, text if status == "error" and text else None, fault, job_id),
        )

    def finish_somehow(self, job_id: int, status: str, message: str, fault: str = "") -> None:
        """Close a job even when nothing can be written: then whoever asks for it is told so, and the next look tries again."""
        try:
            self.finish(job_id, status, message, fault)
        except sqlite3.Error:
            self._unwritten[job_id] = (status, message)

    def _write_what_was_not(self) -> None:
        """Write ends of jobs that could not be written.

        Raises:
            StateError: that still is so.
        """
        for job_id, (status, message) in list(self._unwritten.items()):
            try:
                self.finish(job_id, status, message)
            except sqlite3.Error as error:
                raise StateError(
                    f"how job {job_id} ended cannot be written: {error}",
                    hint="free space or check permissions of the state folder, then run again",
                ) from error
            self._unwritten.pop(job_id, None)

    def log(self, job_id: int, line: str) -> None:
        """Add a line to the job's log."""
        now = self._clock.now()
        text = f"{utc_text(now)}: {without_values(line)}\n"
        self._storage.run("UPDATE jobs SET cmdout = cmdout || ?, updated_at = ? WHERE id = ?", text, now, job_id)

    def progress(self, job_id: int, done: int, total: int) -> None:
        """Say how many of how many rows are done."""
        self._storage.run("UPDATE jobs SET done = ?, total = ? WHERE id = ?", done, total, job_id)

    def set_result(self, job_id: int, schema: list[list[str]], num_records: int, size: int | None) -> None:
        """Say what the query gave: its columns, how many rows, and how many bytes are kept of it."""
        self._storage.run(
            "UPDATE jobs SET result_schema = ?, num_records = ?, result_size = ? WHERE id = ?",
            *(orjson.dumps(schema).decode(), num_records, size, job_id),
        )

    def succeed_with_export(self, query_job: int, export: NewJob, message: str) -> int:
        """Close a query's job and queue the export of its rows, so that nobody sees the one without the other."""
        with self._storage.transaction():
            export_job = self.issue(export)
            self.link_export(query_job, export_job)
            self.finish(query_job, "success", message)
        return export_job

    def now(self) -> int:
        """Unix seconds by the clock of the service."""
        return int(self._clock.now())

    def link_export(self, query_job: int, export_job: int) -> None:
        """Make the query's job point to the job that exports its rows."""
        self._storage.run("UPDATE jobs SET export_job = ? WHERE id = ?", export_job, query_job)

    def ask_to_kill(self, job_id: int) -> str:
        """Mark a job for killing and return the status it had; a queued one is killed at once."""
        row = self.row(job_id)
        self._storage.run("UPDATE jobs SET kill = 1 WHERE id = ? AND status IN ('queued', 'running')", job_id)
        if row["status"] == "queued":
            self.finish(job_id, "killed", "killed before it ran")
        return str(row["status"])

    def asked_to_kill(self) -> list[int]:
        """This process's unfinished jobs that somebody, perhaps in another process, wants dead."""
        sql = "SELECT id FROM jobs WHERE runner = ? AND kill = 1 AND status IN ('queued', 'running')"
        return [row["id"] for row in self._storage.all(sql, self._leases.token)]

    def fail_orphans(self) -> None:
        """Report jobs left unfinished by processes that are gone, and those of this one that could not be reported."""
        self._write_what_was_not()
        runners = self._storage.all(
            "SELECT DISTINCT runner FROM jobs WHERE status IN ('queued', 'running') AND runner <> ?", self._leases.token
        )
        for row in runners:
            if not self._leases.is_alive(row["runner"]):
                self._fail_all_of(row["runner"])

    def settle_with(self, settle: Callable[[sqlite3.Row], bool]) -> None:
        """Ask *settle* of a running job whose process is gone whether it had done its work, and has closed it now."""
        self._settle = settle

    def _fail_all_of(self, runner: str) -> None:
        for row in self._storage.all("SELECT * FROM jobs WHERE runner = ? AND status IN ('queued', 'running')", runner):
            if row["status"] == "queued" or not self._settle(row):
                self.finish(row["id"], "error", ENDED_WITH_ITS_PROCESS)


def shown(row: sqlite3.Row) -> dict[str, Any]:
    """A job as the vendor lists it, without debug."""
    return {
        **status(row),
        "type": row["type"],
        "database": row["database"],
        "query": row["query"],
        "priority": row["priority"],
        "retry_limit": row["retry_limit"],
        "result": row["result"],
        "user_name": "Local User",
        "hive_result_schema": row["result_schema"] or "",
        "url": "",
        "organization": None,
        "linked_result_export_job_id": None if row["export_job"] is None else str(row["export_job"]),
        "result_export_target_job_id": None if row["exported_job"] is None else str(row["exported_job"]),
        "tdr_progress": {"done": row["done"], "total": row["total"]},
    }


def shown_in_full(row: sqlite3.Row) -> dict[str, Any]:
    """A job as the vendor shows it, with its log."""
    return {**shown(row), "debug": {"cmdout": row["cmdout"], "stderr": row["stderr"]}}


def status(row: sqlite3.Row) -> dict[str, Any]:
    """The short form that clients poll."""
    ran = row["start_at"] is not None and row["end_at"] is not None
    return {
        "job_id": str(row["id"]),
        "status": row["status"],
        "created_at": utc_text(row["created_at"]),
        "start_at": utc_text(row["start_at"]),
        "end_at": utc_text(row["end_at"]),
        "updated_at": utc_text(row["updated_at"]),
        "duration": int(row["end_at"] - row["start_at"]) if ran else None,
        "cpu_time": None,
        "num_records": row["num_records"],
        "result_size": row["result_size"],
    }


def scheduled(row: sqlite3.Row) -> dict[str, Any]:
    """A job in the history of what it ran for."""
    return {**shown(row), "scheduled_at": utc_text(row["scheduled_time"])}
