"""Schedules of workflows: one for each that says when it runs, set by the newest push of its project."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson

from reconciler.ports.clock import Clock
from reconciler.service.answers import iso_text
from reconciler.service.schedules import Schedules, Timing
from reconciler.service.storage import Storage
from reconciler.service.workflows.definitions import Definition
from reconciler.service.workflows.refusals import bad, unknown

_ROWS: Final = "SELECT s.*, p.name AS project FROM workflow_schedules s JOIN projects p ON p.id = s.project_id"
_MOST_BACKFILLED: Final = 1000


class WorkflowSchedules:
    """Schedules of the account's workflows."""

    def __init__(self, storage: Storage, times: Schedules, clock: Clock) -> None:
        """Keep them in *storage*; *times* tells when each session is."""
        self._storage = storage
        self._times = times
        self._clock = clock

    def replace(
        self, project_id: int, made: Mapping[str, tuple[Definition, int]], start: float, cleared: frozenset[str] | None
    ) -> None:
        """Set the schedules of a project to those of its workflows (name -> definition and id).

        One whose time is unchanged goes on where it was, and stays disabled when it is.
        """
        now = int(self._clock.now())
        before = {row["name"]: row for row in self._storage.all(f"{_ROWS} WHERE project_id = ?", project_id)}
        for name in before.keys() - {name for name, (one, _) in made.items() if one.timing is not None}:
            self._storage.run("DELETE FROM workflow_schedules WHERE id = ?", before[name]["id"])
        for name, (one, workflow_id) in made.items():
            if one.timing is None:
                continue
            timing, known = one.timing.timing, before.get(name)
            options = {"skip_on_overtime": one.timing.skip_on_overtime, "skip_delayed_by": one.timing.skip_delayed_by}
            is_cleared = cleared is None or name in cleared
            if known is None:
                self._storage.run(
                    "INSERT INTO workflow_schedules (project_id, workflow_id, name, schedule, cron, timezone, delay, created_at,"
                    " updated_at) VALUES (?, ?, ?, '', '', '', 0, ?, ?)",
                    *(project_id, workflow_id, name, now, now),
                )
            is_same = known is not None and not is_cleared and _timing(known) == timing
            following = known["next_time"] if known is not None and is_same else self._first(timing, start)
            disabled_at = None if known is None or is_cleared else known["disabled_at"]
            self._storage.run(
                "UPDATE workflow_schedules SET workflow_id = ?, schedule = ?, cron = ?, timezone = ?, delay = ?, next_time = ?,"
                " due_at = ?, disabled_at = ?, updated_at = ? WHERE project_id = ? AND name = ?",
                *(workflow_id, orjson.dumps(options).decode(), timing.cron, timing.timezone, timing.delay, following),
                *(_due(following, timing.delay, disabled_at), disabled_at, now, project_id, name),
            )

    def all(self, last_id: int, count: int, project_id: int | None = None, workflow: str = "") -> list[dict[str, Any]]:
        """Schedules in ascending order of ids from the one after *last_id*; of one project and workflow when given."""
        rows = self._storage.all(
            f"{_ROWS} WHERE s.id > ? AND (? IS NULL OR s.project_id = ?) AND ? IN ('', s.name) ORDER BY s.id LIMIT ?",
            *(last_id, project_id, project_id, workflow, count),
        )
        return [shown(row) for row in rows]

    def row(self, schedule_id: str) -> sqlite3.Row:
        """The stored row of a schedule that must exist."""
        found = self._storage.one(f"{_ROWS} WHERE s.id = ?", int(schedule_id)) if schedule_id.isdecimal() else None
        if found is None:
            raise unknown("Schedule", schedule_id)
        return found

    def disable(self, schedule_id: str) -> dict[str, Any]:
        """Let it start nothing until it is enabled."""
        row = self.row(schedule_id)
        now = int(self._clock.now())
        self._storage.run(
            "UPDATE workflow_schedules SET disabled_at = coalesce(disabled_at, ?), due_at = NULL, updated_at = ? WHERE id = ?",
            *(now, now, row["id"]),
        )
        return self._summary(schedule_id)

    def enable(self, schedule_id: str) -> dict[str, Any]:
        """Let it start sessions again, from now on; those that were meanwhile are not made up for."""
        row = self.row(schedule_id)
        if row["disabled_at"] is None:
            return self._summary(schedule_id)
        now = self._clock.now()
        following = self._first(_timing(row), now)
        return self._go_on(row, following, None)

    def skip(self, schedule_id: str, next_run: float | None, count: int, *, dry_run: bool) -> dict[str, Any]:
        """Leave out sessions: those that would start before *next_run* (Unix seconds), or the next *count*."""
        row = self.row(schedule_id)
        timing = _timing(row)
        following = row["next_time"]
        if next_run is not None:
            following = self._first(timing, max(next_run, 0))
        for _ in range(count if next_run is None else 0):
            following = None if following is None else self._times.next_after(timing, following)
        if dry_run:
            return shown({**dict(row), "next_time": following}) | _stamps(row)
        return self._go_on(row, following, row["disabled_at"])

    def sessions_since(self, row: sqlite3.Row, start: float, count: int) -> list[int]:
        """The times of sessions from *start* on that have passed, at most *count* when that is not 0."""
        timing, now = _timing(row), self._clock.now()
        times: list[int] = []
        moment = self._times.next_after(timing, start - 1)
        while moment is not None and moment + timing.delay <= now and (not count or len(times) < count):
            if len(times) >= _MOST_BACKFILLED:
                raise bad(f"more than {_MOST_BACKFILLED:,} sessions since then; name a 'count'")
            times.append(int(moment))
            moment = self._times.next_after(timing, moment)
        return times

    def due(self, now: float) -> list[int]:
        """Ids of those that have to start something, the longest overdue first."""
        rows = self._storage.all("SELECT id FROM workflow_schedules WHERE due_at <= ? ORDER BY due_at", now)
        return [row["id"] for row in rows]

    def claim(self, schedule_id: int, now: float) -> tuple[sqlite3.Row, int] | None:
        """Take the session that is due, once; inside a transaction. Of several missed only the latest is made up for.

        None when it is due no more, or came so late that the workflow says to leave it out.
        """
        row = self._storage.one(f"{_ROWS} WHERE s.id = ? AND s.due_at <= ?", schedule_id, now)
        if row is None:
            return None
        timing = _timing(row)
        moment = self._times.latest_until(timing, row["next_time"], now - timing.delay)
        following = self._times.next_after(timing, moment)
        self._storage.run(
            "UPDATE workflow_schedules SET next_time = ?, due_at = ? WHERE id = ?",
            *(following, _due(following, timing.delay, None), row["id"]),
        )
        latest_s = orjson.loads(row["schedule"])["skip_delayed_by"]
        if latest_s is not None and now - moment - timing.delay > latest_s:
            return None
        return row, int(moment)

    def neighbours(self, project_id: int, name: str, session_time: int) -> tuple[float | None, float | None]:
        """The sessions before and after one, by the schedule of its workflow; None without one."""
        row = self._storage.one(f"{_ROWS} WHERE s.project_id = ? AND s.name = ?", project_id, name)
        if row is None:
            return None, None
        timing = _timing(row)
        long_ago = session_time - 2 * 366 * 86_400
        before = self._times.latest_until(timing, long_ago, session_time - 1)
        return (None if before == long_ago else before), self._times.next_after(timing, session_time)

    def _first(self, timing: Timing, start: float) -> float | None:
        """The first session that starts at *start* or later."""
        return self._times.next_after(timing, start - timing.delay - 0.001)

    def _go_on(self, row: sqlite3.Row, following: float | None, disabled_at: int | None) -> dict[str, Any]:
        self._storage.run(
            "UPDATE workflow_schedules SET next_time = ?, due_at = ?, disabled_at = ?, updated_at = ? WHERE id = ?",
            *(following, _due(following, row["delay"], disabled_at), disabled_at, int(self._clock.now()), row["id"]),
        )
        return self._summary(str(row["id"]))

    def _summary(self, schedule_id: str) -> dict[str, Any]:
        row = self.row(schedule_id)
        return shown(row) | _stamps(row)


def shown(row: sqlite3.Row | Mapping[str, Any]) -> dict[str, Any]:
    """A schedule as the vendor lists it."""
    following = row["next_time"]
    return {
        "id": str(row["id"]),
        "project": {"id": str(row["project_id"]), "name": row["project"]},
        "workflow": {"id": str(row["workflow_id"]), "name": row["name"]},
        "nextRunTime": iso_text(None if following is None else following + row["delay"]),
        "nextScheduleTime": None if following is None else zoned(following, row["timezone"]),
        "disabledAt": iso_text(row["disabled_at"]),
    }


def zoned(unix_s: float, timezone: str) -> str:
    """``2025-03-01T00:00:00+09:00``, the form of sessions."""
    return datetime.fromtimestamp(int(unix_s), UTC).astimezone(ZoneInfo(timezone)).isoformat()


def _stamps(row: sqlite3.Row) -> dict[str, Any]:
    return {"createdAt": iso_text(row["created_at"]), "updatedAt": iso_text(row["updated_at"])}


def _timing(row: sqlite3.Row) -> Timing:
    return Timing(row["cron"], row["timezone"], row["delay"])


def _due(following: float | None, delay: int, disabled_at: int | None) -> float | None:
    return None if following is None or disabled_at is not None else following + delay
