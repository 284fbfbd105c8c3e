"""Loads from the emulator, one after the other, into a table that keeps the last row of each id as the service does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import httpx
import orjson

from reconciler.connectors.sources.intercom import IntercomSource
from reconciler.connectors.sources.intercom_client import connector
from reconciler.emulators.intercom.sandbox import IntercomSandbox
from reconciler.emulators.timeline import Timeline
from reconciler.model.json import Json
from reconciler.ports.loads import LoadedRows, LoadRequest

TOKEN = "dG9rOmZha2VfdG9rZW5fb2ZfdGVzdHM="


class TimelineClock:
    """The emulator's time, which goes on only by waiting."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self.slept: list[float] = []

    def now(self) -> float:
        return self._timeline.now()

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._timeline.advance(max(0.0, seconds))


class Watching(httpx.BaseTransport):
    """Carries requests to *inner*, keeps their bodies and addresses, and lets something happen before the *n*-th."""

    def __init__(self, inner: httpx.BaseTransport, before: Callable[[int], None] = lambda _: None) -> None:
        self._inner = inner
        self._before = before
        self.requests: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        self._before(len(self.requests))
        return self._inner.handle_request(request)

    def bodies(self) -> list[Any]:
        return [orjson.loads(one.content) for one in self.requests if one.content]


class Loads:
    """One load that runs now and then. *table*: id -> row; *rows*: of the last run."""

    def __init__(
        self, sandbox: IntercomSandbox, folder: Path, transport: httpx.BaseTransport, **settings: Json
    ) -> None:
        self.clock = TimelineClock(sandbox.intercom.timeline)
        self._folder = folder
        self.source: dict[str, Json] = {"type": "intercom", "access_token": TOKEN, **settings}
        self._importer = IntercomSource(
            connector(base_url=sandbox.base_url, clock=self.clock, transport=lambda: transport)
        )
        self.position: Mapping[str, Json] = {}
        self.table: dict[str, dict[str, Any]] = {}
        self.rows: list[dict[str, Any]] = []
        self.types: dict[str, str] = {}
        self.loaded: LoadedRows | None = None

    def run(self, *, enough: int = 0) -> list[dict[str, Any]]:
        """Load once; nothing is kept when it fails."""
        request = LoadRequest(self.source, "1", position=self.position, enough=enough)
        with duckdb.connect(config={"temp_directory": str(self._folder)}) as connection:
            loaded = self._importer.read(request, connection, lambda *_: None)
            relation = connection.table(loaded.relation)
            self.types = {name: str(type_) for name, type_ in zip(relation.columns, relation.types, strict=True)}
            rows = [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]
        if loaded.position is not None:
            self.position = loaded.position
        self.table.update({row["id"]: row for row in rows})
        self.rows, self.loaded = rows, loaded
        return rows
