"""Saved queries, which the vendor's v3 API calls schedules."""

from __future__ import annotations

import re
import sqlite3
from typing import Any, Final

import orjson

from reconciler.ports.clock import Clock
from reconciler.service.answers import ApiError, invalid, not_found
from reconciler.service.catalog import Catalog
from reconciler.service.connections import Connections
from reconciler.service.ports import Sealer
from reconciler.service.requests import Call
from reconciler.service.schedules import Schedules, Timing
from reconciler.service.storage import Storage
from reconciler.service.targets import read_target

ENGINES: Final = ("hive", "presto", "trino")
_VERSION: Final = re.compile(r"stable|experimental|[0-9]+(\.[0-9]+)*")
_UNSCHEDULED: Final = Timing(None, "UTC", 0)
# Documented ceilings in characters; presto and trino are one engine.
_LONGEST_QUERY: Final = {"hive": 2_097_152, "presto": 1_000_000, "trino": 1_000_000}

# As the vendor lists a saved query, plus `id`, which its list leaves out.
_SHOWN: Final = """json_object(
  'id', CAST(id AS TEXT), 'name', name, 'cron', cron, 'timezone', timezone, 'delay', delay,
  'created_at', strftime('%Y-%m-%dT%H:%M:%SZ', created_at, 'unixepoch'), 'type', type, 'query', query,
  'database', database, 'user_name', 'Local User', 'priority', priority, 'retry_limit', retry_limit, 'result', result,
  'result_connection_id', result_connection_id, 'result_connection_settings', result_settings,
  'next_time', strftime('%Y-%m-%dT%H:%M:%SZ', next_shown, 'unixepoch'))"""


