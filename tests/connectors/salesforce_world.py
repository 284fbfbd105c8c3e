"""A destination in front of an emulated org, and what is there in the end."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb
from export_world import FakeClock
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler.connectors.destinations.salesforce import SalesforceDestination
from reconciler.connectors.destinations.salesforce_client import connector
from reconciler.dataplane.exporter import TypedExporter
from reconciler.emulators.salesforce.jobs import Batch, Job
from reconciler.emulators.salesforce.knobs import Knobs
from reconciler.emulators.salesforce.sandbox import SalesforceSandbox
from reconciler.emulators.salesforce.sessions import Credentials
from reconciler.model.json import Json
from reconciler.ports.exports import ExportReport, ExportRequest
from reconciler.ports.tokens import TokenStore

SECRET = "FAKE-consumer-secret/1"
PEOPLE = "SELECT 'k' || i AS Key__c, 'Name ' || i AS LastName FROM range(50) t(i)"
UPSERT: dict[str, Json] = {"mode": "update", "upsert": True, "unique": "Key__c"}
WANTED = sorted((f"k{i}", f"Name {i}") for i in range(50))
"""What is there of `PEOPLE`."""
OLD: dict[str, Json] = {"api_version": "32.0", "split_records": 20}
"""Bulk API 1.0 in batches of 20."""
APIS: dict[str, dict[str, Json]] = {
    "bulk2": {},
    "bulk1": OLD,
    "serial": {"concurrency_mode": "serial", "split_records": 20},
}
_SYSTEM: Final = frozenset({"Id", "OwnerId", "CreatedDate", "SystemModstamp", "DoNotCall"})
"""What Salesforce fills by itself, and a truth value that is false where nobody says otherwise."""
_LOST: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "create": (("POST", "/services/data/*/jobs/ingest"), ("POST", "/services/async/*/job")),
    "upload": (("PUT", "/services/data/**/batches"), ("POST", "/services/async/**/batch")),
    "start": (("PATCH", "/services/data/**"),),
}
FAULTS: Final[Mapping[str, dict[str, Any]]] = {
    "429": {"kind": "error", "status": 429},
    "503": {"kind": "error", "status": 503},
    "cut": {"kind": "cut"},
    "lost": {"kind": "answer_lost"},
    "acted-503": {"kind": "answer_replaced"},
}
"""What may happen to a request, before it acts and after it acted, as the console knows it."""


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
class Told:
    """An answer of the org, which may be changed before anybody hears it. *headers* are in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


