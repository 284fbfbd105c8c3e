"""A process that ends between any two requests to a shared place leaves a state that the next one goes on from."""

from __future__ import annotations

from contextlib import suppress

import pytest
from memory_shelf import Ended, Memory, opened

from reconciler.model.address import Address
from reconciler.model.record import Record
from reconciler.ports.store import Entry, Phase
from reconciler.stores.shared import SharedStore

VIP, CRM = Address("audience", "vip"), Address("connection", "crm")


def _entry(op: str, phase: Phase, address: Address = VIP) -> Entry:
    remembers = phase is Phase.DONE
    return Entry(op, phase, "create", address, 1.0, remembers=remembers, record=Record(op, {}) if remembers else None)


def _run(store: SharedStore, told: list[str]) -> None:
    """Two runs. *told* is what came back as done, step by step."""
    for run in ("a", "b"):
        with store.lock("apply", run, 0):
            store.append(_entry(f"open-{run}", Phase.INTENT, CRM))
            told.append(f"open-{run}")
            for number in range(2):
                op = f"{run}{number}"
                store.append(_entry(op, Phase.INTENT))
                store.append(_entry(op, Phase.DONE))
                told.append(op)
            state = store.read().state
            store.checkpoint(state.with_record(CRM, Record(run, {})), state.serial)
            told.append(f"checkpoint-{run}")


def _writes() -> int:
    shelf = Memory()
    _run(opened(shelf, 1), [])
    return shelf.writes


@pytest.mark.parametrize("side", ["end_before", "end_after"])
@pytest.mark.parametrize("number", range(1, _writes() + 1))
def test_nothing_that_was_told_is_lost_wherever_the_process_ends(number: int, side: str) -> None:
    shelf = Memory()
    setattr(shelf, side, number)
    told: list[str] = []
    with suppress(Ended):
        _run(opened(shelf, 1), told)
    heir = opened(Memory(shelf.objects), 2)
    with heir.lock("apply", "c", 0):
        snapshot = heir.read()
        heir.append(_entry("c0", Phase.INTENT))
        heir.append(_entry("c0", Phase.DONE))
        state = heir.read().state
        heir.checkpoint(state.with_record(CRM, Record("c", {})), state.serial)

    done = [op for op in told if not op.startswith(("open", "check"))]
    remembered = snapshot.state.records.get(VIP)
    order = ["a0", "a1", "b0", "b1"]
    at_least = order.index(done[-1]) if done else -1
    assert (order.index(remembered.remote_id) if remembered else -1) in (at_least, at_least + 1)
    begun = [op for op in told if op.startswith("open")]
    assert [entry.op for entry in snapshot.unfinished if entry.op in begun] == begun
    after = opened(Memory(shelf.objects), 3).read()
    assert {address: record.remote_id for address, record in after.state.records.items()} == {VIP: "c0", CRM: "c"}
    assert [entry.op for entry in after.unfinished] == [entry.op for entry in snapshot.unfinished]
