"""Parent segments: which rows are customers, what is known of them and what they did."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from reconciler.ports.clock import Clock
from reconciler.service.answers import ApiError, iso_text
from reconciler.service.cdp import refreshing
from reconciler.service.cdp.errors import Refused, blank, taken
from reconciler.service.schedules import Schedules, Timing
from reconciler.service.storage import Storage

SCHEDULE_TYPES: Final = ("cron", "daily", "hourly", "minutes_interval", "monthly", "none", "weekly")
ATTRIBUTE_TYPES: Final = ("string", "number", "timestamp", "date", "string_array", "number_array", "boolean")
# oas-cdp: what may be written, and what it is when nothing is said.
_DEFAULTS: Final[Mapping[str, Any]] = {
    "description": None,
    "scheduleType": "none",
    "scheduleOption": None,
    "timezone": "UTC",
    "workflowHiveOnly": False,
    "hiveEngineVersion": None,
    "hivePoolName": None,
    "prestoPoolName": None,
    "allowActivationBehavior": False,
    "maxActivationBehaviorRow": None,
    "llmEnabled": False,
    "enrichmentWordTaggingEnabled": False,
    "enrichmentIpEnabled": False,
    "enrichmentTdJsSdkEnabled": False,
    "master": None,
    "attributes": [],
    "behaviors": [],
    "customerGroup": None,
    "audienceFilters": [],
}
_LONGEST_NAME: Final = 255

Document = dict[str, Any]


class ParentSegments:
    """Parent segments of the account."""

    def __init__(self, storage: Storage, schedules: Schedules, clock: Clock) -> None:
        """Keep them in *storage*."""
        self._storage = storage
        self._schedules = schedules
        self._clock = clock

    def rows(self) -> list[sqlite3.Row]:
        """All of them, by id."""
        return self._storage.all("SELECT * FROM audiences ORDER BY id")

    def find(self, audience_id: str) -> sqlite3.Row | None:
        """The stored row of one, or None."""
        if not audience_id.isdecimal():
            return None
        return self._storage.one("SELECT * FROM audiences WHERE id = ?", int(audience_id))

    def create(self, written: Mapping[str, Any]) -> int:
        """Make one with its root folder, and return its id.

        Raises:
            Refused: it has no name, a name that is taken, or fields that cannot be.
        """
        document = _document(written, {})
        now = int(self._clock.now())
        values = {"created_at": now, **self._values(document, now), **self._timing(document)}
        with self._storage.transaction():
            audience_id = self._insert(values)
            self._storage.run(
                "INSERT INTO folders (audience_id, name, created_at, updated_at) VALUES (?, ?, ?, ?)",
                *(audience_id, document["name"], now, now),
            )
        return audience_id

    def replace(self, row: sqlite3.Row, written: Mapping[str, Any]) -> None:
        """Exchange the whole document: what *written* leaves out is gone.

        Raises:
            Refused: as for `create`.
        """
        before = orjson.loads(row["document"])
        document = _document(written, before)
        changes = self._values(document, int(self._clock.now()))
        if any(before[name] != document[name] for name in refreshing.FIELDS):
            changes |= self._timing(document)
        assignments = ", ".join(f"{column} = ?" for column in changes)
        try:
            self._storage.run(f"UPDATE audiences SET {assignments} WHERE id = ?", *changes.values(), row["id"])
        except sqlite3.IntegrityError as error:
            raise taken() from error

    def delete(self, row: sqlite3.Row) -> None:
        """Remove it with its folders and segments. The tables that it was built into stay."""
        with self._storage.transaction():
            self._storage.run("DELETE FROM segments WHERE audience_id = ?", row["id"])
            # A folder that refers to another one would keep that.
            self._storage.run("UPDATE folders SET parent_id = NULL WHERE audience_id = ?", row["id"])
            self._storage.run("DELETE FROM audiences WHERE id = ?", row["id"])

    def root_folder(self, audience_id: int) -> int:
        """The id of the folder that all others are in."""
        row = self._storage.one("SELECT id FROM folders WHERE audience_id = ? AND parent_id IS NULL", audience_id)
        if row is None:
            raise LookupError(audience_id)
        return int(row["id"])

    def schedule_older(self) -> None:
        """Give those their times that were kept when nobody built by a schedule. One whose words fit none is never due."""
        for row in self._storage.all("SELECT * FROM audiences WHERE timezone IS NULL"):
            try:
                timing = self._timing(orjson.loads(row["document"]))
            except Refused:
                timing = {"timezone": "UTC"}
            assignments = ", ".join(f"{column} = ?" for column in timing)
            self._storage.run(f"UPDATE audiences SET {assignments} WHERE id = ?", *timing.values(), row["id"])

    def _values(self, document: Document, now: int) -> dict[str, Any]:
        return {"name": document["name"], "document": orjson.dumps(document).decode(), "updated_at": now}

    def _timing(self, document: Document) -> dict[str, Any]:
        """The columns that say when it is built."""
        now = self._clock.now()
        timing = Timing(refreshing.cron_of(document, now), refreshing.zone_of(document), 0)
        try:
            self._schedules.check(timing)
        except ApiError as error:
            raise Refused("scheduleOption", "INVALID_FORMAT_OR_ASSOCIATION", error.message) from error
        following = self._schedules.next_after(timing, now)
        return {"cron": timing.cron, "timezone": timing.timezone, "next_time": following, "due_at": following}

    def _insert(self, values: Mapping[str, Any]) -> int:
        columns, marks = ", ".join(values), ", ".join("?" * len(values))
        try:
            cursor = self._storage.run(f"INSERT INTO audiences ({columns}) VALUES ({marks})", *values.values())
        except sqlite3.IntegrityError as error:
            raise taken() from error
        return int(cursor.lastrowid or 0)


def shown(row: sqlite3.Row, root_folder: int, population: int | None, built_at: float | None) -> Document:
    """One as the vendor shows it; ids are texts."""
    document = orjson.loads(row["document"])
    audience_id = str(row["id"])
    database = f"cdp_audience_{audience_id}"
    for attribute in document["attributes"]:
        attribute |= {"audienceId": audience_id}
    for behavior in document["behaviors"]:
        behavior |= {
            "audienceId": audience_id,
            "matrixDatabaseName": database,
            "matrixTableName": behavior_table(behavior["name"]),
        }
    return {
        "id": audience_id,
        **document,
        "rootFolderId": str(root_folder),
        "population": population,
        "matrixUpdatedAt": iso_text(built_at),
        "createdAt": iso_text(row["created_at"]),
        "updatedAt": iso_text(row["updated_at"]),
        "createdBy": {"td_user_id": "1"},
        "updatedBy": {"td_user_id": "1"},
    }


def behavior_table(name: str) -> str:
    """The table of a behaviour called *name*."""
    return f"behavior_{column_of(name)}"


def column_of(name: str) -> str:
    """*name* as a column: lower-case letters, digits and ``_``."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "column"


