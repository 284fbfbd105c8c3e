"""A clock of the tests' own, and every implementation of the state store."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import s3_server
import servers
import state_server

from reconciler.model.secret import Secret
from reconciler.ports.clock import Clock, SystemClock
from reconciler.ports.store import Keeps, StateStore
from reconciler.stores.http import HttpLock, HttpShelf
from reconciler.stores.http_server import Addresses, StateServer
from reconciler.stores.lease import LeaseLock
from reconciler.stores.local import LocalStore
from reconciler.stores.lock import Writer, process_started
from reconciler.stores.objects import ObjectShelf
from reconciler.stores.postgres import PostgresShelf
from reconciler.stores.shared import SharedStore
from reconciler.stores.shelf import Shelf

FEW = Keeps(states=4, runs=3)

OpenStore: TypeAlias = Callable[..., StateStore]


class SteppingClock:
    """Stands still except when somebody sleeps; then it steps, and really gives way to others for a moment."""

    def __init__(self) -> None:
        self.time_s = 1_770_000_000.0
        self.slept_s: list[float] = []

    def now(self) -> float:
        return self.time_s

    def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.time_s += seconds
        time.sleep(min(seconds, 0.01))


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    programs = servers.postgres_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed (initdb and postgres, as in the package postgresql)")
    with servers.postgres(programs) as connection:
        yield connection


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    with servers.s3() as address:
        yield address


class Place:
    """One place for a state; opens it again and again, as separate runs would."""

    def __init__(self, kind: str, request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> None:
        self.kind = kind
        self.clock = clock
        self.folder = tmp_path / "state"
        self._name = f"shop-{uuid.uuid4().hex}/prod"
        self._closing: list[Any] = []
        self.address = ""
        self.memory: state_server.Memory | None = None
        if kind in ("postgres", "s3"):
            self.address = request.getfixturevalue(kind)
        elif kind in ("http", "http-409"):
            serving = state_server.serving("gitlab" if kind == "http-409" else "terraform")
            self.address, self.memory = serving.__enter__()
            request.addfinalizer(lambda: serving.__exit__(None, None, None))
        request.addfinalizer(self._close)

    def shelf(self) -> Shelf:
        if self.kind == "postgres":
            shelf = PostgresShelf(Secret("test", self.address), self._name, keeps=FEW)
            self._closing.append(shelf)
            return shelf
        key = Secret("test", "FAKE")
        return ObjectShelf(
            s3_server.BUCKET,
            self._name,
            endpoint=self.address,
            access_key_id=key,
            secret_access_key=key,
            keeps=FEW,
        )

    def server(self) -> StateServer:
        lock = f"{self.address}/lock"
        addresses = (
            Addresses(self.address, lock, lock, "POST", "DELETE")
            if self.kind == "http-409"
            else Addresses(self.address)
        )
        server = StateServer(addresses, username=state_server.USER, password=Secret("test", state_server.PASSWORD))
        self._closing.append(server)
        return server

    def open(
        self,
        *,
        project: str = "",
        writer: Writer | None = None,
        started: Callable[[int], str | None] = process_started,
        lease_clock: Clock | None = None,
        renew_s: float = 30.0,
        **more: Any,
    ) -> StateStore:
        clock, writer = self.clock, writer or Writer.here()
        if self.kind == "local":
            return LocalStore(
                self.folder, "prod", project=project, clock=clock, writer=writer, started=started, keeps=FEW, **more
            )
        ids: dict[str, Any] = {
            "clock": clock,
            "writer": writer,
            "new_id": lambda: str(uuid.uuid4()),
            "started": started,
        }
        if self.kind in ("http", "http-409"):
            server = self.server()
            shelf: Shelf = HttpShelf(server, keeps=FEW)
            lock: Any = HttpLock(server, shelf, **ids)
        else:
            shelf = self.shelf()
            lock = LeaseLock(shelf, lease_clock=lease_clock or SystemClock(), renew_s=renew_s, **ids)
        return SharedStore(shelf, "prod", lock, project=project, clock=clock, writer=writer, **more)

    def _close(self) -> None:
        for each in self._closing:
            each.close()


KINDS = ("http", "http-409", "local", "postgres", "s3")


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path, clock: SteppingClock) -> Place:
    return Place(request.param, request, tmp_path, clock)


@pytest.fixture
def open_store(place: Place) -> OpenStore:
    """Opens the same stored state again and again, as separate runs would."""
    return place.open
