"""What a tenant of Qlik Cloud tells, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from reconciler.model.json import Json


def text(value: Json) -> str:
    """*value* where it is text, else ""."""
    return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class Space:
    """A space."""

    id: str
    name: str

    @classmethod
    def of(cls, row: Mapping[str, Json]) -> Self:
        """As it is told."""
        return cls(text(row.get("id")), text(row.get("name")))


@dataclass(frozen=True, slots=True)
class Gateway:
    """A data gateway. How its members are called is not described, so two ways are understood."""

    id: str
    name: str

    @classmethod
    def of(cls, row: Mapping[str, Json]) -> Self:
        """As it is told."""
        gateway_id = text(row.get("id")) or text(row.get("gatewayId"))
        return cls(gateway_id, text(row.get("name")) or text(row.get("gatewayName")) or gateway_id)


@dataclass(frozen=True, slots=True)
class Source:
    """A data source."""

    id: str
    name: str

    @classmethod
    def of(cls, row: Mapping[str, Json]) -> Self:
        """As it is told."""
        return cls(text(row.get("dataSourceId")), text(row.get("name")))


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection.

    properties: None where they were not asked for. credentials_id: "" while nobody has consented, as far as that is told.
    updated, created: Unix seconds, None when not told.
    """

    id: str
    name: str
    source_id: str
    space_id: str
    properties: Mapping[str, Json] | None = field(repr=False)
    credentials_id: str
    created: int | None
    updated: int | None
    raw: Mapping[str, Json] = field(repr=False)

    @classmethod
    def of(cls, row: Mapping[str, Json]) -> Self:
        """As it is told."""
        properties = row.get("connectionProperties")
        return cls(
            text(row.get("qID")),
            text(row.get("qName")),
            text(row.get("datasourceID")),
            text(row.get("space")),
            properties if isinstance(properties, Mapping) else None,
            text(row.get("qCredentialsID")),
            _unix_s(row.get("created")),
            _unix_s(row.get("updated")),
            row,
        )


@dataclass(frozen=True, slots=True)
class Project:
    """A data project."""

    id: str
    name: str
    space_id: str

    @classmethod
    def of(cls, row: Mapping[str, Json]) -> Self:
        """As it is told."""
        return cls(text(row.get("id")), text(row.get("name")), text(row.get("spaceId")))


@dataclass(frozen=True, slots=True)
class Task:
    """A task of a project."""

    id: str
    name: str
    type: str

    @classmethod
    def of(cls, row: Mapping[str, Json]) -> Self:
        """As it is told."""
        return cls(text(row.get("id")), text(row.get("name")), text(row.get("type")))


@dataclass(frozen=True, slots=True)
class RunState:
    """Where a task stands. *last*: state of the last run, "" when there was none."""

    last: str
    readiness: str
    started: str

    @classmethod
    def of(cls, row: Mapping[str, Json]) -> Self:
        """As it is told."""
        run, readiness = row.get("lastRun"), row.get("runReadiness")
        ready = readiness.get("state") if isinstance(readiness, Mapping) else readiness
        told = run if isinstance(run, Mapping) else {}
        return cls(text(told.get("state")), text(ready), text(told.get("startTime")))


def _unix_s(value: Json) -> int | None:
    try:
        return int(datetime.fromisoformat(text(value)).timestamp())
    except ValueError:
        return None