def _document(written: Mapping[str, Any], before: Mapping[str, Any]) -> Document:
    name = str(written.get("name") or "").strip()
    if not name:
        raise blank("name")
    if len(name) > _LONGEST_NAME:
        raise Refused("name", "IS_TOO_LONG", f"Name is too long (maximum is {_LONGEST_NAME} characters)")
    document: Document = {"name": name, **_DEFAULTS, **{key: written[key] for key in _DEFAULTS if key in written}}
    if document["scheduleType"] not in SCHEDULE_TYPES:
        raise Refused("scheduleType", "INVALID_FORMAT_OR_ASSOCIATION", "Schedule type is not included in the list")
    document["attributes"] = _attributes(_list(document, "attributes"), before.get("attributes") or [])
    document["behaviors"] = _behaviors(_list(document, "behaviors"), before.get("behaviors") or [])
    document["audienceFilters"] = _list(document, "audienceFilters")
    return document


def _list(document: Mapping[str, Any], key: str) -> list[Document]:
    told = document[key] or []
    if not isinstance(told, list) or not all(isinstance(entry, dict) for entry in told):
        raise Refused(key, "INVALID_FORMAT_OR_ASSOCIATION", f"{key} is not an array of objects")
    return told


def _attributes(told: Sequence[Document], before: Sequence[Document]) -> list[Document]:
    ids = _Ids(before)
    attributes = []
    for entry in told:
        if not entry.get("name") or not entry.get("parentColumn"):
            raise blank("attributes")
        kind = entry.get("type", "string")
        if kind not in ATTRIBUTE_TYPES:
            raise Refused("attributes", "INVALID_FORMAT_OR_ASSOCIATION", f"Type {kind!r} is not included in the list")
        keys = ("parentDatabaseName", "parentTableName", "parentColumn", "parentKey", "foreignKey", "groupingName")
        column = str(entry.get("matrixColumnName") or column_of(str(entry["parentColumn"])))
        attributes.append(
            {
                "id": ids.of(entry),
                "name": str(entry["name"]),
                "type": kind,
                **{key: entry.get(key) for key in keys},
                "matrixColumnName": column,
            }
        )
    _refuse_twice("attributes", [attribute["name"] for attribute in attributes])
    _refuse_twice("attributes", [attribute["matrixColumnName"] for attribute in attributes])
    return attributes


def _behaviors(told: Sequence[Document], before: Sequence[Document]) -> list[Document]:
    ids = _Ids(before)
    behaviors = []
    for entry in told:
        if not entry.get("name"):
            raise blank("behaviors")
        keys = ("parentDatabaseName", "parentTableName", "parentKey", "foreignKey", "scheduleType", "scheduleOption")
        flags = ("allColumns", "defaultTimeFilterEnabled", "isRealtime")
        schema = [
            {**column, "matrixColumnName": column.get("matrixColumnName") or column_of(str(column.get("parentColumn")))}
            for column in _list({"schema": entry.get("schema")}, "schema")
        ]
        behaviors.append(
            {
                "id": ids.of(entry),
                "name": str(entry["name"]),
                **{key: entry.get(key) for key in keys},
                **{flag: bool(entry.get(flag, False)) for flag in flags},
                "schema": schema,
            }
        )
    _refuse_twice("behaviors", [column_of(str(behavior["name"])) for behavior in behaviors])
    return behaviors


def _refuse_twice(field: str, names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Refused(field, "VIOLATES_UNIQUENESS_CONSTRAINT", f"{field} has {twice[0]!r} more than once")


class _Ids:
    """Keeps an id with the name it belongs to; a new name gets one that was never used in this list."""

    def __init__(self, before: Sequence[Document]) -> None:
        self._by_name = {entry["name"]: entry["id"] for entry in before}
        self._next = max((int(entry["id"]) for entry in before), default=0) + 1

    def of(self, entry: Document) -> str:
        known = self._by_name.pop(str(entry["name"]), None)
        if known is None:
            known, self._next = str(self._next), self._next + 1
        return str(known)
