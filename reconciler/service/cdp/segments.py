"""Segments: rules over the customers of a parent segment, and how many they take in."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any, Final

import orjson

from reconciler.errors import TdrError
from reconciler.ports.clock import Clock
from reconciler.service.catalog import Catalog
from reconciler.service.cdp.building import Build, Builds, database_of
from reconciler.service.cdp.errors import EntityError, Refused, taken
from reconciler.service.cdp.folders import named
from reconciler.service.cdp.operators import RuleError
from reconciler.service.cdp.rules import Matrix, members, references
from reconciler.service.storage import Storage
from reconciler.service.warehouse import Warehouse

BATCH: Final = 0
"""The kind of segment that is kept here; real-time and funnel-stage ones are not."""


class Segments:
    """Segments of all parent segments; ids are unique over all."""

    def __init__(self, storage: Storage, builds: Builds, catalog: Catalog, warehouse: Warehouse, clock: Clock) -> None:
        """Keep them in *storage*; the others are for counting."""
        self._storage = storage
        self._builds = builds
        self._catalog = catalog
        self._warehouse = warehouse
        self._clock = clock

    def of(self, audience_id: int) -> list[sqlite3.Row]:
        """All segments of a parent segment, by id."""
        return self._storage.all("SELECT * FROM segments WHERE audience_id = ? ORDER BY id", audience_id)

    def find(self, segment_id: str) -> sqlite3.Row | None:
        """The stored row of one, or None."""
        if not segment_id.isdecimal():
            return None
        return self._storage.one("SELECT * FROM segments WHERE id = ?", int(segment_id))

    def create(self, folder: sqlite3.Row, attributes: Mapping[str, Any]) -> int:
        """Make one in *folder* and return its id.

        Raises:
            Refused: a name that is missing or taken there, a rule that cannot be read.
        """
        now = int(self._clock.now())
        values = {
            **self._changes(folder["audience_id"], {**attributes, "name": attributes.get("name")}, ""),
            "audience_id": folder["audience_id"],
            "folder_id": folder["id"],
            "created_at": now,
        }
        columns, marks = ", ".join(values), ", ".join("?" * len(values))
        try:
            cursor = self._storage.run(f"INSERT INTO segments ({columns}) VALUES ({marks})", *values.values())
        except sqlite3.IntegrityError as error:
            raise taken() from error
        return int(cursor.lastrowid or 0)

    def update(self, row: sqlite3.Row, attributes: Mapping[str, Any], folder: sqlite3.Row | None) -> None:
        """Change the given attributes; move it when *folder* is given.

        Raises:
            Refused: as for `create`, and references in a circle.
            EntityError: a move into another parent segment.
        """
        changes = self._changes(row["audience_id"], attributes, str(row["id"]))
        if folder is not None:
            if folder["audience_id"] != row["audience_id"]:
                meta = {"unprocessableEntityCode": "CANNOT_MOVE"}
                raise EntityError(422, "unprocessable-entity-error", "Segment cannot be moved there", meta=meta)
            changes["folder_id"] = folder["id"]
        assignments = ", ".join(f"{column} = ?" for column in changes)
        try:
            self._storage.run(f"UPDATE segments SET {assignments} WHERE id = ?", *changes.values(), row["id"])
        except sqlite3.IntegrityError as error:
            raise taken() from error

    def delete(self, row: sqlite3.Row) -> None:
        """Remove one that no other refers to.

        Raises:
            EntityError: 409 with the ids of those that do.
        """
        segment_id = str(row["id"])
        users = [
            str(other["id"])
            for other in self.of(row["audience_id"])
            if segment_id in references(orjson.loads(other["rule"])) and other["id"] != row["id"]
        ]
        if users:
            meta = {"referencedBySegments": users, "referencedByPredictiveSegments": []}
            raise EntityError(409, "conflict-error", "Segment is referenced by other segments", meta=meta)
        self._storage.run("DELETE FROM segments WHERE id = ?", row["id"])

    def population(self, row: sqlite3.Row, build: Build | None) -> int | None:
        """How many customers of the newest *build* it takes in; None before there is one, or when nobody asked.

        A count is kept until rule or tables change.
        """
        if build is None or not row["count_population"]:
            return None
        if row["counted_run"] == build.id:
            return None if row["population"] is None else int(row["population"])
        from reconciler.service.cdp.counting import count  # noqa: PLC0415 - brings sqlglot and duckdb

        try:
            found: int | None = count(
                orjson.loads(row["rule"]),
                self._matrix(row["audience_id"], build),
                database_of(row["audience_id"]),
                catalog=self._catalog,
                warehouse=self._warehouse,
                now=int(self._clock.now()),
            )
        except (RuleError, TdrError):
            # The tables lost a column that the rule names: there is no count, and reading the segment goes on.
            found = None
        self._storage.run(
            "UPDATE segments SET population = ?, counted_run = ? WHERE id = ?", found, build.id, row["id"]
        )
        return found

    def sql(self, audience_id: int, rule: Mapping[str, Any]) -> str:
        """What would be run for *rule*.

        Raises:
            Refused: it cannot be read.
        """
        return self.members_sql(rule, self.built_matrix(audience_id))

    def built_matrix(self, audience_id: int) -> Matrix:
        """What the newest build of a parent segment holds.

        Raises:
            Refused: there is none.
        """
        build = self._builds.newest(audience_id)
        if build is None:
            raise Refused("rule", "INVALID_FORMAT_OR_ASSOCIATION", "the parent segment was not run yet")
        return self._matrix(audience_id, build)

    def members_sql(self, rule: Mapping[str, Any], matrix: Matrix, columns: str = "*") -> str:
        """The SELECT of *columns* of everybody whom *rule* takes in.

        Raises:
            Refused: the rule cannot be read.
        """
        try:
            return members(rule, matrix, columns)
        except RuleError as error:
            raise _unreadable(error) from error

    def _changes(self, audience_id: int, attributes: Mapping[str, Any], segment_id: str) -> dict[str, Any]:
        changes: dict[str, Any] = {"updated_at": int(self._clock.now())}
        if "name" in attributes:
            changes["name"] = named(attributes)
        if "description" in attributes:
            changes["description"] = attributes["description"]
        if "countPopulation" in attributes:
            changes["count_population"] = int(bool(attributes["countPopulation"]))
        if attributes.get("kind", BATCH) not in {BATCH, str(BATCH), "batch"}:
            raise Refused("kind", "INVALID_FORMAT_OR_ASSOCIATION", "only batch segments are kept here")
        if "rule" in attributes:
            rule = attributes["rule"] or {}
            if not isinstance(rule, dict):
                raise Refused("rule", "INVALID_FORMAT_OR_ASSOCIATION", "rule is not an object")
            self._check(audience_id, rule, segment_id)
            changes |= {"rule": orjson.dumps(rule).decode(), "counted_run": None}
        return changes

    def _check(self, audience_id: int, rule: Mapping[str, Any], segment_id: str) -> None:
        """Refuse what cannot be read; columns are only known once the parent segment was run."""
        for reference in references(rule):
            other = self.find(reference)
            if other is None or other["audience_id"] != audience_id:
                raise Refused("rule", "INVALID_FORMAT_OR_ASSOCIATION", f"there is no segment {reference}")
            if segment_id and segment_id in self._reached_from(reference):
                raise Refused("rule", "INVALID_FORMAT_OR_ASSOCIATION", "segments refer to each other in a circle")
        build = self._builds.newest(audience_id)
        if build is not None:
            try:
                members(rule, self._matrix(audience_id, build))
            except RuleError as error:
                raise _unreadable(error) from error

    def _reached_from(self, segment_id: str) -> set[str]:
        """Ids of the segment and of all that it refers to."""
        found: set[str] = set()
        waiting = [segment_id]
        while waiting:
            one = waiting.pop()
            row = None if one in found else self.find(one)
            found.add(one)
            waiting += references(orjson.loads(row["rule"])) if row is not None else ()
        return found

    def _matrix(self, audience_id: int, build: Build) -> Matrix:
        def rule_of(segment_id: str) -> Mapping[str, Any] | None:
            row = self.find(segment_id)
            return orjson.loads(row["rule"]) if row is not None and row["audience_id"] == audience_id else None

        return self._builds.matrix(audience_id, build, rule_of)


def _unreadable(error: RuleError) -> Refused:
    return Refused(f"rule{error.pointer}", "INVALID_FORMAT_OR_ASSOCIATION", f"rule{error.pointer} {error.message}")
