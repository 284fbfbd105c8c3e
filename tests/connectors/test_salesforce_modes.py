"""Every way of writing to Salesforce, by both of its bulk APIs: what is there in the end, and what is told of the rest."""

from __future__ import annotations

import json
import re

import pytest
from salesforce_world import APIS, OLD, PEOPLE, UPSERT, WANTED, World, bodies, counting_one_too_few, rows_of

from reconciler.errors import Permanent, Transient
from reconciler.model.json import Json

api = pytest.mark.parametrize("api", APIS.values(), ids=APIS)


@api
@pytest.mark.parametrize("many", [False, True], ids=["asked for by name", "all of them read"])
def test_an_update_by_another_key_changes_records_and_makes_none(
    world: World,
    api: dict[str, Json],
    many: bool,  # noqa: FBT001 - a case
) -> None:
    former = world.put(*({"Loose_Key__c": f"k{2 * i}", "LastName": f"Former {i}"} for i in range(40) if i != 3))
    twin, other = world.put(
        {"Loose_Key__c": "k4", "LastName": "Twin"},
        {"Loose_Key__c": "K6", "LastName": "of another case"},  # and none of k6
    )
    rows = PEOPLE.replace("Key__c", "Loose_Key__c")
    rows = rows.replace("range(50)", "range(2500)") if many else rows

    report = world.run(rows, {"mode": "update", "upsert": False, "unique": "Loose_Key__c", **api})

    total = 2500 if many else 50
    there = min(total // 2, 40)
    assert dict(report.rejected) == {"no_record": total - there, "several_records": 1}
    assert (report.rows, report.sent) == (total, there - 1)
    found = world.contacts()
    assert found[other] == {"Loose_Key__c": "K6", "LastName": "Name 6"}
    assert found[former[2]]["LastName"] == "Former 2"
    assert found[twin]["LastName"] == "Twin"
    assert [found[former[i]]["LastName"] for i in (0, 1, 3)] == ["Name 0", "Name 2", "Name 8"]
    assert len(found) == 41
    assert world.left_over() == []


def test_several_records_of_one_key_are_a_mistake_and_no_record_is_none(world: World) -> None:
    settings: dict[str, Json] = {
        "mode": "update",
        "upsert": False,
        "unique": "Loose_Key__c",
        "ignore_invalid_records": False,
    }
    rows = PEOPLE.replace("Key__c", "Loose_Key__c")
    world.put(*({"Loose_Key__c": f"k{2 * i}", "LastName": f"Former {i}"} for i in range(10)))
    assert world.run(rows, settings, "1").sent == 10
    world.put({"Loose_Key__c": "k4", "LastName": "Twin"})
    before_the_run = world.contacts()

    with pytest.raises(Permanent, match="nothing was sent: 1 several_records"):
        world.run(rows.replace("'Name", "'Other"), settings, "2")

    assert world.contacts() == before_the_run


def test_keys_that_hold_quotes_and_numbers_find_their_records(world: World) -> None:
    names = ["O'Neil \\ Sons", 'a"b', "7.0"]
    ids = world.put(*({"FirstName": name, "LastName": "x"} for name in names))

    report = world.run(
        """SELECT * FROM (VALUES ('O''Neil \\ Sons', 'one'), ('a"b', 'two')) AS t (FirstName, LastName)""",
        {"mode": "update", "upsert": False, "unique": "FirstName"},
    )

    assert report.sent == 2
    assert [world.contacts()[one]["LastName"] for one in ids] == ["one", "two", "x"]


def test_a_key_longer_than_any_finds_no_record_and_is_not_asked_for(world: World) -> None:
    (record,) = world.put({"FirstName": "Ann", "LastName": "x"})
    sql = "SELECT * FROM (VALUES ('Ann', 'one'), (repeat('ü', 100000), 'two')) AS t (FirstName, LastName)"

    report = world.run(sql, {"mode": "update", "upsert": False, "unique": "FirstName"})

    assert (report.sent, dict(report.rejected)) == (1, {"no_record": 1})
    assert world.contacts()[record]["LastName"] == "one"
    assert max(len(one["query"]) for one in world.org.control.traffic()) < 1_000


@api
def test_an_update_by_id_knows_long_and_short_ids(world: World, api: dict[str, Json]) -> None:
    first, second = world.before(2)
    sql = f"SELECT * FROM (VALUES ('{first}', 'one'), ('{second}', 'two'), ('{second[:15]}', 'again')) AS t (Id, LastName)"

    report = world.run(sql, {"mode": "update", "upsert": False, "unique": "Id", **api})

    assert dict(report.rejected) == {"duplicate_key": 2}
    assert [row["LastName"] for row in world.contacts().values()] == ["one", "Former 1"]


KEYS = [("key__C", "Key__c", True), ("KEY__C", "Key__c", False), ("ID", "Id", False), ("id", "id", False)]


@api
@pytest.mark.parametrize(("column", "key", "upsert"), KEYS)
def test_a_key_is_one_in_any_case_of_letters(
    world: World,
    api: dict[str, Json],
    column: str,
    key: str,
    upsert: bool,  # noqa: FBT001 - a case
) -> None:
    (record,) = world.put({"Key__c": "k1", "LastName": "Former"})
    value = record if key.lower() == "id" else "k1"
    settings: dict[str, Json] = {"mode": "update", "upsert": upsert, "unique": key, **api}
    world.refuse("Li")
    sql = f"SELECT '{value}' AS \"{column}\", 'Li' AS lastname"
    with pytest.raises(Permanent, match="refused 1 of 1 rows: 1 FIELD_CUSTOM_VALIDATION_EXCEPTION"):
        world.run(sql, settings, "1")
    world.refuse()

    assert world.run(sql.replace("Li", "Lee"), settings, "2").sent == 1

    assert world.contacts() == {record: {"Key__c": "k1", "LastName": "Lee"}}


def test_batches_are_as_small_as_is_asked_for_and_the_job_is_serial(world: World) -> None:
    world.run(PEOPLE, {"mode": "append", "concurrency_mode": "serial", "split_records": 7})

    (job,) = world.jobs
    assert [rows_of(batch) for batch in job.batches.values()] == [7] * 7 + [1]
    assert (job.serial, job.content_type, job.state) == (True, "CSV", "Closed")


def test_no_batch_has_ten_million_bytes(world: World) -> None:
    world.org.alter("Contact", {"LastName": {"length": 131_072}})
    sql = "SELECT 'k' || i AS Key__c, 'ü\"' || repeat('x', 60000) AS LastName FROM range(400) t(i)"

    world.run(sql, {"mode": "append", "api_version": "32.0"})

    (job,) = world.jobs
    assert len(bodies(job)) == 3
    assert max(map(len, bodies(job))) < 10_000_000
    assert len(world.contacts()) == 400


@pytest.mark.parametrize("mode", [{"mode": "append"}, UPSERT], ids=["insert", "upsert"])
@api
def test_rows_that_were_locked_are_sent_again(world: World, api: dict[str, Json], mode: dict[str, Json]) -> None:
    world.org.lock("LastName", "Name 3", 2)
    world.org.lock("LastName", "Name 40")

    report = world.run(PEOPLE, {**mode, **api})

    assert world.there() == WANTED
    assert (report.sent, dict(report.rejected)) == (50, {})
    assert any("2 rows are sent again" in event for event in world.said)


@pytest.mark.parametrize("api", [{}, OLD], ids=["bulk2", "bulk1"])
def test_what_stays_locked_goes_one_batch_at_a_time_in_the_end(world: World, api: dict[str, Json]) -> None:
    for name in ("Name 3", "Name 4"):
        world.org.lock("LastName", name, 1_000, unless_serial=True)

    report = world.run(PEOPLE, {"mode": "append", **api})

    assert (world.there(), report.sent) == (WANTED, 50)
    assert world.jobs[-1].serial


@pytest.mark.parametrize("api", [{}, OLD], ids=["bulk2", "bulk1"])
def test_who_wrote_parallel_is_told_to_write_serial(world: World, api: dict[str, Json]) -> None:
    world.org.lock("LastName", "Name 3", 1_000, unless_serial=True)
    settings: dict[str, Json] = {"mode": "append", "concurrency_mode": "parallel", **api}

    report = world.run(PEOPLE, settings)

    assert dict(report.rejected) == {"UNABLE_TO_LOCK_ROW": 1}
    assert any("write `concurrency: serial`" in event for event in world.said)
    (path,) = (world.folder / "quarantine").glob("*.jsonl")
    assert [json.loads(line) for line in path.read_text().splitlines()] == [{"row": 4, "reason": "UNABLE_TO_LOCK_ROW"}]
    with pytest.raises(Permanent) as refused:
        world.run(PEOPLE.replace("'k'", "'other'"), {**settings, "ignore_invalid_records": False}, "2")
    assert "write `concurrency: serial`" in refused.value.hint


def test_rows_that_bulk_api_2_left_are_sent_again_also_to_be_inserted(world: World) -> None:
    world.org.break_next(25, "InternalServerError : try again")
    world.org.break_next(12, "Timeout : too slow")

    report = world.run(PEOPLE, {"mode": "append"})

    assert (world.there(), report.sent) == (WANTED, 50)


@pytest.mark.parametrize("mode", [UPSERT, {"mode": "truncate"}], ids=["upsert", "replace"])
def test_a_batch_that_broke_half_way_is_finished_where_that_does_no_harm(world: World, mode: dict[str, Json]) -> None:
    if mode != UPSERT:
        world.before(30)
    world.org.break_next(10, "Timeout : too slow")

    report = world.run(PEOPLE, {**mode, **OLD})

    assert (world.there(), report.sent) == (WANTED, 50)


def test_rows_to_be_inserted_whose_outcome_nobody_knows_are_told_and_not_sent_again(world: World) -> None:
    world.org.break_next(10, "Timeout : too slow")

    report = world.run(PEOPLE, {"mode": "append", **OLD})

    assert (report.sent, dict(report.rejected)) == (40, {"outcome_unknown": 10})
    assert len(world.there()) == 40
    assert any("only a look into Salesforce tells" in event for event in world.said)


@api
def test_a_column_that_is_no_field_is_named(world: World, api: dict[str, Json]) -> None:
    org = world.org.org.world
    world.after(
        2, lambda: org.alter("Contact", {"Key__c": None}, {})
    )  # an administrator, once the object was described

    told = "Contact has no field that this user may write for the column `Key__c` of the query"
    with pytest.raises(Permanent, match=told):
        world.run(PEOPLE, {"mode": "append", **api})

    assert world.there() == []


@api
@pytest.mark.parametrize(("empty", "kept"), [("keep", True), ("erase", False)])
def test_a_missing_value_leaves_the_field_or_empties_it(
    world: World,
    api: dict[str, Json],
    empty: str,
    kept: bool,  # noqa: FBT001 - a case
) -> None:
    (record,) = world.put({"Key__c": "k1", "LastName": "One", "Phone": "1"})
    sql = "SELECT 'k1' AS Key__c, 'One' AS LastName, NULL::VARCHAR AS Phone"

    world.run(sql, {**UPSERT, "empty_values": empty, **api}, "1")
    world.run(sql.replace("k1", "k2"), {"mode": "append", "empty_values": empty, **api}, "2")

    assert ("Phone" in world.contacts()[record]) is kept
    assert b"#N/A" not in b"".join(bodies(world.jobs[-1]))


def test_a_parents_key_cannot_be_emptied(world: World) -> None:
    world.org.put("Account", {"Name": "Parent", "CRM_Id__c": "p"})
    parent = "CASE i WHEN 1 THEN 'p' END AS \"Account.CRM_Id__c\""
    sql = f"SELECT 'k' || i AS Key__c, 'x' AS LastName, {parent} FROM range(2) t(i)"

    report = world.run(sql, {**UPSERT, "empty_values": "erase"})

    assert (report.sent, dict(report.rejected)) == (1, {"empty_parent_key": 1})


@api
def test_what_does_not_add_up_ends_the_run_and_the_same_job_looks_again(world: World, api: dict[str, Json]) -> None:
    settings: dict[str, Json] = {"mode": "append", **api}
    world.crm.passage.changed = counting_one_too_few
    with pytest.raises(Transient, match="does not account for all of its"):
        world.run(PEOPLE, settings)
    world.crm.passage.changed = None

    report = world.run(PEOPLE, settings)

    assert world.there() == WANTED
    assert report.rows == 50


@pytest.mark.parametrize(
    ("sql", "settings", "told"),
    [
        ("SELECT 'x' AS Id, 'y' AS LastName", {"mode": "truncate"}, "records are inserted without `Id`"),
        ("SELECT 'x' AS Key__c", {"mode": "update", "upsert": False, "unique": "Key__c"}, "there is nothing to update"),
        (
            "SELECT 'x' AS Key__c, 'y' AS Id",
            {"mode": "update", "upsert": False, "unique": "Key__c"},
            "records are found by one of them",
        ),
    ],
)
def test_columns_that_cannot_work_are_refused_before_a_row_leaves(
    world: World, sql: str, settings: dict[str, Json], told: str
) -> None:
    with pytest.raises(Permanent, match=re.escape(told)):
        world.run(sql, settings)
    assert world.asked() == []


@api
def test_rows_that_no_batch_takes_are_left_out_and_the_others_arrive(world: World, api: dict[str, Json]) -> None:
    fields = {name: {"type": "textarea", "length": 131_072} for name in ("FirstName", "Phone", "Likes__c")}
    world.org.alter("Contact", {"LastName": {"length": 131_072}, **fields})
    longs = [131_072, 131_073, 100_000, 3_000_000, 5, 100_001]
    sql = """SELECT 'k' || i AS Key__c, repeat('ü', size) AS LastName, repeat('"', if(size = 100001, 100000, 1)) AS FirstName,
        repeat('x', if(size = 100001, 100000, 1)) AS Phone, repeat('x', if(size = 100001, 100000, 0)) AS Likes__c
        FROM (SELECT unnest(range(6)) AS i, unnest(LONGS) AS size)""".replace("LONGS", str(longs))

    report = world.run(sql, {"mode": "append", **api})

    assert (report.rows, report.sent, dict(report.rejected)) == (6, 3, {"too_long": 3})
    assert sorted(str(one["Key__c"]) for one in world.contacts().values()) == ["k0", "k2", "k4"]
    (path,) = (world.folder / "quarantine").glob("*.jsonl")
    listed = [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]
    assert [one["reason"] for one in listed] == ["too_long"] * 3
    with pytest.raises(Permanent, match="nothing was sent: 3 too_long"):
        world.run(sql, {"mode": "append", "ignore_invalid_records": False, **api}, "2")


def test_what_is_too_much_for_one_job_goes_in_several_and_rows_are_found_by_their_number(world: World) -> None:
    world.org.alter("Contact", {"LastName": {"length": 131_072}})
    sql = "SELECT 'k' || i AS Key__c, repeat('x', 30000) || i AS LastName FROM range(1000) t(i)"
    world.refuse("x" * 30_000 + "999")

    report = world.run(sql, {"mode": "append"})

    sent = [body for job in world.jobs for body in bodies(job)]
    assert len(sent) == len(world.jobs) == 2
    assert max(map(len, sent)) < 24_000_000
    assert (report.sent, len(world.contacts())) == (999, 999)
    (path,) = (world.folder / "quarantine").glob("*.jsonl")
    assert json.loads(path.read_text(encoding="ascii")) == {"row": 1_000, "reason": "FIELD_CUSTOM_VALIDATION_EXCEPTION"}
