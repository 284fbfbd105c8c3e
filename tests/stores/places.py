"""Every kind of place that a state can be kept at, opened again and again, as separate runs would."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import s3_server
import state_server

from reconciler.model.secret import Secret
from reconciler.ports.clock import Clock, SystemClock
from reconciler.ports.store import Keeps, StateStore
from reconciler.stores.holding import Writer, process_started
from reconciler.stores.http import HttpShelf
from reconciler.stores.http_lock import HttpLock
from reconciler.stores.http_server import Addresses, StateServer
from reconciler.stores.lease import LEASE_S, RENEW_S, LeaseLock
from reconciler.stores.local import LocalStore
from reconciler.stores.objects import ObjectShelf
from reconciler.stores.postgres import PostgresShelf
from reconciler.stores.shared import SharedStore
from reconciler.stores.shelf import Shelf

FEW = Keeps(states=4, runs=3)
KINDS = ("http", "http-409", "local", "postgres", "s3")


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


@dataclass
class Place:
    """One place for a state.

    address: of the server it is at, "" for a folder.
    name: tells the places at one server apart.
    """

    kind: str
    address: str
    name: str
    folder: Path
    clock: Clock
    closing: ExitStack = field(default_factory=ExitStack)
    memory: state_server.Memory | None = None

    def shelf(self) -> Shelf:
        if self.kind == "postgres":
            shelf = PostgresShelf(Secret("test", self.address), self.name, keeps=FEW, stalled_s=1.0)
            self.closing.callback(shelf.close)
            return shelf
        key = Secret("test", "FAKE")
        return ObjectShelf(
            s3_server.BUCKET,
            self.name,
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
        self.closing.callback(server.close)
        return server

    def open(
        self,
        *,
        project: str = "",
        writer: Writer | None = None,
        started: Callable[[int], str | None] = process_started,
        lease_clock: Clock | None = None,
        lease_s: float = LEASE_S,
        renew_s: float = RENEW_S,
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
            lock = LeaseLock(shelf, lease_clock=lease_clock or SystemClock(), lease_s=lease_s, renew_s=renew_s, **ids)
        return SharedStore(shelf, "prod", lock, project=project, clock=clock, writer=writer, **more)
