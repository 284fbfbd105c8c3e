"""One of several processes that apply the same documents at the same place, again and again, through the engine.

The vendor is a file that all of them share. It finds objects by id only and makes a second one of a name without a word, so
nothing but the state keeps an object from being made twice.
"""

from __future__ import annotations

import json
import random
import sqlite3
import sys
import threading
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # where what all tests share is

from places import Place

from reconciler.diagnostics import Diagnostic
from reconciler.engine.applying import Applier, Status
from reconciler.engine.planning import prepare
from reconciler.engine.scoping import exactly
from reconciler.engine.session import Session
from reconciler.engine.world import World
from reconciler.model.address import Address
from reconciler.model.environment import EnvironmentSpec
from reconciler.model.kinds import QuerySpec
from reconciler.model.observation import Finding, Observation, Seen
from reconciler.model.record import Record
from reconciler.model.resource import Origin, Resource
from reconciler.model.spec import Lifecycle
from reconciler.ports.clock import SystemClock
from reconciler.ports.provider import Context, Desired, KindTraits, Wanted


class ImpatientClock(SystemClock):
    """Asks for the lock again soon, so that the processes really race for it."""

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, 0.02))


@dataclass
class FileVendor:
    """Objects in an SQLite file."""

    path: Path
    name: str = "file"
    kinds: Mapping[str, KindTraits] = field(default_factory=lambda: {"query": KindTraits()})
    api_calls: int = 0

    def _ask(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.path, timeout=60, isolation_level=None)) as connection:
            return connection.execute(statement, values).fetchall()

    def begin(self) -> None:
        self._ask("CREATE TABLE IF NOT EXISTS objects (id INTEGER PRIMARY KEY, name TEXT, sql TEXT)")

    def account(self) -> str:
        return "one"

    def check(self, resource: Resource, context: Context) -> Iterable[Diagnostic]:
        return ()

    def desired(self, resource: Resource, context: Context) -> Desired:
        assert isinstance(resource.spec, QuerySpec)
        return Desired(resource.address.name, {"sql": resource.spec.sql})

    def observe(self, wanted: Sequence[Wanted], context: Context) -> Mapping[Address, Seen]:
        return {question.address: Finding(self._found(question), ()) for question in wanted}

    def _found(self, question: Wanted) -> Observation | None:
        rows = self._ask("SELECT sql FROM objects WHERE id = ?", question.record.remote_id) if question.record else []
        return Observation(question.record.remote_id, {"sql": str(rows[0][0])}) if question.record and rows else None

    def create(self, resource: Resource, desired: Desired) -> Observation:
        sql = desired.attributes["sql"]
        rows = self._ask("INSERT INTO objects (name, sql) VALUES (?, ?) RETURNING id", resource.address.name, sql)
        return Observation(str(rows[0][0]), desired.attributes)

    def update(self, resource: Resource, remote_id: str, desired: Desired, paths: Sequence[str]) -> Observation:
        self._ask("UPDATE objects SET sql = ? WHERE id = ?", desired.attributes["sql"], remote_id)
        return Observation(remote_id, desired.attributes)

    def delete(self, address: Address, remote_id: str, record: Record) -> None:
        raise AssertionError(address)

    def disable(self, address: Address, remote_id: str, record: Record) -> None:
        raise AssertionError(address)


def _query(name: str, sql: str) -> Resource:
    spec = QuerySpec(database="shop", sql=sql)
    return Resource(Address("query", name), spec, Lifecycle(), Origin("all.yaml", 0), ())


def _apply(place: Place, vendor: FileVendor, resources: Sequence[Resource]) -> tuple[int, int]:
    """How much the serial grew, and how many operations were not done."""
    world = World(
        environment_name="prod",
        environment=EnvironmentSpec(),
        resources={one.address: one for one in resources},
        providers={"query": vendor},
        fingerprint=lambda secret, path: "",
        clock=place.clock,
    )
    store = place.open()
    with store.lock("apply", uuid.uuid4().hex[:12], 3600):
        snapshot = store.read()
        prepared = prepare(world, snapshot, exactly(one.address for one in resources))
        session = Session(world, store, uuid.uuid4().hex[:12], snapshot.state, dict(prepared.unfinished))
        applied = Applier(world, session, prepared, lambda *_: None, threading.Event()).go()
        after = replace(session.state, serial=session.state.serial + 1)
        store.checkpoint(after, session.state.serial)
    undone = sum(result.status is not Status.DONE for result in applied.results)
    return after.serial - snapshot.state.serial, undone


def main() -> None:
    asked = json.loads(sys.argv[1])
    with ExitStack() as stack:
        place = Place(asked["kind"], asked["address"], asked["name"], Path(asked["folder"]), ImpatientClock(), stack)
        vendor = FileVendor(Path(asked["vendor"]))
        vendor.begin()
        grown, undone = 0, 0
        for number in range(asked["applies"]):
            # One that all of them want to make in their round of that number, and one of its own that it changes.
            resources = [_query(f"q-{number}", "SELECT 1"), _query(f"worker-{asked['worker']}", f"SELECT {number}")]
            grew, left = _apply(place, vendor, resources)
            place.closing.close()
            grown, undone = grown + grew, undone + left
            time.sleep(random.uniform(0, 0.01))
    sys.stdout.write(json.dumps({"grown": grown, "undone": undone}))


if __name__ == "__main__":
    main()
