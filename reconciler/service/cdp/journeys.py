"""Batch journeys and the activations that their steps are: kept and shown. Nothing here moves anybody through a journey."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

import orjson

from reconciler.ports.clock import Clock
from reconciler.service.answers import iso_text
from reconciler.service.cdp.errors import Refused
from reconciler.service.cdp.folders import named
from reconciler.service.cdp.syndications import Syndications
from reconciler.service.storage import Storage

STATES = ("draft", "simulation", "launched")

Document = dict[str, Any]


class Journeys:
    """Journeys of all parent segments; ids are unique over all, those of steps too."""

    def __init__(self, storage: Storage, syndications: Syndications, clock: Clock) -> None:
        """Keep them in *storage*; what an activation may say *syndications* knows."""
        self._storage = storage
        self._syndications = syndications
        self._clock = clock

    def in_folder(self, folder_id: int) -> list[sqlite3.Row]:
        """Those in a folder, by id."""
        return self._storage.all("SELECT * FROM journeys WHERE folder_id = ? ORDER BY id", folder_id)

    def find(self, journey_id: str) -> sqlite3.Row | None:
        """The stored row of one, or None."""
        if not journey_id.isdecimal():
            return None
        return self._storage.one("SELECT * FROM journeys WHERE id = ?", int(journey_id))

    def create(self, folder: sqlite3.Row, attributes: Mapping[str, Any]) -> int:
        """Draw one in *folder* and return its id. Its stages are kept as they are written.

        Raises:
            Refused: it has no name, or a state that there is not.
        """
        state = attributes.get("state", "draft")
        if state not in STATES:
            raise Refused("state", "INVALID_FORMAT_OR_ASSOCIATION", "State is not included in the list")
        document = {
            "name": named(attributes),
            "description": attributes.get("description"),
            "state": state,
            "goal": attributes.get("goal"),
            "journeyStages": attributes.get("journeyStages") or [],
            "allowReentry": bool(attributes.get("allowReentry", False)),
            "journeyBundleId": attributes.get("journeyBundleId"),
            "journeyBundleName": attributes.get("journeyBundleName"),
            "versionNumber": int(attributes.get("versionNumber") or 1),
        }
        now = int(self._clock.now())
        sql = "INSERT INTO journeys (audience_id, folder_id, document, created_at, updated_at) VALUES (?, ?, ?, ?, ?)"
        values = (folder["audience_id"], folder["id"], orjson.dumps(document).decode(), now, now)
        return int(self._storage.run(sql, *values).lastrowid or 0)

    def delete(self, row: sqlite3.Row) -> None:
        """Remove one with its steps."""
        self._storage.run("DELETE FROM journeys WHERE id = ?", row["id"])

    def shown(self, row: sqlite3.Row) -> Document:
        """The attributes of one as the vendor shows them."""
        return {
            **orjson.loads(row["document"]),
            "audienceId": str(row["audience_id"]),
            "createdAt": iso_text(row["created_at"]),
            "updatedAt": iso_text(row["updated_at"]),
            "launchedAt": None,
            "paused": False,
            "pausedAt": None,
            "latestExecution": None,
        }

    def steps(self, journey_id: int) -> list[sqlite3.Row]:
        """The activations of a journey, by id."""
        return self._storage.all("SELECT * FROM journey_steps WHERE journey_id = ? ORDER BY id", journey_id)

    def step(self, journey_id: int, step_id: str) -> sqlite3.Row | None:
        """The stored row of one, or None."""
        if not step_id.isdecimal():
            return None
        return self._storage.one(
            "SELECT * FROM journey_steps WHERE journey_id = ? AND id = ?", journey_id, int(step_id)
        )

    def create_step(self, journey: sqlite3.Row, params: Mapping[str, Any]) -> int:
        """Make an activation of a journey and return its id.

        Raises:
            Refused: fields that cannot be.
        """
        values = {**self._syndications.step({"name": None, **params}, {}), "journey_id": journey["id"]}
        columns, marks = ", ".join(values), ", ".join("?" * len(values))
        sql = f"INSERT INTO journey_steps ({columns}) VALUES ({marks})"
        return int(self._storage.run(sql, *values.values()).lastrowid or 0)

    def update_step(self, row: sqlite3.Row, params: Mapping[str, Any]) -> None:
        """Change the given fields of an activation.

        Raises:
            Refused: as for `create_step`.
        """
        changes = self._syndications.step(params, orjson.loads(row["document"]))
        assignments = ", ".join(f"{column} = ?" for column in changes)
        self._storage.run(f"UPDATE journey_steps SET {assignments} WHERE id = ?", *changes.values(), row["id"])

    def shown_step(self, row: sqlite3.Row) -> Document:
        """The fields of an activation as the vendor shows them, secrets masked."""
        return {**orjson.loads(row["document"]), "connectionId": str(row["connection_id"])}
