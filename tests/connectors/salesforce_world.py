"""A destination in front of a small Salesforce, and what is there in the end."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
from export_world import FakeClock
from salesforce_server import Org, Server

from reconciler.connectors.destinations.salesforce import SalesforceDestination
from reconciler.connectors.destinations.salesforce_client import connector
from reconciler.dataplane.exporter import TypedExporter
from reconciler.model.json import Json
from reconciler.ports.exports import ExportReport, ExportRequest
from reconciler.ports.tokens import TokenStore

SECRET = "FAKE-consumer-secret/1"
PEOPLE = "SELECT 'k' || i AS Key__c, 'Name ' || i AS LastName FROM range(50) t(i)"
UPSERT: dict[str, Json] = {"mode": "update", "upsert": True, "unique": "Key__c"}


def settings_for(url: str, settings: dict[str, Json]) -> dict[str, Json]:
    return {
        "auth_method": "client_credentials",
        "login_url": url,
        "client_id": "FAKE-consumer",
        "client_secret": SECRET,
        "api_version": "60.0",
        "object": "Contact",
        **settings,
    }


def no_tokens() -> TokenStore:
    raise AssertionError("client credentials have no tokens to keep")


@dataclass
class World:
    """A destination in front of a Salesforce of this test."""

    folder: Path
    server: Server
    said: list[str] = field(default_factory=list)
    cancelled: threading.Event = field(default_factory=threading.Event)

    @property
    def org(self) -> Org:
        return self.server.org

    def run(self, sql: str, settings: dict[str, Json], job: str = "1") -> ExportReport:
        with duckdb.connect() as connection:
            connection.execute(f"CREATE VIEW rows AS {sql}")
            request = ExportRequest("sfdc_v2", settings_for(self.server.url, settings), job)
            return self._exporter().export(request, connection, self._tell, self.cancelled)

    def retry(self, settings: dict[str, Json], job: str = "1") -> ExportReport:
        request = ExportRequest("sfdc_v2", settings_for(self.server.url, settings), job)
        return self._exporter().retry(request, self._tell, self.cancelled)

    def _exporter(self) -> TypedExporter:
        clock = FakeClock()
        destination = SalesforceDestination(
            connector(None, clock, no_tokens), self.folder / "runs", quarantine=self.folder / "quarantine", clock=clock
        )
        return TypedExporter({"sfdc_v2": destination})

    def _tell(self, _done: int, _total: int, event: str = "") -> None:
        self.said.append(event)

    def there(self) -> list[tuple[str, ...]]:
        return sorted(tuple(one[name] for name in sorted(one)) for one in self.org.records.values())

    def left_over(self) -> list[Path]:
        """Files with rows, but those that were refused and are kept for a retry."""
        lasting = {"run.json", "refused.parquet"}
        files = [path for path in (self.folder / "runs").rglob("*") if path.is_file() and path.stat().st_size]
        return [path for path in files if path.name not in lasting]

    def kept(self) -> list[Path]:
        return list((self.folder / "runs").rglob("refused.parquet"))
