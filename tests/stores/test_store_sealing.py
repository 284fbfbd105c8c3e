"""What a place never gets to see: secrets, and with a key the state itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from contract_values import CRM, RECORD, VIP, OpenStore, done, filled, intent, report

from reconciler.errors import StateError
from reconciler.model.record import Record
from reconciler.model.secret import Secret
from reconciler.sealing import MasterKey, key_from, new_key
from reconciler.stores.cipher import Cipher

CRM_RECORD = Record("10", {"title": "new"})


def new_master_key() -> MasterKey:
    return key_from(new_key(), "TDR_STATE_KEY")


def test_a_secret_never_reaches_the_store(open_store: OpenStore) -> None:
    store = open_store()
    secret = Secret("env:TOKEN", "FAKE-hunter2")
    with store.lock("apply", "r1", 0):
        with pytest.raises(StateError, match="cannot be written as JSON") as appended:
            store.append(replace(intent("op1"), details={"token": secret}))  # type: ignore[dict-item]
        leaky = store.read().state.with_record(VIP, Record("1", {"token": secret}))  # type: ignore[dict-item]
        with pytest.raises(StateError, match="cannot be written as JSON") as checkpointed:
            store.checkpoint(leaky, 0)
        store.append(done("op1"))

    assert "hunter2" not in f"{appended.value}{checkpointed.value}"
    assert open_store().read().state.serial == 1


def test_a_sealed_state_is_read_with_its_key_only(open_store: OpenStore) -> None:
    first, second = new_master_key(), new_master_key()
    filled(open_store(cipher=Cipher([first])))
    before = open_store(cipher=Cipher([first])).read()

    with pytest.raises(StateError, match=f"is sealed with the key '{first.key_id}', and TDR_STATE_KEY holds none"):
        open_store().read()
    with pytest.raises(StateError, match=f"holds only {second.key_id}"):
        open_store(cipher=Cipher([second])).read()
    assert open_store(cipher=Cipher([second, first])).read() == before
    assert open_store(cipher=Cipher([second, first])).run("a") == report("a", 1, 2)
    assert [record.applied for record in before.state.records.values()] == [{}, RECORD.applied]


def test_after_a_write_the_first_of_several_keys_is_enough(open_store: OpenStore) -> None:
    first, second = new_master_key(), new_master_key()
    filled(open_store(cipher=Cipher([first])))
    both = open_store(cipher=Cipher([second, first]))
    before = both.read()
    with both.lock("apply", "b", 0):
        both.checkpoint(replace(before.state, serial=before.state.serial + 1), before.state.serial)

    after = open_store(cipher=Cipher([second])).read()
    assert after.state.records == before.state.records
    assert after.unfinished == before.unfinished


def test_a_state_that_was_not_sealed_is_sealed_by_the_next_write(open_store: OpenStore) -> None:
    filled(open_store())
    key = new_master_key()
    store = open_store(cipher=Cipher([key]))
    before = store.read()
    with store.lock("apply", "b", 0):
        store.append(done("op2", CRM_RECORD, CRM))
        store.checkpoint(replace(store.read().state, consumed_plans=("p",), serial=4), 3)

    with pytest.raises(StateError, match="is sealed with the key"):
        open_store().read()
    assert open_store(cipher=Cipher([key])).read().state.records == {**before.state.records, CRM: CRM_RECORD}