class Passage:
    """What requests pass on their way to *app*, which is the org.

    number: of requests so far. after: number of a request, counted from 1 -> what is done once it acted and before it is
    answered. changed: is given each answer, to change it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.begin()

    def begin(self) -> None:
        """Count anew, and leave everything as it is."""
        self.number = 0
        self.after: dict[int, Callable[[], object]] = {}
        self.changed: Callable[[Told], None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith("/services/"):
            await self._app(scope, receive, send)
            return
        self.number += 1
        act = self.after.get(self.number)
        if act is None and self.changed is None:
            await self._app(scope, receive, send)
            return
        told: list[Message] = []
        plain = [one for one in scope["headers"] if one[0].lower() != b"accept-encoding"]

        async def take(message: Message) -> None:
            told.append(message)

        await self._app({**scope, "headers": plain}, receive, take)
        if act is not None:
            act()
        for message in self._heard(scope["path"], told):
            await send(message)

    def _heard(self, path: str, told: list[Message]) -> list[Message]:
        if self.changed is None or not told:
            return told
        headers = {name.decode().lower(): value.decode() for name, value in told[0]["headers"]}
        answer = Told(path, headers, b"".join(one.get("body", b"") for one in told))
        self.changed(answer)
        answer.headers["content-length"] = str(len(answer.body))
        start = {**told[0], "headers": [(name.encode(), value.encode()) for name, value in answer.headers.items()]}
        return [start, {"type": "http.response.body", "body": answer.body}]


@dataclass
class Crm:
    """An org that answers, and the passage before it."""

    sandbox: SalesforceSandbox
    passage: Passage

    def begin(self) -> None:
        """Another org at the same address, whose user may do everything."""
        self.sandbox.control.reset()
        self.passage.begin()


@contextmanager
def running_crm() -> Iterator[Crm]:
    passages: list[Passage] = []

    def door(app: ASGIApp) -> ASGIApp:
        passages.append(Passage(app))
        return passages[0]

    credentials = Credentials("FAKE-consumer", SECRET)
    with SalesforceSandbox(credentials, knobs=Knobs(hard_delete=True), door=door) as sandbox:
        yield Crm(sandbox, passages[0])


@dataclass
class World:
    """A destination in front of the org of this test."""

    folder: Path
    crm: Crm
    said: list[str] = field(default_factory=list)
    cancelled: threading.Event = field(default_factory=threading.Event)

    # -- the destination -------------------------------------------------------------------------------------------

    def run(self, sql: str, settings: dict[str, Json], job: str = "1") -> ExportReport:
        with duckdb.connect() as connection:
            connection.execute(f"CREATE VIEW rows AS {sql}")
            request = ExportRequest("sfdc_v2", settings_for(self.org.base_url, settings), job)
            return self._exporter().export(request, connection, self._tell, self.cancelled)

    def retry(self, settings: dict[str, Json], job: str = "1") -> ExportReport:
        request = ExportRequest("sfdc_v2", settings_for(self.org.base_url, settings), job)
        return self._exporter().retry(request, self._tell, self.cancelled)

    def _exporter(self) -> TypedExporter:
        clock = FakeClock()
        destination = SalesforceDestination(
            connector(None, clock, no_tokens), self.folder / "runs", quarantine=self.folder / "quarantine", clock=clock
        )
        return TypedExporter({"sfdc_v2": destination})

    def _tell(self, _done: int, _total: int, event: str = "") -> None:
        self.said.append(event)

    def left_over(self) -> list[Path]:
        """Files with rows, but those that were refused and are kept for a retry."""
        lasting = {"run.json", "refused.parquet"}
        files = [path for path in (self.folder / "runs").rglob("*") if path.is_file() and path.stat().st_size]
        return [path for path in files if path.name not in lasting]

    def kept(self) -> list[Path]:
        return list((self.folder / "runs").rglob("refused.parquet"))

    # -- the org ---------------------------------------------------------------------------------------------------

    @property
    def org(self) -> SalesforceSandbox:
        return self.crm.sandbox

    @property
    def jobs(self) -> list[Job]:
        """Those that were made, oldest first."""
        return list(self.org.org.world.jobs.values())

    def put(self, *rows: Mapping[str, Json]) -> list[str]:
        """Contacts that are there already; their ids."""
        return self.org.put("Contact", *rows)

    def before(self, count: int = 70) -> list[str]:
        """Ids of contacts that are there: those of every other row of `PEOPLE`, and others."""
        return self.put(*({"Key__c": f"k{2 * i}", "LastName": f"Former {i}"} for i in range(count)))

    def contacts(self) -> dict[str, dict[str, Json]]:
        """Id -> what somebody wrote there."""
        return {str(one["Id"]): _written(one) for one in self.org.records("Contact")}

    def there(self) -> list[tuple[Json, ...]]:
        return sorted(tuple(one[name] for name in sorted(one)) for one in self.contacts().values())

    def binned(self) -> list[str]:
        """Ids of contacts in the recycle bin."""
        return [str(one["Id"]) for one in self.org.records("Contact", deleted=True) if one.get("IsDeleted")]

    def asked(self) -> list[str]:
        """Requests so far, such as ``PUT batches``."""
        return [f"{one['method']} {one['path'].rpartition('/')[2]}" for one in self.org.control.traffic()]

    def refuse(self, *names: str) -> None:
        """A rule of the org is against these last names, and against no other from now on."""
        self.org.lift_rules()
        for name in names:
            self.org.rule("LastName", name)

    def lose(self, *kinds: str) -> None:
        """The next answers to requests of these kinds get lost after they acted: ``create``, ``upload``, ``start``."""
        for kind, count in Counter(kinds).items():
            for method, path in _LOST[kind]:
                self.org.control.fault("answer_lost", method=method, path=path, count=count)

    def disturb(self, fault: str, *numbers: int) -> None:
        """*fault* of `FAULTS` strikes the requests of these numbers, counted from 1."""
        for number in numbers:
            if number > self.crm.passage.number:
                nth = number - self.crm.passage.number
                self.org.control.fault(**FAULTS[fault], path="/services/**", nth=nth)

    def after(self, number: int, act: Callable[[], object]) -> None:
        """*act* once the request of that number acted, before it is answered."""
        self.crm.passage.after[number] = act

    def stop_once_rows_arrived(self) -> None:
        """The run is to end as soon as any rows are in the org, whatever of them is done."""
        for number in range(1, 30):
            self.after(number, lambda: any(job.batches for job in self.jobs) and self.cancelled.set())

    def go_on(self) -> None:
        """Nobody wants an end any more, and nothing is done after requests."""
        self.crm.passage.after.clear()
        self.cancelled.clear()


def rows_of(batch: Batch) -> int:
    return len(batch.table.rows) if batch.table is not None else 0


def bodies(job: Job) -> list[bytes]:
    return [batch.body for batch in job.batches.values()]


def counting_one_too_few(told: Told) -> None:
    """Not all rows are accounted for."""
    told.body = re.sub(
        rb'(numberRecordsProcessed"?[:>])([1-9]\d*)', lambda one: one[1] + b"%d" % (int(one[2]) - 1), told.body
    )


def _written(record: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in record.items() if name not in _SYSTEM}
