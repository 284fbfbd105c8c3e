"""A place that points elsewhere says so to everybody, until the state is there again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from reconciler.errors import StateError
from reconciler.model.address import Address
from reconciler.model.record import Record
from reconciler.ports.store import Entry, Phase, StateStore
from reconciler.sealing import key_from, new_key
from reconciler.stores.cipher import Cipher

OpenStore = Callable[..., StateStore]

VIP, CRM = Address("audience", "vip"), Address("connection", "crm")
DONE = Entry("op1", Phase.DONE, "create", VIP, 2.0, remembers=True, record=Record("1", {"title": "VIP"}))
INTENT = Entry("op2", Phase.INTENT, "update", VIP, 3.0)


def _leave(store: StateStore) -> None:
    start = store.read().state
    with store.lock("apply", "a", 0):
        store.checkpoint(start.with_record(CRM, Record("9", {})), start.serial)
        store.append(DONE)
        store.append(INTENT)
        store.point_to("there")


def _checkpoint(store: StateStore) -> None:
    state = store.last().state
    store.checkpoint(state.with_record(CRM, None), state.serial)


@pytest.mark.parametrize(
    "write",
    [_checkpoint, lambda store: store.append(DONE), lambda store: store.mend()],
    ids=["checkpoint", "append", "mend"],
)
def test_it_is_neither_read_nor_written(open_store: OpenStore, write: Callable[[StateStore], object]) -> None:
    _leave(open_store())
    before = open_store().last()
    store = open_store()

    with pytest.raises(StateError, match=r"^the state is not at .* but at there: it was moved") as told:
        store.read()
    with store.lock("apply", "b", 0), pytest.raises(StateError, match=r"^the state is not at .* but at there"):
        write(store)

    assert "`tdr state restore 2`" in told.value.hint
    assert open_store().last() == before
    assert (before.elsewhere, before.unfinished, set(before.state.records)) == ("there", (INTENT,), {VIP, CRM})


def test_it_can_be_told_to_be_the_place_again(open_store: OpenStore) -> None:
    _leave(open_store())
    left = open_store().last()
    store = open_store()
    with store.lock("state migrate", "b", 0):
        store.point_to("")
        store.append(replace(DONE, op="op3", address=CRM))

    after = open_store().read()
    assert after.state == left.state.with_record(CRM, DONE.record)
    assert after.unfinished == (INTENT,)


def test_its_last_state_can_be_restored_when_the_other_place_is_lost(open_store: OpenStore) -> None:
    _leave(open_store())
    left = open_store().last()
    store = open_store()
    with store.lock("state restore", "b", 0):
        restored = store.restore(left.state.serial)

    assert restored == replace(left.state, serial=restored.serial)
    assert (open_store().read().state, open_store().read().unfinished) == (restored, (INTENT,))


def test_it_takes_its_own_state_again_and_no_other(open_store: OpenStore) -> None:
    _leave(open_store())
    state = replace(open_store().last().state, serial=9)
    store = open_store()
    with store.lock("state migrate", "b", 0):
        with pytest.raises(StateError, match="holds a state already"):
            store.begin_with(replace(state, lineage="another"), (), ())
        store.begin_with(state, (INTENT,), (), elsewhere="there")
        with pytest.raises(StateError, match="but at there"):
            store.read()
        store.point_to("")

    assert (open_store().read().state, open_store().read().unfinished) == (state, (INTENT,))


def test_a_sealed_place_points_elsewhere_too(open_store: OpenStore) -> None:
    cipher = Cipher([key_from(new_key(), "TDR_STATE_KEY")])
    _leave(open_store(cipher=cipher))

    with pytest.raises(StateError, match="but at there"):
        open_store(cipher=cipher).read()
    with pytest.raises(StateError, match="is sealed"):
        open_store().last()
