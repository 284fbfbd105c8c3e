"""Values that the tests of every store write and read."""

from __future__ import annotations

from collections.abc import Callable

from reconciler.model.address import Address
from reconciler.model.json import Json
from reconciler.model.record import Record
from reconciler.model.spec import OnDelete
from reconciler.ports.store import Entry, Phase, StateStore

OpenStore = Callable[..., StateStore]

VIP = Address("audience", "vip")
CRM = Address("connection", "crm")
RECORD = Record(
    remote_id="2542620905475",
    applied={"title": "VIP 日本", "sizes": [1, 2.5, None, True], "nested": {"a": {"b": []}}},
    fingerprints={"/client_secret": "ab" * 32},
    depends_on=(CRM,),
    protect=True,
    on_delete=OnDelete.FORGET,
    resolved={"mode": "REPLACE_CURRENT_AUDIENCE"},
    phase="created",
)


def intent(op: str, address: Address = VIP) -> Entry:
    return Entry(
        op, Phase.INTENT, "create", address, 1.5, run="r1", natural_key="pinterest:1/vip", details={"title": "VIP"}
    )


def done(op: str, record: Record | None = RECORD, address: Address = VIP) -> Entry:
    return Entry(op, Phase.DONE, "create", address, 2.0, run="r1", remembers=True, record=record)


def report(run_id: str, minute: int, serial: int) -> dict[str, Json]:
    return {
        "format": "tdr.run",
        "created_at": f"2026-02-02T02:{minute:02}:00Z",
        "run": run_id,
        "serial_after": serial,
        "results": [],
    }


def filled(store: StateStore) -> None:
    start = store.read().state
    with store.lock("apply", "a", 0):
        store.checkpoint(start.with_record(CRM, Record("9", {})), start.serial)
        store.append(done("op1"))
        store.append(intent("op2"))
        store.keep_run("a", report("a", 1, 2))
