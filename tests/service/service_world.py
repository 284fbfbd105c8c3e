"""A service on a temporary folder, with doubles for what it is handed: exporter, importer, sealer, cron, clock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import httpx
import orjson
import uvicorn
from anyio.from_thread import BlockingPortal
from starlette.applications import Starlette
from starlette.types import ASGIApp

from reconciler.errors import Permanent, Transient
from reconciler.ports.exports import ExportReport, ExportRequest, Progress
from reconciler.ports.loads import LoadedRows, LoadRequest
from reconciler.service.app import create_app
from reconciler.service.service import Service

KEY = "1/0123456789abcdef"
NOW = 1_740_819_600.0  # 2025-03-01 09:00:00 UTC, a Saturday
TARGET = '{"type":"pinterest","refresh_token":"r-secret","audience_name":"x"}'


class FakeClock:
    """Stands still until told."""

    def __init__(self, now: float = NOW) -> None:
        self.time = now

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


class XorSealer:
    """Not encryption, but nothing sealed by it can be read in a file."""

    def seal(self, plain: bytes) -> bytes:
        return b"sealed:" + bytes(byte ^ 0x5A for byte in plain)

    def open(self, sealed: bytes) -> bytes:
        assert sealed.startswith(b"sealed:")
        return bytes(byte ^ 0x5A for byte in sealed[len(b"sealed:") :])


class MinuteHourCron:
    """``minute hour * * *`` and ``@hourly``, enough to schedule with; minute and hour may be ``*``."""

    def check(self, cron: str, timezone: str) -> None:
        if cron != "@hourly" and not (len(cron.split(" ")) == 5 and cron.endswith("* * *")):
            raise ValueError(f"not five fields: {cron!r}")

    def next_after(self, cron: str, timezone: str, unix_s: float) -> float | None:
        minute, hour = ("0", "*") if cron == "@hourly" else cron.split(" ")[:2]
        moment = datetime.fromtimestamp(unix_s, UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
        for _ in range(2 * 24 * 60):
            if minute in {"*", str(moment.minute)} and hour in {"*", str(moment.hour)}:
                return moment.timestamp()
            moment += timedelta(minutes=1)
        return None


@dataclass
class RecordingExporter:
    """Remembers what it was given; refuses and fails on request."""

    checked: list[tuple[ExportRequest, Mapping[str, str]]] = field(default_factory=list)
    exported: list[tuple[ExportRequest, list[tuple[Any, ...]]]] = field(default_factory=list)
    refusal: str = ""
    failure: str = ""
    passing: str = ""
    ending: BaseException | None = None
    wait_for_cancel: bool = False
    started: threading.Event = field(default_factory=threading.Event)

    def check(self, request: ExportRequest, columns: Mapping[str, str]) -> None:
        self.checked.append((request, dict(columns)))
        if self.refusal:
            raise Permanent(self.refusal, hint="write another")

    def export(
        self,
        request: ExportRequest,
        connection: duckdb.DuckDBPyConnection,
        progress: Progress,
        cancelled: threading.Event,
    ) -> ExportReport:
        rows = connection.sql("SELECT * FROM rows").fetchall()
        self.exported.append((request, rows))
        self.started.set()
        if self.failure:
            progress(0, len(rows), "uploading")
            raise Permanent(self.failure)
        if self.passing:
            raise Transient(self.passing)
        if self.ending is not None:
            raise self.ending
        if self.wait_for_cancel and cancelled.wait(30):
            raise Permanent("stopped")
        progress(len(rows), len(rows), "uploaded")
        return ExportReport(rows=len(rows), sent=len(rows), requests=1, audience_id="77")


@dataclass
class SqlImporter:
    """Reads what ``in.sql`` selects. *lasts*: see `LoadedRows`."""

    requests: list[LoadRequest] = field(default_factory=list)
    lasts: bool = False

    def read(self, request: LoadRequest, connection: duckdb.DuckDBPyConnection, progress: Progress) -> LoadedRows:
        self.requests.append(request)
        connection.execute(f"CREATE VIEW incoming_rows AS {request.source['sql']}")
        progress(1, 2, "read a page")
        return LoadedRows("incoming_rows", lasts=self.lasts)


class Client:
    """Calls the application in process, one request at a time."""

    def __init__(self, portal: BlockingPortal, app: Starlette) -> None:
        self._portal = portal
        self._app = app

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"authorization": f"TD1 {KEY}", **options.pop("headers", {})}
        return self._portal.call(self._send, method, path, headers, options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    async def _send(self, method: str, path: str, headers: dict[str, str], options: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://embedded") as client:
            return await client.request(method, path, headers=headers, **options)


@dataclass
class World:
    """An open service and everything around it."""

    root: Path
    clock: FakeClock
    exporter: RecordingExporter
    importer: SqlImporter
    service: Service
    client: Client
    port: int = 0

    def post(self, path: str, fields: Mapping[str, Any] | None = None, status: int = 200) -> Any:
        answer = self.client.post(path, data=dict(fields or {}))
        assert answer.status_code == status, answer.text
        return answer.json()

    def get(self, path: str, status: int = 200) -> Any:
        answer = self.client.get(path)
        assert answer.status_code == status, answer.text
        return answer.json()

    def json(self, method: str, path: str, body: object = None, status: int = 200) -> Any:
        """The answer to a request with a JSON body, or with none."""
        answer = self.client.request(method, path, **({} if body is None else {"json": body}))
        assert answer.status_code == status, answer.text
        return answer.json()

    def done(self, sql: str) -> None:
        """Run what must succeed and gives no rows."""
        job = self.run(sql)
        assert job["status"] == "success", job["debug"]

    def run(self, sql: str, *, engine: str = "trino", database: str = "sales", **fields: Any) -> dict[str, Any]:
        """Issue a query, wait, and return the job as shown."""
        job_id = self.post(f"/v3/job/issue/{engine}/{database}", {"query": sql, **fields})["job_id"]
        assert self.service.wait(60)
        job: dict[str, Any] = self.get(f"/v3/job/show/{job_id}")
        return job

    def rows(self, sql: str, *, engine: str = "trino", database: str = "sales", **fields: Any) -> list[list[Any]]:
        """The rows of a query that must succeed."""
        job = self.run(sql, engine=engine, database=database, **fields)
        assert job["status"] == "success", job["debug"]
        text = self.client.get(f"/v3/job/result/{job['job_id']}?format=json").text
        return [orjson.loads(line) for line in text.splitlines()]


@contextmanager
def listening(world: World, app: ASGIApp | None = None) -> Iterator[str]:
    """While inside, *world* answers at this address on loopback; *app* is what stands in front of it."""
    server = uvicorn.Server(uvicorn.Config(app or create_app(world.service), port=0, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
    world.port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{world.port}"
    server.should_exit = True
    thread.join()


def result(world: World, job: dict[str, Any], query: str, **options: Any) -> Any:
    return world.client.get(f"/v3/job/result/{job['job_id']}?{query}", **options)


OpenWorld = Callable[..., World]
