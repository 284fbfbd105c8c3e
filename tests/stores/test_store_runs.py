"""Reports of runs, as every state store keeps them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from contract_values import OpenStore, report
from places import FEW

from reconciler.errors import StateError
from reconciler.model.address import Address
from reconciler.model.json import Json
from reconciler.model.record import Record
from reconciler.ports.store import Keeps, StateStore
from reconciler.stores import retention
from reconciler.stores.local import LocalStore
from reconciler.stores.retention import KeptRun, let_go

VIP, CRM = Address("audience", "vip"), Address("connection", "crm")


def test_runs_are_kept_in_order_and_read_back_whole(open_store: OpenStore) -> None:
    store = open_store()
    with store.lock("apply", "c", 0):
        store.keep_run("c", report("c", 1, 1))
        store.keep_run("b", report("b", 2, 9))
        store.keep_run("a", report("a", 2, 10))

    assert list(open_store().runs()) == ["c", "b", "a"]
    assert open_store().run("b") == report("b", 2, 9)


def test_runs_of_one_second_that_left_one_serial_are_kept_in_order(open_store: OpenStore) -> None:
    def ended(run_id: str, fraction: str) -> dict[str, Json]:
        return report(run_id, 1, 7) | {"ended_at": f"2026-02-02T02:01:00.{fraction}Z"}

    store = open_store()
    with store.lock("apply", "c", 0):
        store.keep_run("c", report("c", 0, 7))  # as an earlier version kept it
        store.keep_run("b", ended("b", "000450"))
        store.keep_run("a", ended("a", "120000"))

    assert list(open_store().runs()) == ["c", "b", "a"]
    assert open_store().run("b") == ended("b", "000450")


def test_a_run_that_is_not_kept_is_told_with_those_that_are(open_store: OpenStore) -> None:
    store = open_store()
    with store.lock("apply", "a", 0):
        store.keep_run("a", report("a", 1, 1))

    with pytest.raises(StateError) as refused:
        open_store().run("z")

    assert (refused.value.message, refused.value.hint) == ("no run 'z' is kept", "the newest that are: a")


def test_the_oldest_runs_go(open_store: OpenStore) -> None:
    store = open_store()
    with store.lock("apply", "a", 0):
        for number in range(store.keeps.runs + 2):
            store.keep_run(f"r{number}", report(f"r{number}", 1, number))

    assert list(open_store().runs()) == [f"r{number}" for number in range(2, store.keeps.runs + 2)]


def test_a_run_is_kept_only_under_the_lock(open_store: OpenStore) -> None:
    with pytest.raises(StateError):
        open_store().keep_run("a", report("a", 1, 1))


def done(
    run_id: str, serial: int, address: Address, *, status: str = "done", operation: str = "apply"
) -> dict[str, Json]:
    result: dict[str, Json] = {"address": str(address), "action": "update", "status": status}
    exit_code = 0 if status == "done" else 1
    said: dict[str, Json] = {"operation": operation, "exit_code": exit_code, "results": [result]}
    return report(run_id, serial, serial) | said


def remembering(store: StateStore, *addresses: Address) -> None:
    state = store.read().state
    before = state.serial
    for address in addresses:
        state = state.with_record(address, Record("1", {}))
    store.checkpoint(state, before)


def kept_after(open_store: OpenStore, documents: list[dict[str, Json]]) -> list[str]:
    store = open_store()
    with store.lock("apply", "a", 0):
        remembering(store, VIP)
        for document in documents:
            store.keep_run(str(document["run"]), document)
    return list(open_store().runs())


def test_the_newest_run_of_an_object_that_is_remembered_stays(open_store: OpenStore) -> None:
    documents = [done("old", 1, VIP), done("vip", 2, VIP), *(done(f"crm{n}", n, CRM) for n in range(3, 9))]

    assert kept_after(open_store, documents) == ["vip", "crm6", "crm7", "crm8"]


def test_the_newest_success_of_an_object_stays_however_often_it_failed_since(open_store: OpenStore) -> None:
    failures = [done(f"bad{n}", n, VIP, status="failed") for n in range(2, 9)]

    assert kept_after(open_store, [done("good", 1, VIP), *failures]) == ["good", "bad6", "bad7", "bad8"]


def test_the_newest_run_of_a_verb_stays_and_its_newest_success(open_store: OpenStore) -> None:
    documents = [
        done("undone", 1, CRM, operation="rollback"),
        done("failed", 2, CRM, operation="rollback", status="failed"),
        *(done(f"crm{n}", n, CRM) for n in range(3, 9)),
    ]

    assert kept_after(open_store, documents) == ["undone", "failed", "crm6", "crm7", "crm8"]


def test_runs_of_an_object_that_is_gone_go_with_their_time(open_store: OpenStore) -> None:
    assert kept_after(open_store, [done(f"crm{n}", n, CRM) for n in range(1, 9)]) == ["crm6", "crm7", "crm8"]


def test_a_report_that_says_nothing_goes_with_its_time(open_store: OpenStore) -> None:
    silent = report("silent", 1, 1) | {"results": "none"}

    assert kept_after(open_store, [silent, *(done(f"r{n}", n, CRM) for n in range(2, 6))]) == ["r3", "r4", "r5"]


def test_a_damaged_report_goes_with_its_time_and_hides_no_other(tmp_path: Path) -> None:
    store = LocalStore(tmp_path, "prod", keeps=FEW)
    with store.lock("apply", "a", 0):
        remembering(store, VIP)
        store.keep_run("vip", done("vip", 1, VIP))
        (tmp_path / "runs" / "2026-02-02T020200Z-00000002-broken.json").write_text("{")
        assert list(store.runs()) == ["vip", "broken"]
        for number in range(3, 7):
            store.keep_run(f"r{number}", done(f"r{number}", number, CRM))

    assert list(store.runs()) == ["vip", "r4", "r5", "r6"]


def test_what_is_too_old_goes_but_for_what_is_still_needed() -> None:
    kept = [
        KeptRun("a-vip", "apply", is_success=True, ended_at=10, touched=frozenset({"x"}), done=frozenset({"x"})),
        KeptRun("b-old", "apply", is_success=True, ended_at=20),
        KeptRun("c-undated", "apply", is_success=True),
        KeptRun("d-new", "apply", is_success=True, ended_at=90),
        KeptRun("e-newest", "apply", ended_at=30),
    ]

    assert let_go(kept, Keeps(1, 100, 50), {"x"}, 100) == ["b-old"]
    assert let_go(kept, Keeps(1, 100, None), {"x"}, 100) == []
    assert let_go(kept, Keeps(1, 2, None), {"x"}, 100) == ["b-old", "c-undated"]


def test_how_long_runs_are_kept_holds_at_every_place(open_store: OpenStore) -> None:
    store = open_store()
    store.keeps = replace(FEW, runs=100, runs_for_s=1800.0)  # the clock of these tests stands at 02:40 of that day
    with store.lock("apply", "a", 0):
        remembering(store, VIP)
        for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 20):
            store.keep_run(f"r{number}", done(f"r{number}", number, VIP if number == 2 else CRM))

    assert list(open_store().runs()) == ["r2", "r20"]


def test_a_look_is_taken_with_every_tenth_part() -> None:
    looks = [count for count in range(1, 62) if retention.is_due(count, Keeps(1, 200))]

    assert looks == [20, 40, 60]
    assert [count for count in range(4) if retention.is_due(count, Keeps(1, 3))] == [2, 3]
