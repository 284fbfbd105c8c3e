"""Projects with their revisions, workflows and secrets."""

from __future__ import annotations

import base64
import hashlib
import re
import sqlite3
from collections.abc import Mapping
from typing import Any, Final

import orjson

from reconciler.ports.clock import Clock
from reconciler.service.answers import iso_text
from reconciler.service.ports import Sealer
from reconciler.service.storage import Storage
from reconciler.service.workflows.definitions import Definition, definitions
from reconciler.service.workflows.refusals import WorkflowError, bad, unknown
from reconciler.service.workflows.schedules import WorkflowSchedules
from reconciler.service.workflows.timing import WorkflowCron
from reconciler.workflow.archive import ArchiveRefused, unpack

_NAME: Final = re.compile(r"[^\x00-\x1f\x7f/\\]{1,255}")
_SECRET_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,254}")
_LARGEST_SECRET: Final = 16_384
_WORKFLOWS: Final = """SELECT w.*, r.name AS revision, p.name AS project FROM workflows w
  JOIN project_revisions r ON r.id = w.revision_id JOIN projects p ON p.id = w.project_id"""
_NEWEST: Final = "(SELECT max(id) FROM project_revisions WHERE project_id = w.project_id)"


class Projects:
    """Projects of the account. The newest revision of each is the one that runs."""

    def __init__(
        self, storage: Storage, schedules: WorkflowSchedules, cron: WorkflowCron, sealer: Sealer, clock: Clock
    ) -> None:
        """Keep them in *storage*; a push sets *schedules*."""
        self._storage = storage
        self._schedules = schedules
        self._cron = cron
        self._sealer = sealer
        self._clock = clock

    def push(
        self, name: str, revision: str, archive: bytes, schedule_from: float, cleared: frozenset[str] | None
    ) -> dict[str, Any]:
        """Make a revision, and the project when there is none of that name.

        schedule_from: Unix seconds from which sessions of new schedules begin. cleared: workflows whose schedules begin anew,
        enabled; None for all.

        Raises:
            ApiError: 400 for a project that cannot be used, 409 for a revision that is there already.
        """
        if not _NAME.fullmatch(name):
            raise bad(f"'project' is no name: {name!r}")
        if not _NAME.fullmatch(revision):
            raise bad(f"'revision' is no name: {revision!r}")
        try:
            files = unpack(archive)
        except ArchiveRefused as error:
            raise bad(str(error)) from error
        made = definitions(files, self._cron)
        now = int(self._clock.now())
        with self._storage.transaction():
            self._storage.run(
                "INSERT OR IGNORE INTO projects (name, created_at, updated_at) VALUES (?, ?, ?)", name, now, now
            )
            project = self._named(name)
            try:
                cursor = self._storage.run(
                    "INSERT INTO project_revisions (project_id, name, archive, md5, created_at) VALUES (?, ?, ?, ?, ?)",
                    *(project["id"], revision, archive, _md5(archive), now),
                )
            except sqlite3.IntegrityError as error:
                raise WorkflowError(409, f"Revision already exists: {revision}") from error
            self._storage.run("UPDATE projects SET updated_at = ? WHERE id = ?", now, project["id"])
            rows = {one.name: (one, self._insert(project["id"], int(cursor.lastrowid or 0), one)) for one in made}
            self._schedules.replace(project["id"], rows, schedule_from, cleared)
        return self.get(str(project["id"]))

    def all(self, name: str, pattern: str, last_id: int, count: int) -> list[dict[str, Any]]:
        """Projects in ascending order of ids from the one after *last_id*; of one *name* when that is given."""
        rows = self._storage.all(
            "SELECT * FROM projects WHERE id > ? AND ? IN ('', name) AND instr(name, ?) > 0 ORDER BY id LIMIT ?",
            *(last_id, name, pattern, count),
        )
        return [self._shown(row) for row in rows]

    def get(self, project_id: str) -> dict[str, Any]:
        """One project as of its newest revision."""
        return self._shown(self.row(project_id))

    def delete(self, project_id: str) -> dict[str, Any]:
        """Remove a project with everything of it, its sessions included, and return what it was."""
        shown = self.get(project_id)
        with self._storage.transaction():
            # Schedules and attempts name workflows, which go with the project; so they go first.
            self._storage.run("DELETE FROM workflow_schedules WHERE project_id = ?", int(shown["id"]))
            self._storage.run("DELETE FROM workflow_sessions WHERE project_id = ?", int(shown["id"]))
            self._storage.run("DELETE FROM projects WHERE id = ?", int(shown["id"]))
        return {**shown, "deletedAt": iso_text(self._clock.now())}

    def archive(self, project_id: str, revision: str) -> bytes:
        """The archive as it was pushed; of the newest revision when *revision* is ""."""
        row = self._storage.one(
            "SELECT archive FROM project_revisions WHERE project_id = ? AND ? IN ('', name) ORDER BY id DESC",
            *(self.row(project_id)["id"], revision),
        )
        if row is None:
            raise unknown("Revision", revision)
        return bytes(row["archive"])

    def files_of(self, revision_id: int) -> dict[str, bytes]:
        """The files of the revision that an attempt runs."""
        row = self._storage.one("SELECT archive FROM project_revisions WHERE id = ?", revision_id)
        return {} if row is None else unpack(bytes(row["archive"]))

    def revisions(self, project_id: str, last_id: int) -> list[dict[str, Any]]:
        """The revisions of a project, newest first; from below *last_id* when that is not 0."""
        rows = self._storage.all(
            "SELECT * FROM project_revisions WHERE project_id = ? AND (? = 0 OR id < ?) ORDER BY id DESC LIMIT 100",
            *(self.row(project_id)["id"], last_id, last_id),
        )
        return [
            {
                "revision": row["name"],
                "createdAt": iso_text(row["created_at"]),
                "archiveType": "db",
                "archiveMd5": row["md5"],
                "userInfo": {},
            }
            for row in rows
        ]

    def workflows(self, project_id: str, name: str, revision: str) -> list[dict[str, Any]]:
        """The workflows of a project's revision ("": the newest), by name; one when *name* is given."""
        wanted = (
            _NEWEST
            if not revision
            else "(SELECT id FROM project_revisions WHERE project_id = w.project_id AND name = ?)"
        )
        rows = self._storage.all(
            f"{_WORKFLOWS} WHERE w.project_id = ? AND ? IN ('', w.name) AND w.revision_id = {wanted} ORDER BY w.name",
            *(self.row(project_id)["id"], name, *([revision] if revision else [])),
        )
        return [shown_workflow(row) for row in rows]

    def all_workflows(self, last_id: int, count: int) -> list[dict[str, Any]]:
        """The workflows of all projects' newest revisions, in ascending order of ids from the one after *last_id*."""
        rows = self._storage.all(
            f"{_WORKFLOWS} WHERE w.id > ? AND w.revision_id = {_NEWEST} ORDER BY w.id LIMIT ?", last_id, count
        )
        return [shown_workflow(row) for row in rows]

    def workflow(self, workflow_id: object) -> sqlite3.Row:
        """The stored row of a workflow that must exist, of any revision."""
        text = str(workflow_id)
        row = self._storage.one(f"{_WORKFLOWS} WHERE w.id = ?", int(text)) if text.isdecimal() else None
        if row is None:
            raise unknown("Workflow", text)
        return row

    def row(self, project_id: str) -> sqlite3.Row:
        """The stored row of a project that must exist."""
        found = (
            self._storage.one("SELECT * FROM projects WHERE id = ?", int(project_id))
            if project_id.isdecimal()
            else None
        )
        if found is None:
            raise unknown("Project", project_id)
        return found

    def secret_keys(self, project_id: str) -> list[str]:
        """The names of a project's secrets. Nobody tells their values."""
        project = self.row(project_id)["id"]
        rows = self._storage.all("SELECT key FROM project_secrets WHERE project_id = ? ORDER BY key", project)
        return [str(row["key"]) for row in rows]

    def set_secret(self, project_id: str, key: str, value: object) -> None:
        """Set a secret, new or not."""
        if not _SECRET_KEY.fullmatch(key):
            raise bad(f"{key!r} is no name of a secret")
        if not isinstance(value, str) or len(value) > _LARGEST_SECRET:
            raise bad(f"'value' is no text of at most {_LARGEST_SECRET:,} characters")
        self._storage.run(
            "INSERT INTO project_secrets VALUES (?, ?, ?) ON CONFLICT (project_id, key) DO UPDATE SET value = excluded.value",
            *(self.row(project_id)["id"], key, self._sealer.seal(value.encode())),
        )

    def delete_secret(self, project_id: str, key: str) -> None:
        """Remove a secret; 404 when there is none."""
        project = self.row(project_id)["id"]
        sql = "DELETE FROM project_secrets WHERE project_id = ? AND key = ?"
        if self._storage.run(sql, project, key).rowcount == 0:
            raise unknown("Secret", key)

    def secret(self, project_id: int, key: str) -> str | None:
        """The value of a secret, for a run and nothing else; None when there is none."""
        row = self._storage.one("SELECT value FROM project_secrets WHERE project_id = ? AND key = ?", project_id, key)
        return None if row is None else self._sealer.open(bytes(row["value"])).decode()

    def _insert(self, project_id: int, revision_id: int, made: Definition) -> int:
        cursor = self._storage.run(
            "INSERT INTO workflows (revision_id, project_id, name, timezone, config) VALUES (?, ?, ?, ?, ?)",
            *(revision_id, project_id, made.name, made.timezone, orjson.dumps(made.config).decode()),
        )
        return int(cursor.lastrowid or 0)

    def _named(self, name: str) -> sqlite3.Row:
        row = self._storage.one("SELECT * FROM projects WHERE name = ?", name)
        if row is None:
            raise unknown("Project", name)
        return row

    def _shown(self, row: sqlite3.Row) -> dict[str, Any]:
        newest = self._storage.one(
            "SELECT name, md5 FROM project_revisions WHERE project_id = ? ORDER BY id DESC", row["id"]
        )
        told: Mapping[str, Any] = {} if newest is None else dict(newest)
        return {
            "id": str(row["id"]),
            "name": row["name"],
            "revision": told.get("name", ""),
            "createdAt": iso_text(row["created_at"]),
            "updatedAt": iso_text(row["updated_at"]),
            "deletedAt": None,
            "archiveType": "db",
            "archiveMd5": told.get("md5", ""),
        }


def shown_workflow(row: sqlite3.Row) -> dict[str, Any]:
    """A workflow as the vendor shows it."""
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "project": {"id": str(row["project_id"]), "name": row["project"]},
        "revision": row["revision"],
        "timezone": row["timezone"],
        "config": orjson.loads(row["config"]),
    }


def _md5(archive: bytes) -> str:
    """Base64 of the MD5 of the archive, by which the vendor tells a pushed file from another."""
    return base64.b64encode(hashlib.md5(archive, usedforsecurity=False).digest()).decode()
