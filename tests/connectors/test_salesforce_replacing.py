"""All records of an object give way to the rows of a query: what goes, what comes, and when nothing may go."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from salesforce_world import APIS, OLD, PEOPLE, WANTED, World

from reconciler.errors import Permanent, StateError, Transient
from reconciler.model.json import Json

api = pytest.mark.parametrize("api", APIS.values(), ids=APIS)


@api
@pytest.mark.parametrize("hard", [False, True], ids=["soft", "hard"])
def test_replacing_takes_every_record_away_and_then_inserts_the_rows(
    world: World,
    api: dict[str, Json],
    hard: bool,  # noqa: FBT001 - a case
) -> None:
    former = world.before()

    report = world.run(PEOPLE, {"mode": "truncate", "hard_delete": hard, **api})

    assert world.there() == WANTED
    assert world.binned() == ([] if hard else former)
    assert (report.rows, report.sent, report.removed) == (50, 50, 70)
    assert [job.operation for job in world.jobs] == ["query", "hardDelete" if hard else "delete", "insert"]
    assert world.left_over() == []


WRITES = (
    *(("POST", f"/services/async/*/job{below}") for below in ("", "/*", "/*/batch")),
    *(("POST", f"/services/data/*/jobs/{kind}") for kind in ("ingest", "query")),
    *(("PUT", "/services/data/*/jobs/ingest/*/batches"), ("PATCH", "/services/data/*/jobs/ingest/*")),
)


@pytest.mark.parametrize("nth", [1, 2])
@api
def test_records_are_read_and_deleted_once_though_an_answer_to_each_kind_of_write_gets_lost(
    world: World, api: dict[str, Json], nth: int
) -> None:
    world.before()
    for method, path in WRITES:
        world.org.control.fault("answer_lost", method=method, path=path, nth=nth)

    report = world.run(PEOPLE, {"mode": "truncate", **api})

    assert (report.rows, report.sent, report.removed) == (50, 50, 70)
    assert world.there() == WANTED


@api
def test_an_object_without_records_is_filled(world: World, api: dict[str, Json]) -> None:
    report = world.run(PEOPLE, {"mode": "truncate", **api})

    assert (world.there(), report.removed) == (WANTED, 0)


@pytest.mark.parametrize("rows", ["SELECT 'x' AS LastName WHERE false", "SELECT NULL::VARCHAR AS LastName"])
@api
def test_a_query_that_finds_nothing_deletes_nothing(world: World, api: dict[str, Json], rows: str) -> None:
    world.before(3)

    for job in ("1", "1", "2"):
        with pytest.raises(Permanent, match="nothing was deleted: no row is there"):
            world.run(rows, {"mode": "truncate", **api}, job)

    assert len(world.contacts()) == 3
    assert (world.jobs, world.left_over()) == ([], [])


@api
def test_nothing_is_inserted_when_a_record_cannot_be_deleted(world: World, api: dict[str, Json]) -> None:
    former = world.before()
    world.org.alter("Order_Line__c", {"Buyer__c": {"cascade": False, "restrict": True}})
    world.org.put("Order_Line__c", *({"Name": "line", "Buyer__c": former[number]} for number in (3, 4)))

    for _ in range(2):
        told = "2 of 70 records of Contact could not be deleted, and nothing was inserted: 2 DELETE_FAILED"
        with pytest.raises(Permanent, match=told):
            world.run(PEOPLE, {"mode": "truncate", **api})

    assert world.there() == [("k6", "Former 3"), ("k8", "Former 4")]
    assert world.left_over() == []


def test_records_that_somebody_else_deletes_meanwhile_are_no_failure(world: World) -> None:
    former = world.before()
    org = world.org.org.world
    contact = org.objects["contact"]

    def somebody_deletes() -> None:
        for one in former[:10]:
            record = org.records.get(contact, one)
            assert record is not None
            org.records.delete(contact, record, hard=True)

    world.after(7, somebody_deletes)

    report = world.run(PEOPLE, {"mode": "truncate"})

    assert (world.there(), report.removed) == (WANTED, 70)
    assert world.binned() == former[10:]


DAMAGED = [b"", b"{", b"[]", b"\x00\xff", b'{"rows": "FAKE-value"}', b'{"stages": [{"rounds": [{"api": "bulk3"}]}]}']


@pytest.mark.parametrize("found", DAMAGED)
def test_a_damaged_journal_holds_up_its_own_run_and_who_would_replace_its_records(world: World, found: bytes) -> None:
    world.run(PEOPLE, {"mode": "append"}, "damaged")
    (journal,) = world.folder.rglob("run.json")
    journal.write_bytes(found)

    for settings, job in (({"mode": "append"}, "damaged"), ({"mode": "truncate"}, "2")):
        with pytest.raises(StateError, match=r"`run\.json` is") as caught:
            world.run(PEOPLE, settings, job)
        assert str(journal) in caught.value.hint
        assert "FAKE-value" not in f"{caught.value}{caught.value.hint}"
    assert world.there() == WANTED
    assert world.run(PEOPLE.replace("'k'", "'other'"), {"mode": "append"}, "3").sent == 50

    journal.unlink()
    assert world.run(PEOPLE, {"mode": "truncate"}, "4").removed == 100


@pytest.mark.parametrize("api", [{}, OLD], ids=["bulk2", "bulk1"])
def test_replacing_first_ends_what_a_run_that_broke_off_left_with_salesforce(
    world: World, api: dict[str, Json]
) -> None:
    world.stop_once_rows_arrived()
    with pytest.raises(Transient):
        world.run(PEOPLE.replace("'Name", "'Older"), {"mode": "append", **api}, "1")
    world.go_on()
    (left,) = world.jobs

    world.run(PEOPLE, {"mode": "truncate", **api}, "2")

    assert (world.there(), left.state) == (WANTED, "Aborted")
    with pytest.raises(Permanent, match="a later run replaced all records before this one was over"):
        world.run(PEOPLE, {"mode": "append", **api}, "1")
    assert world.there() == WANTED
    assert world.left_over() == []


def test_nothing_is_replaced_while_another_run_writes_to_the_object(world: World) -> None:
    world.put(*({"LastName": f"Former {i}"} for i in range(3)))
    seen: list[int] = []

    def meanwhile() -> None:
        with pytest.raises(Transient, match="another run to Contact is not over"):
            world.run(PEOPLE, {"mode": "truncate"}, "2")
        with pytest.raises(Transient, match="this run is under way already"):
            world.run(PEOPLE, {"mode": "append"}, "1")
        seen.append(len(world.contacts()))

    world.said = Once(meanwhile)

    world.run(PEOPLE, {"mode": "append"}, "1")

    assert seen == [53]
    assert len(world.contacts()) == 53


class Once(list[str]):
    """Lines that do something when the first of them comes."""

    def __init__(self, act: Callable[[], None]) -> None:
        super().__init__()
        self.act = act

    def append(self, line: str) -> None:
        super().append(line)
        act, self.act = self.act, lambda: None
        act()
