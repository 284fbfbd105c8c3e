"""A Treasure Data that really answers: the embedded service in process, with a provider that speaks to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import duckdb
import pytest

from reconciler.apis.treasure_data import TreasureData
from reconciler.apis.treasure_data_connect import connect
from reconciler.apis.treasure_data_endpoint import Endpoint
from reconciler.engine.diff import Rules, differences, secrets_in, without_secrets
from reconciler.http.in_process import InProcessTransport
from reconciler.model.change import FieldChange
from reconciler.model.observation import Finding, Observation
from reconciler.model.record import Record
from reconciler.model.resource import Resource
from reconciler.model.secret import Secret
from reconciler.ports.clock import SystemClock
from reconciler.ports.exports import ExportReport, ExportRequest, Progress
from reconciler.ports.loads import LoadedRows, LoadRequest
from reconciler.ports.provider import Context, Wanted
from reconciler.providers.treasure_data.provider import TreasureDataProvider
from reconciler.schedule import check, next_after
from reconciler.sealing import MasterKey, Sealer
from reconciler.service.app import create_app
from reconciler.service.opening import open_service
from reconciler.service.service import Service

KEY = Secret("env:TD_API_KEY", "1/0123456789abcdef")
SECRETS = {
    name: Secret(f"env:{name.upper()}", f"FAKE-{name}") for name in ("client_id", "client_secret", "refresh_token")
}


class Cron:
    """The service's view of `reconciler.schedule`."""

    def check(self, cron: str, timezone: str) -> None:
        for problem in check(cron, timezone):
            raise ValueError(problem.message)

    def next_after(self, cron: str, timezone: str, unix_s: float) -> float | None:
        return next_after(cron, timezone, unix_s)


@dataclass
class Kept:
    """An exporter that keeps what it was told to do."""

    requests: list[ExportRequest] = field(default_factory=list)

    def check(self, request: ExportRequest, columns: Mapping[str, str]) -> None:
        """Accept everything."""

    def export(
        self,
        request: ExportRequest,
        connection: duckdb.DuckDBPyConnection,
        progress: Progress,
        cancelled: threading.Event,
    ) -> ExportReport:
        self.requests.append(request)
        (rows,) = connection.execute("SELECT count(*) FROM rows").fetchone() or (0,)
        progress(rows, rows, "sent")
        return ExportReport(rows=rows, sent=rows)


class OneRow:
    """An importer whose files have one row."""

    def read(self, request: LoadRequest, connection: duckdb.DuckDBPyConnection, progress: Progress) -> LoadedRows:
        connection.execute("CREATE OR REPLACE TEMP TABLE loaded AS SELECT 1 AS id")
        return LoadedRows("loaded")


@dataclass
class World:
    service: Service
    exporter: Kept
    provider: TreasureDataProvider
    api: TreasureData

    def look(self, resource: Resource, context: Context, record: Record | None = None) -> Observation | None:
        seen = self.provider.observe([Wanted(resource.address, resource, record)], context)[resource.address]
        assert isinstance(seen, Finding)
        assert len(seen.by_key) <= 1
        return seen.by_id or (seen.by_key[0] if seen.by_key else None)

    def unlike(
        self, resource: Resource, context: Context, observed: Observation, record: Record | None = None
    ) -> tuple[FieldChange, ...]:
        """What the engine would still change, secrets remembered as just applied."""
        desired = self.provider.desired(resource, context).attributes

        def fingerprint(secret: Secret, path: str) -> str:
            return secret.fingerprint(b"key", path)

        prints = {path: fingerprint(secret, path) for path, secret in secrets_in(desired)}
        applied = without_secrets(desired) if record is None else record.applied
        traits = self.provider.kinds[resource.address.kind]
        return differences(
            desired, observed.attributes, Record(observed.remote_id, applied, prints), Rules(traits, fingerprint)
        )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    exporter = Kept()
    with open_service(
        tmp_path_factory.mktemp("service"),
        exporter=exporter,
        importer=OneRow(),
        sealer=Sealer(MasterKey("test", b"k" * 32)),
        clock=SystemClock(),
        api_keys=[KEY.reveal()],
        cron=Cron(),
    ) as service:
        transport = InProcessTransport(create_app(service))
        api = connect(Endpoint("embedded", "http://embedded"), KEY, transport=transport)
        provider = TreasureDataProvider(api, "embedded/1", creates_connections=True)
        api.create_database("shop")
        api.create_table("shop", "orders", {})
        yield World(service, exporter, provider, api)
        api.close()


AROUND: dict[str, Mapping[str, object]] = {
    "schedule/nightly": {"cron": "30 2 * * *", "timezone": "Asia/Tokyo", "delay": "1h"},
    "connection/main": {"type": "pinterest", **SECRETS},
    "connection/here": {"type": "files", "root": "data"},
    "audience/buyers": {"connection": "main", "ad_account_id": "549760", "title": "Buyers"},
}
