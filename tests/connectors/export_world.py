"""One destination in front of a Pinterest in memory."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
from pinterest_fake import FakePinterest

from reconciler.connectors.destinations.pinterest import PinterestDestination
from reconciler.dataplane.exporter import TypedExporter
from reconciler.model.json import Json
from reconciler.ports.exports import ExportReport, ExportRequest

ACTION_IDS = {
    "add_people_to_current_audience": "audience_id_add_people",
    "remove_people_to_current_audience": "audience_id_remove_people",
    "replace_current_audience": "audience_id_replace",
    "delete_current_audience": "audience_id_delete",
}


class FakeClock:
    """Time passes only by sleeping."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def settings_of(action: str, target: str, **more: Json) -> dict[str, Json]:
    named = {"audience_name": target} if action == "create_new_audience" else {ACTION_IDS[action]: target}
    return {
        "type": "pinterest",
        "client_id": "app",
        "client_secret": "s3cret",
        "refresh_token": "r3fresh",
        "ad_account_id": "549700000001",
        "audience_type": "customer_list",
        "action": action,
        **named,
        **more,
    }


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def rows_of(values: Iterable[str | None], column: str = "email") -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(f'CREATE TABLE rows ("{column}" VARCHAR)')
    connection.execute("INSERT INTO rows SELECT unnest(?::VARCHAR[])", [list(values)])
    return connection


@dataclass
class Exports:
    """One destination with its ledger, and exports through it."""

    folder: Path
    api: FakePinterest = field(default_factory=FakePinterest)
    events: list[str] = field(default_factory=list)
    cancelled: threading.Event = field(default_factory=threading.Event)
    allow_empty_replace: bool = False
    jobs: int = 0

    def destination(self) -> PinterestDestination:
        return PinterestDestination(
            lambda _settings, _cancelled: self.api,
            self.folder / "ledger",
            quarantine=self.folder / "quarantine",
            clock=FakeClock(),
            allow_empty_replace=self.allow_empty_replace,
        )

    def run(
        self,
        values: Iterable[str | None],
        settings: dict[str, Json],
        *,
        column: str = "email",
        job: str = "",
    ) -> ExportReport:
        self.jobs += 1
        with rows_of(values, column) as connection:
            return self.run_on(connection, settings, job=job)

    def run_on(
        self, connection: duckdb.DuckDBPyConnection, settings: dict[str, Json], *, job: str = ""
    ) -> ExportReport:
        request = ExportRequest("pinterest", settings, job or f"job-{self.jobs}")
        exporter = TypedExporter({"pinterest": self.destination()})
        return exporter.export(
            request, connection, lambda _done, _total, event="": self.events.append(event), self.cancelled
        )

    def bytes_on_disk(self) -> bytes:
        return b"".join(path.read_bytes() for path in sorted(self.folder.rglob("*")) if path.is_file())