class Queries:
    """Saved queries of the account."""

    def __init__(
        self,
        storage: Storage,
        catalog: Catalog,
        connections: Connections,
        schedules: Schedules,
        sealer: Sealer,
        clock: Clock,
    ) -> None:
        """Keep them in *storage*."""
        self._storage = storage
        self._catalog = catalog
        self._connections = connections
        self._schedules = schedules
        self._sealer = sealer
        self._clock = clock

    def all(self) -> bytes:
        """All saved queries as the vendor lists them, by name: ``{"schedules": […]}``, made by SQLite in one go.

        As bytes from SQLite on, for every copy of a list of ten thousand is the largest thing in memory.
        """
        self._renew_next_times()
        row = self._storage.one(
            f"SELECT CAST(json_object('schedules', json_group_array({_SHOWN})) AS BLOB) AS shown"
            " FROM (SELECT * FROM queries ORDER BY name)"
        )
        return b'{"schedules":[]}' if row is None else bytes(row["shown"])

    def get(self, name: str) -> dict[str, Any]:
        """One saved query with `start`, as create and update answer."""
        self._renew_next_times()
        shown = self._shown(self.row(name)["id"])
        return {**shown, "start": shown["next_time"]}

    def create(self, name: str, call: Call) -> dict[str, Any]:
        """Make a saved query. 409 when the name is taken, 422 when a field is wrong."""
        _check_name(name)
        for required in ("database", "query"):
            call.required(required)
        values = {
            "type": "hive",
            "priority": 0,
            "retry_limit": 0,
            **_timing_columns(_UNSCHEDULED),
            **self._changes(call, _UNSCHEDULED),
            "name": name,
            "created_at": int(self._clock.now()),
        }
        columns, marks = ", ".join(values), ", ".join("?" * len(values))
        try:
            self._storage.run(f"INSERT INTO queries ({columns}) VALUES ({marks})", *values.values())
        except sqlite3.IntegrityError as error:
            raise ApiError(409, f"Query {name!r} already exists") from error
        return self.get(name)

    def update(self, name: str, call: Call) -> dict[str, Any]:
        """Change the given fields only; `name` renames."""
        with self._storage.transaction():
            row = self.row(name)
            current = Timing(row["cron"], row["timezone"], row["delay"])
            changes = self._changes(call, current)
            new_name = call.text("name") or name
            if new_name != name:
                _check_name(new_name)
                changes["name"] = new_name
            assignments = ", ".join(f"{column} = ?" for column in changes)
            try:
                self._storage.run(f"UPDATE queries SET {assignments} WHERE id = ?", *changes.values(), row["id"])
            except sqlite3.IntegrityError as error:
                raise ApiError(409, f"Query {new_name!r} already exists") from error
        return self.get(new_name)

    def delete(self, name: str) -> dict[str, Any]:
        """Remove a saved query and return what it was; its jobs stay."""
        with self._storage.transaction():
            shown = self._shown(self.row(name)["id"])
            self._storage.run("DELETE FROM queries WHERE id = ?", int(shown["id"]))
        return shown

    def row(self, name: str) -> sqlite3.Row:
        """The stored row of a query that must exist."""
        row = self._storage.one("SELECT * FROM queries WHERE name = ?", name)
        if row is None:
            raise not_found("Schedule", name=name)
        return row

    def row_of_id(self, query_id: str) -> sqlite3.Row:
        """The stored row of the query with that id."""
        row = self._storage.one("SELECT * FROM queries WHERE id = ?", int(query_id)) if query_id.isdecimal() else None
        if row is None:
            raise not_found("Query", id=query_id)
        return row

    def _changes(self, call: Call, current: Timing) -> dict[str, Any]:
        changes: dict[str, Any] = {"updated_at": int(self._clock.now())}
        if "type" in call.fields:
            changes["type"] = checked_engine(call.text("type"))
        if "database" in call.fields:
            self._catalog.database_id(call.required("database"))
            changes["database"] = call.text("database")
        if "query" in call.fields:
            changes["query"] = checked_query(call, call.text("type") or "hive")
        if "priority" in call.fields:
            changes["priority"] = call.integer("priority", 0, -2, 2)
        if "retry_limit" in call.fields:
            changes["retry_limit"] = call.integer("retry_limit", 0, 0, 32)
        if "engine_version" in call.fields:
            changes["engine_version"] = _checked_version(call.text("engine_version"))
        if "pool_name" in call.fields:
            changes["pool_name"] = call.text("pool_name") or None
        changes.update(self._timing_changes(call, current))
        target = read_target(call, self._sealer, self._connections)
        if target is not None:
            changes["target"] = target.sealed
            changes["result"] = target.result
            changes["result_connection_id"] = target.connection_id
            changes["result_settings"] = target.settings
        return changes

    def _timing_changes(self, call: Call, current: Timing) -> dict[str, Any]:
        timing = self._schedules.read(call, current)
        if timing == current:
            return {}
        columns = _timing_columns(timing)
        next_time = self._schedules.next_time(timing)
        due_at = None if next_time is None else next_time + timing.delay
        return {**columns, "next_time": next_time, "next_shown": next_time, "due_at": due_at}

    def _shown(self, query_id: int) -> dict[str, Any]:
        row = self._storage.one(f"SELECT {_SHOWN} AS shown FROM queries WHERE id = ?", query_id)
        shown: dict[str, Any] = orjson.loads(row["shown"]) if row is not None else {}
        return shown

    def _renew_next_times(self) -> None:
        """Bring the next times that have passed up to now. Written down, so that each is evaluated once."""
        now = self._clock.now()
        stale = self._storage.all("SELECT id, cron, timezone FROM queries WHERE next_shown <= ?", now)
        if not stale:
            return
        following: dict[tuple[str, str], float | None] = {}
        for _, cron, timezone in stale:
            if (cron, timezone) not in following:
                following[cron, timezone] = self._schedules.next_time(Timing(cron, timezone, 0))
        with self._storage.transaction():
            self._storage.run_many(
                "UPDATE queries SET next_shown = ? WHERE id = ? AND cron = ? AND timezone = ?",
                [(following[cron, timezone], query_id, cron, timezone) for query_id, cron, timezone in stale],
            )


def checked_engine(text: str) -> str:
    """*text* when it names a SQL engine of the vendor."""
    if text not in ENGINES:
        raise invalid(f"Type is not included in the list: {text!r}; use one of {', '.join(ENGINES)}")
    return text


def checked_query(call: Call, engine: str) -> str:
    """The SQL of a request, not empty and not longer than its engine takes."""
    sql = call.required("query")
    if len(sql) > _LONGEST_QUERY[engine]:
        raise invalid(f"Query is too long (maximum is {_LONGEST_QUERY[engine]} characters)")
    return sql


def _timing_columns(timing: Timing) -> dict[str, Any]:
    return {"cron": timing.cron, "timezone": timing.timezone, "delay": timing.delay}


def _check_name(name: str) -> None:
    """Source: td-client-java tests, "Name is too short"."""
    if len(name.strip()) < 3:
        raise invalid("Name is too short (minimum is 3 characters)")
    if len(name) > 255:
        raise invalid("Name is too long (maximum is 255 characters)")


def _checked_version(text: str) -> str | None:
    """A version of an engine as the vendor takes it: a word it has for one, or a number such as 350 or 2020.1."""
    if text and not _VERSION.fullmatch(text):
        raise invalid(f"Engine version is not included in the list: {text!r}")
    return text or None
