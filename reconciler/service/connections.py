"""Connections ("authentications") and the older results, which are connections made of a URL."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson

from reconciler.errors import TdrError
from reconciler.model.json import Json
from reconciler.ports.clock import Clock
from reconciler.service.answers import ApiError, invalid, iso_text, not_found
from reconciler.service.masking import MASK, holds_mask, masked, masked_url
from reconciler.service.ports import Sealer
from reconciler.service.storage import Storage


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection with its credentials in clear, for a run. *url* is set when it was made as a result."""

    id: int
    type: str
    settings: Mapping[str, Json] = field(repr=False)
    url: str | None = field(default=None, repr=False)


class Connections:
    """Connections of the account; credentials are sealed in the file and masked when read."""

    def __init__(self, storage: Storage, sealer: Sealer, clock: Clock) -> None:
        """Keep them in *storage*."""
        self._storage = storage
        self._sealer = sealer
        self._clock = clock

    def all(self) -> list[dict[str, Any]]:
        """All connections, masked, by name."""
        return [_shown(row) for row in self._storage.all("SELECT * FROM connections ORDER BY name")]

    def get(self, connection_id: str) -> dict[str, Any]:
        """One connection, masked."""
        return _shown(self._row(connection_id))

    def lookup(self, name: str) -> int:
        """The id of the connection called *name*."""
        row = self._storage.one("SELECT id FROM connections WHERE name = ?", name)
        if row is None:
            raise not_found("Authentication", name=name)
        return int(row["id"])

    def create(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Make a connection of `name`, `type`, `settings`, and perhaps `description` and `shared`."""
        name, type_ = _word(fields, "name"), _word(fields, "type")
        settings = _settings(fields.get("settings", {}))
        connection_id = self._insert(
            name, type_, settings, fields.get("description"), shared=bool(fields.get("shared")), url=None
        )
        return self.get(str(connection_id))

    def update(self, connection_id: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Change the given fields; `settings` are exchanged as a whole. A masked value sent back is refused."""
        row = self._row(connection_id)
        changes: dict[str, Any] = {"updated_at": int(self._clock.now())}
        for name in ("name", "type"):
            if name in fields:
                changes[name] = _word(fields, name)
        if "description" in fields:
            changes["description"] = fields["description"]
        if "shared" in fields:
            changes["shared"] = int(bool(fields["shared"]))
        if "settings" in fields:
            settings = _settings(fields["settings"])
            changes["settings"] = self._sealer.seal(orjson.dumps(settings))
            changes["shown"] = orjson.dumps(masked(settings)).decode()
        assignments = ", ".join(f"{column} = ?" for column in changes)
        try:
            self._storage.run(f"UPDATE connections SET {assignments} WHERE id = ?", *changes.values(), row["id"])
        except sqlite3.IntegrityError as error:
            raise ApiError(409, "Name has already been taken") from error
        return self.get(connection_id)

    def delete(self, connection_id: str) -> dict[str, Any]:
        """Remove a connection and return what it was."""
        shown = self.get(connection_id)
        self._storage.run("DELETE FROM connections WHERE id = ?", shown["id"])
        return shown

    def results(self) -> list[dict[str, Any]]:
        """All connections as v3 lists results; those without a URL show ``type://``."""
        rows = self._storage.all("SELECT name, type, url FROM connections ORDER BY name")
        return [{"name": row["name"], "url": row["url"] or f"{row['type']}://", "organization": None} for row in rows]

    def create_result(self, name: str, url: str) -> None:
        """Make a result. 409 in the words of td-client-java's tests."""
        if len(name) < 3:
            raise invalid("Name is too short (minimum is 3 characters)")
        try:
            type_ = urlsplit(url).scheme
        except ValueError as error:
            raise invalid("Url is invalid") from error
        if not type_:
            raise invalid("Url is invalid")
        try:
            self._insert(name, type_, {"url": url}, None, shared=False, url=masked_url(url))
        except ApiError as error:
            raise ApiError(409, "Result must be unique") from error

    def delete_result(self, name: str) -> None:
        """Remove a result. 404 when there is none."""
        if self._storage.run("DELETE FROM connections WHERE name = ?", name).rowcount == 0:
            raise not_found("Result", name=name)

    def open(self, connection_id: int) -> Connection:
        """A connection with its credentials."""
        return self._opened(self._row(str(connection_id)))

    def with_settings(self, source: Mapping[str, Any]) -> dict[str, Any]:
        """The `in` part of a bulk load with the settings of the connection it names, if it names one.

        Raises:
            TdrError: `td_authentication_id` is no id.
            ApiError: 404 when there is no such connection.
        """
        connection_id = source.get("td_authentication_id")
        if connection_id is None:
            return dict(source)
        if not str(connection_id).isdecimal():
            raise TdrError(f"td_authentication_id is no id: {connection_id!r}")
        connection = self.open(int(connection_id))
        return {"type": connection.type, **connection.settings, **source}

    def find(self, name: str) -> Connection | None:
        """The connection called *name* with its credentials, or None."""
        row = self._storage.one("SELECT * FROM connections WHERE name = ?", name)
        return None if row is None else self._opened(row)

    def _opened(self, row: sqlite3.Row) -> Connection:
        settings = orjson.loads(self._sealer.open(row["settings"]))
        return Connection(row["id"], row["type"], settings, settings.get("url") if row["url"] else None)

    def _insert(
        self,
        name: str,
        type_: str,
        settings: Mapping[str, Json],
        description: str | None,
        *,
        shared: bool,
        url: str | None,
    ) -> int:
        now = int(self._clock.now())
        try:
            cursor = self._storage.run(
                "INSERT INTO connections (name, type, description, shared, url, settings, shown, created_at, updated_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                *(name, type_, description, int(shared), url, self._sealer.seal(orjson.dumps(settings))),
                *(orjson.dumps(masked(settings)).decode(), now, now),
            )
        except sqlite3.IntegrityError as error:
            raise ApiError(409, "Name has already been taken") from error
        return int(cursor.lastrowid or 0)

    def _row(self, connection_id: str) -> sqlite3.Row:
        row = (
            self._storage.one("SELECT * FROM connections WHERE id = ?", int(connection_id))
            if connection_id.isdecimal()
            else None
        )
        if row is None:
            raise not_found("Authentication", id=connection_id)
        return row


def _word(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value.strip():
        raise invalid(f"{name.capitalize()} can't be blank")
    return value


def _settings(value: object) -> dict[str, Json]:
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise invalid("Settings is not a JSON object") from error
    if not isinstance(value, dict):
        raise invalid("Settings is not a JSON object")
    if holds_mask(value):
        raise invalid(f"Settings holds a masked value ({MASK}): write the secret itself")
    return value


def _shown(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "type": row["type"],
        "description": row["description"],
        "settings": orjson.loads(row["shown"]),
        "shared": bool(row["shared"]),
        "user": {"id": 1, "name": "Local User"},
        "permissions": {"update": True, "destroy": True},
        "created_at": iso_text(row["created_at"]),
        "updated_at": iso_text(row["updated_at"]),
    }
