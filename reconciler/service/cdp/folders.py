"""Folders of a parent segment: a tree, whose root is made with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from reconciler.ports.clock import Clock
from reconciler.service.cdp.errors import EntityError, Refused, blank, taken
from reconciler.service.storage import Storage


class Folders:
    """Folders of all parent segments; ids are unique over all."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        """Keep them in *storage*."""
        self._storage = storage
        self._clock = clock

    def of(self, audience_id: int) -> list[sqlite3.Row]:
        """All folders of a parent segment, by id: a folder after the one it was made in."""
        return self._storage.all("SELECT * FROM folders WHERE audience_id = ? ORDER BY id", audience_id)

    def find(self, folder_id: str) -> sqlite3.Row | None:
        """The stored row of one, or None."""
        if not folder_id.isdecimal():
            return None
        return self._storage.one("SELECT * FROM folders WHERE id = ?", int(folder_id))

    def create(self, parent: sqlite3.Row, attributes: Mapping[str, Any]) -> int:
        """Make one in *parent* and return its id.

        Raises:
            Refused: it has no name, or one that is taken there.
        """
        name, now = named(attributes), int(self._clock.now())
        sql = (
            "INSERT INTO folders (audience_id, parent_id, name, description, created_at, updated_at)"
            " VALUES (?, ?, ?, ?, ?, ?)"
        )
        values = (parent["audience_id"], parent["id"], name, attributes.get("description"), now, now)
        try:
            return int(self._storage.run(sql, *values).lastrowid or 0)
        except sqlite3.IntegrityError as error:
            raise taken() from error

    def update(self, row: sqlite3.Row, attributes: Mapping[str, Any], parent: sqlite3.Row | None) -> None:
        """Change the given attributes; move it when *parent* is given.

        Raises:
            Refused: a name that cannot be.
            EntityError: the root, or a move into itself or into another parent segment.
        """
        changes: dict[str, Any] = {"updated_at": int(self._clock.now())}
        if "name" in attributes:
            changes["name"] = named(attributes)
        if "description" in attributes:
            changes["description"] = attributes["description"]
        if parent is not None and parent["id"] != row["parent_id"]:
            self._check_move(row, parent)
            changes["parent_id"] = parent["id"]
        assignments = ", ".join(f"{column} = ?" for column in changes)
        try:
            self._storage.run(f"UPDATE folders SET {assignments} WHERE id = ?", *changes.values(), row["id"])
        except sqlite3.IntegrityError as error:
            raise taken() from error

    def delete(self, row: sqlite3.Row) -> None:
        """Remove an empty one.

        Raises:
            EntityError: 409, it has children or is the root.
        """
        if row["parent_id"] is None:
            raise EntityError(422, "unprocessable-entity-error", "The root folder cannot be deleted")
        for table, column in (("folders", "parent_id"), ("segments", "folder_id"), ("journeys", "folder_id")):
            if self._storage.one(f"SELECT 1 FROM {table} WHERE {column} = ?", row["id"]):
                raise EntityError(409, "conflict-error", "Folder has children")
        self._storage.run("DELETE FROM folders WHERE id = ?", row["id"])

    def _check_move(self, row: sqlite3.Row, parent: sqlite3.Row) -> None:
        cannot = {"unprocessableEntityCode": "CANNOT_MOVE"}
        if row["parent_id"] is None or parent["audience_id"] != row["audience_id"]:
            raise EntityError(422, "unprocessable-entity-error", "Folder cannot be moved there", meta=cannot)
        above: sqlite3.Row | None = parent
        while above is not None:
            if above["id"] == row["id"]:
                raise EntityError(422, "unprocessable-entity-error", "Folder cannot be moved into itself", meta=cannot)
            above = None if above["parent_id"] is None else self.find(str(above["parent_id"]))


LONGEST_NAME = 255


def named(attributes: Mapping[str, Any]) -> str:
    """The name that *attributes* give a folder or a segment.

    Raises:
        Refused: it is blank or too long.
    """
    name = str(attributes.get("name") or "").strip()
    if not name:
        raise blank("name")
    if len(name) > LONGEST_NAME:
        raise Refused("name", "IS_TOO_LONG", f"Name is too long (maximum is {LONGEST_NAME} characters)")
    return name
