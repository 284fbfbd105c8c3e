"""A small world for engine tests: declared documents, two vendors, a real state store in a folder."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from vendors import AudienceVendor, Clock, ExportVendor

from reconciler.engine.applying import Applied, Applier
from reconciler.engine.planning import Prepared, prepare
from reconciler.engine.session import Session
from reconciler.engine.world import World
from reconciler.model.address import Address
from reconciler.model.change import Keep, action
from reconciler.model.environment import EnvironmentSpec
from reconciler.model.kinds import KINDS
from reconciler.model.resource import Origin, Reference, Resource
from reconciler.model.secret import Secret
from reconciler.model.spec import Lifecycle
from reconciler.ports.store import Entry
from reconciler.stores.local import LocalStore

KEY = b"fingerprint-key-of-the-tests-32b"
ADAPTERS: dict[str, TypeAdapter[Any]] = {kind: TypeAdapter(spec) for kind, spec in KINDS.items()}


def resource(kind: str, name: str, spec: Mapping[str, Any], lifecycle: Mapping[str, Any] | None = None) -> Resource:
    references = []
    if kind == "Activation":
        references.append(Reference("/spec/to/audience", Address("audience", str(spec["to"]["audience"]))))
    return Resource(
        address=Address.of(kind, name),
        spec=ADAPTERS[kind].validate_python(spec),
        lifecycle=Lifecycle(**(lifecycle or {})),
        origin=Origin("manifests/all.yaml", 0),
        references=tuple(references),
    )


def audience(name: str = "vip", title: str = "VIP", **more: Any) -> Resource:
    lifecycle = more.pop("lifecycle", None)
    spec = {"connection": "pin", "ad_account_id": "549700000001", "title": title, **more}
    return resource("Audience", name, spec, lifecycle)


def activation(name: str = "vip-daily", membership: str = "replace", to: str = "vip", **more: Any) -> Resource:
    lifecycle = more.pop("lifecycle", None)
    spec = {
        "from": {"query": {"database": "shop", "sql": more.pop("sql", "SELECT email FROM buyers")}},
        "to": {"audience": to},
        "membership": membership,
        "schedule": {"cron": more.pop("cron", "0 3 * * *")},
        **more,
    }
    return resource("Activation", name, spec, lifecycle)


def query(name: str, sql: str = "SELECT 1", **more: Any) -> Resource:
    lifecycle = more.pop("lifecycle", None)
    return resource("Query", name, {"database": "shop", "sql": sql, **more}, lifecycle)


class Killed(BaseException):
    """The process ends here."""


class KillableStore(LocalStore):
    """Dies before or after the nth journal line."""

    kill_before: int = 0
    kill_after: int = 0
    lines: int = 0

    def append(self, entry: Entry) -> None:
        self.lines += 1
        if self.lines == self.kill_before:
            raise Killed
        super().append(entry)
        if self.lines == self.kill_after:
            raise Killed


@dataclass
class Scene:
    """Everything outside of the engine, which outlives a killed run."""

    folder: Path
    clock: Clock = field(default_factory=Clock)
    environment: EnvironmentSpec = field(default_factory=EnvironmentSpec)
    fail_fast: bool = False
    stop: threading.Event = field(default_factory=threading.Event)
    kill_before: int = 0
    kill_after: int = 0
    lines: int = 0

    def __post_init__(self) -> None:
        self.audiences = AudienceVendor(self.clock)
        self.exports = ExportVendor(self.clock, self.audiences)

    def world(self, *resources: Resource) -> World:
        return World(
            environment_name="test",
            environment=self.environment,
            resources={one.address: one for one in resources},
            providers={"audience": self.audiences, "activation": self.exports, "query": self.exports},
            fingerprint=lambda secret, path: f"k1:{secret.fingerprint(KEY, path)}",
            clock=self.clock,
        )

    def store(self) -> KillableStore:
        store = KillableStore(self.folder, "test", clock=self.clock)
        store.kill_before, store.kill_after = self.kill_before, self.kill_after
        return store

    def plan(self, *resources: Resource) -> Prepared:
        return prepare(self.world(*resources), self.store().read())

    def apply(self, *resources: Resource, replaced: Collection[Address] = ()) -> Applied:
        """Plan and apply as `tdr apply` does, gates not asked."""
        world = self.world(*resources)
        store = self.store()
        with store.lock("apply", "run", 0):
            snapshot = store.read()
            prepared = prepare(world, snapshot, None, replaced)
            session = Session(world, store, uuid.uuid4().hex, snapshot.state, dict(prepared.unfinished))
            try:
                applier = Applier(world, session, prepared, lambda *_: None, self.stop, parallel=1)
                applier.fail_fast = self.fail_fast
                applied = applier.go()
            finally:
                self.lines = store.lines
            after = replace(session.state, serial=session.state.serial + 1)
            store.checkpoint(after, session.state.serial)
        return applied

    def remembered(self) -> dict[str, Any]:
        """The state's records."""
        state = self.store().read().state
        return {str(address): record.to_json() for address, record in sorted(state.records.items())}


def planned(prepared: Prepared, *, noop: bool = False) -> dict[str, str]:
    """Address -> action of what a plan would do."""
    changes = prepared.plan.changes
    return {str(change.address): action(change) for change in changes if noop or not isinstance(change, Keep)}


def secret(value: str = "FAKE-token") -> Secret:
    return Secret("env:TOKEN", value)
