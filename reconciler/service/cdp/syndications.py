"""Activations of segments, which the vendor's API calls syndications: kept, shown, and when they fire."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from reconciler.logs import logger
from reconciler.ports.clock import Clock
from reconciler.service.answers import ApiError, iso_text
from reconciler.service.cdp import mapping, repeating
from reconciler.service.cdp.errors import Masked, Refused, blank
from reconciler.service.cdp.folders import named
from reconciler.service.connections import Connections
from reconciler.service.jobs import Jobs, NewJob
from reconciler.service.masking import MASK, holds_mask, masked
from reconciler.service.ports import Sealer
from reconciler.service.schedules import Schedules, Timing
from reconciler.service.storage import Storage

FAILURES: Final = 5
"""Scheduled runs in a row that fail for their settings before the schedule goes off. The vendor says "several"."""
_NOTICES: Final = ("onSuccess", "onFailure")
_MOST_BEHAVIORS: Final = 4
_PLAIN: Final[Mapping[str, Any]] = {
    "description": None,
    "allColumns": False,
    "columns": [],
    "timezone": "UTC",
    "notifyOn": [],
    "emailRecipients": [],
    "activationTemplateId": None,
    "nestedWorkflowProjectName": None,
    "nestedWorkflowName": None,
    "lockEnabled": False,
    "syndicationBehaviors": [],
}

Document = dict[str, Any]


class Syndications:
    """Activations of all segments; ids are unique over all."""

    def __init__(
        self,
        storage: Storage,
        connections: Connections,
        schedules: Schedules,
        jobs: Jobs,
        sealer: Sealer,
        clock: Clock,
        users: Sequence[int],
    ) -> None:
        """Keep them in *storage*; *users* are the ids of those who may be notified."""
        self._storage = storage
        self._connections = connections
        self._schedules = schedules
        self._jobs = jobs
        self._sealer = sealer
        self._clock = clock
        self._users = users

    def of_segment(self, segment_id: int) -> list[sqlite3.Row]:
        """All of a segment, by id."""
        return self._storage.all("SELECT * FROM syndications WHERE segment_id = ? ORDER BY id", segment_id)

    def of_parent(self, audience_id: int) -> list[sqlite3.Row]:
        """All of a parent segment, by id."""
        return self._storage.all(
            "SELECT y.* FROM syndications y JOIN segments s ON s.id = y.segment_id WHERE s.audience_id = ? ORDER BY y.id",
            audience_id,
        )

    def find(self, syndication_id: str) -> sqlite3.Row | None:
        """The stored row of one, or None."""
        if not syndication_id.isdecimal():
            return None
        return self._storage.one("SELECT * FROM syndications WHERE id = ?", int(syndication_id))

    def create(self, segment: sqlite3.Row, written: Mapping[str, Any]) -> int:
        """Make one of *segment* and return its id.

        Raises:
            Refused: fields that cannot be.
        """
        if not written.get("connectionId"):
            raise blank("connectionId")
        now = int(self._clock.now())
        values = {
            **self._changes({**written, "name": written.get("name")}, {}),
            "segment_id": segment["id"],
            "created_at": now,
            "updated_at": now,
        }
        columns, marks = ", ".join(values), ", ".join("?" * len(values))
        cursor = self._storage.run(f"INSERT INTO syndications ({columns}) VALUES ({marks})", *values.values())
        return int(cursor.lastrowid or 0)

    def update(self, row: sqlite3.Row, written: Mapping[str, Any]) -> None:
        """Change the given fields only.

        Raises:
            Refused: as for `create`.
        """
        changes = {**self._changes(written, orjson.loads(row["document"])), "updated_at": int(self._clock.now())}
        assignments = ", ".join(f"{column} = ?" for column in changes)
        self._storage.run(f"UPDATE syndications SET {assignments} WHERE id = ?", *changes.values(), row["id"])

    def delete(self, row: sqlite3.Row) -> None:
        """Remove one; its runs stay among the jobs."""
        self._storage.run("DELETE FROM syndications WHERE id = ?", row["id"])

    def shown(self, row: sqlite3.Row, audience_id: int) -> Document:
        """One as the vendor shows it, secrets masked."""
        executions = self.executions(row)
        return {
            **orjson.loads(row["document"]),
            "id": str(row["id"]),
            "audienceId": str(audience_id),
            "segmentId": str(row["segment_id"]),
            "connectionId": str(row["connection_id"]),
            "valid": self._has_connection(row["connection_id"]),
            "executions": executions,
            "runStatus": executions[0]["status"] if executions else None,
            "activationActionsEnabled": False,
            "createdAt": iso_text(row["created_at"]),
            "updatedAt": iso_text(row["updated_at"]),
            "createdBy": {"td_user_id": "1"},
            "updatedBy": {"td_user_id": "1"},
        }

    def executions(self, row: sqlite3.Row) -> list[Document]:
        """Its runs, newest first."""
        return [self._execution(row["id"], job) for job in self._jobs.of_syndication(row["id"])]

    def execution(self, row: sqlite3.Row, job_id: int) -> Document:
        """One of its runs."""
        return self._execution(row["id"], self._jobs.row(job_id))

    def run_of(self, row: sqlite3.Row, scheduled_time: int, domain_key: str) -> NewJob:
        """The job that one run is. Its SQL is made when it begins, of what is built then."""
        return NewJob(
            type="trino",
            database=None,
            scheduled_time=scheduled_time,
            domain_key=domain_key or None,
            syndication_id=row["id"],
        )

    def due_run_of(self, row: sqlite3.Row, scheduled_time: int, domain_key: str) -> NewJob | None:
        """The job of a scheduled run; None after the last day, and when the schedule goes off for failing ever again."""
        if row["ends_at"] is not None and scheduled_time >= row["ends_at"]:
            self._turn_off(row["id"])
            return None
        if self._jobs.failed_in_a_row(row["id"], row["updated_at"], FAILURES):
            self._turn_off(row["id"], self._unscheduled(row))
            logger(__name__).warning("schedule went off", syndication_id=row["id"], failures=FAILURES)
            return None
        return self.run_of(row, scheduled_time, domain_key)

    def _turn_off(self, syndication_id: int, document: str = "") -> None:
        self._storage.run(
            "UPDATE syndications SET cron = NULL, next_time = NULL, due_at = NULL,"
            " document = CASE WHEN ? = '' THEN document ELSE ? END WHERE id = ?",
            *(document, document, syndication_id),
        )

    def _unscheduled(self, row: sqlite3.Row) -> str:
        document = orjson.loads(row["document"])
        return orjson.dumps({**document, **repeating.words({"repeatUnit": "none"}, {}, "UTC", 0)}).decode()

    def settings(self, row: sqlite3.Row) -> bytes:
        """The sealed target of its export: its connection with its settings on top."""
        config = orjson.loads(self._sealer.open(row["config"]))
        return self._sealer.seal(orjson.dumps({"connection_id": row["connection_id"], "settings": config}))

    def step(self, written: Mapping[str, Any], before: Document) -> dict[str, Any]:
        """What is kept of an activation that is a step of a journey: its connection, its sealed settings, its document.

        Raises:
            Refused: fields that cannot be.
        """
        if not before and not written.get("connectionId"):
            raise blank("connectionId")
        changes = self._changes(written, before)
        return {name: changes[name] for name in ("connection_id", "config", "document") if name in changes}

    def _changes(self, written: Mapping[str, Any], before: Document) -> dict[str, Any]:
        changes: dict[str, Any] = {}
        document: Document = {**_PLAIN, **before}
        document |= {key: written[key] for key in _PLAIN if key in written}
        if "name" in written or not before:
            document["name"] = changes["name"] = named(written)
        if "connectionId" in written:
            changes["connection_id"] = self._connection(written["connectionId"])
        if "connectorConfig" in written or not before:
            config = _config(written.get("connectorConfig"))
            changes["config"] = self._sealer.seal(orjson.dumps(config))
            document["connectorConfig"] = masked(config)
        document["columns"] = _identified(mapping.checked(document["columns"] or []))
        document["allColumns"] = bool(document["allColumns"])
        document["notifyOn"] = _notices(document["notifyOn"])
        document["emailRecipients"] = self._recipients(document["emailRecipients"])
        document["syndicationBehaviors"] = _behaviors(written, document["syndicationBehaviors"])
        changes |= self._timing(written, document, before)
        changes["document"] = orjson.dumps(document).decode()
        return changes

    def _timing(self, written: Mapping[str, Any], document: Document, before: Document) -> dict[str, Any]:
        """The columns of the schedule, when it changes; its words go into *document*."""
        zone = document["timezone"] = str(document["timezone"] or "UTC")
        self._check(Timing(None, zone, 0), "timezone")
        now = self._clock.now()
        said = repeating.words(written, before, zone, now)
        document |= said
        if before and all(before.get(key) == document[key] for key in (*said, "timezone")):
            return {}
        repetition = repeating.repetition(said, zone)
        timing = Timing(repetition.cron, zone, 0)
        self._check(timing, "scheduleOption")
        start = repetition.start
        if repetition.cron is not None:
            following = self._schedules.next_after(timing, now if start is None else max(now, start - 1))
        else:
            following = start if start is not None and start > now else None
        if following is not None and repetition.end is not None and following >= repetition.end:
            following = None
        return {
            "cron": repetition.cron,
            "timezone": zone,
            "delay": 0,
            "ends_at": repetition.end,
            "next_time": following,
            "due_at": following,
        }

    def _check(self, timing: Timing, field: str) -> None:
        try:
            self._schedules.check(timing)
        except ApiError as error:
            raise Refused(field, "INVALID_FORMAT_OR_ASSOCIATION", error.message) from error

    def _connection(self, told: object) -> int:
        if not str(told).isdecimal() or not self._has_connection(int(str(told))):
            raise Refused("connectionId", "INVALID_FORMAT_OR_ASSOCIATION", f"there is no connection {told}")
        return int(str(told))

    def _has_connection(self, connection_id: int) -> bool:
        return self._storage.one("SELECT 1 FROM connections WHERE id = ?", connection_id) is not None

    def _recipients(self, told: object) -> list[int]:
        if not isinstance(told, list) or not all(str(one).isdecimal() for one in told):
            raise Refused("emailRecipients", "INVALID_FORMAT_OR_ASSOCIATION", "emailRecipients is not an array of ids")
        for one in told:
            if int(one) not in self._users:
                raise Refused("emailRecipients", "INVALID_FORMAT_OR_ASSOCIATION", f"there is no user {one}")
        return sorted({int(one) for one in told})

    def _execution(self, syndication_id: int, job: sqlite3.Row) -> Document:
        last = job if job["export_job"] is None else self._jobs.row(job["export_job"])
        # Between a query and its export there is a moment in which the run is neither waiting nor at an end.
        status = "running" if last["id"] != job["id"] and last["status"] == "queued" else last["status"]
        return {
            "workflowId": str(syndication_id),
            "workflowSessionId": str(job["id"]),
            "workflowAttemptId": str(job["id"]),
            "createdAt": iso_text(job["created_at"]),
            "finishedAt": iso_text(last["end_at"]),
            "status": "canceled" if status == "killed" else status,
            # Not of the vendor, who keeps logs with workflows.
            "tdr_progress": {"done": last["done"], "total": last["total"]},
            "tdr_log": job["cmdout"] + ("" if last["id"] == job["id"] else last["cmdout"]),
        }


def _config(told: object) -> Mapping[str, Any]:
    if not isinstance(told, Mapping):
        raise Refused("connectorConfig", "CANNOT_BE_BLANK", "connectorConfig can't be blank")
    if holds_mask(dict(told)):
        raise Masked("connectorConfig", f"connectorConfig holds a masked value ({MASK}): write the secret itself")
    return told


def _identified(columns: list[Document]) -> list[Document]:
    return [{"id": str(one.get("id") or uuid.uuid4()), **one} for one in columns]


def _notices(told: object) -> list[str]:
    if not isinstance(told, list) or not all(one in _NOTICES for one in told):
        raise Refused("notifyOn", "INVALID_FORMAT_OR_ASSOCIATION", "notifyOn is not included in the list")
    return [one for one in _NOTICES if one in told]


def _behaviors(written: Mapping[str, Any], told: object) -> list[Document]:
    if written.get("syndicationBehavior"):
        if told:
            raise Refused(
                "syndicationBehavior", "INVALID_FORMAT_OR_ASSOCIATION", "takes no syndicationBehaviors beside it"
            )
        told = [written["syndicationBehavior"]]
    if not isinstance(told, list) or not all(isinstance(one, dict) for one in told or []):
        raise Refused("syndicationBehaviors", "INVALID_FORMAT_OR_ASSOCIATION", "syndicationBehaviors is not an array")
    if len(told) > _MOST_BEHAVIORS:
        message = f"syndicationBehaviors is too long (maximum is {_MOST_BEHAVIORS}, got {len(told)})"
        raise Refused("syndicationBehaviors", "IS_TOO_LONG", message)
    return told
