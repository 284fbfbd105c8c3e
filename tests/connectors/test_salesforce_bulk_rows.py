"""Exports to Salesforce over HTTP: what is there in the end is what the query gave, whatever got lost on the way."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from salesforce_world import PEOPLE, SECRET, UPSERT, WANTED, World, bodies

from reconciler.errors import Permanent, Transient
from reconciler.model.json import Json


@pytest.mark.parametrize("lost", [(), ("create",), ("upload",), ("start",), ("upload", "upload", "start", "create")])
@pytest.mark.parametrize("settings", [{"mode": "append"}, UPSERT], ids=["insert", "upsert"])
def test_what_is_there_is_what_the_query_gave_though_answers_get_lost(
    world: World, settings: dict[str, Json], lost: tuple[str, ...]
) -> None:
    world.lose(*lost)

    report = world.run(PEOPLE, settings)

    assert world.there() == WANTED
    assert (report.rows, report.sent, dict(report.rejected)) == (50, 50, {})
    assert world.left_over() == []


@pytest.mark.parametrize("stop_at", range(1, 8))
def test_an_insert_that_broke_off_anywhere_goes_on_without_a_record_twice(world: World, stop_at: int) -> None:
    world.after(stop_at, world.cancelled.set)
    world.lose("upload", "start")
    with suppress(Transient):
        world.run(PEOPLE, {"mode": "append"})
    world.go_on()

    reports = [world.run(PEOPLE, {"mode": "append"}) for _ in range(2)]

    assert world.there() == WANTED
    assert reports[0] == reports[1]
    assert world.left_over() == []


def test_refused_rows_are_listed_by_number_and_code_and_never_by_value(world: World) -> None:
    world.refuse("Name 3", "Name 7")

    report = world.run(PEOPLE, UPSERT)

    (path,) = (world.folder / "quarantine").glob("*.jsonl")
    text = path.read_text(encoding="ascii")
    assert [json.loads(line) for line in text.splitlines()] == [
        {"row": 4, "reason": "FIELD_CUSTOM_VALIDATION_EXCEPTION"},
        {"row": 8, "reason": "FIELD_CUSTOM_VALIDATION_EXCEPTION"},
    ]
    assert (report.sent, dict(report.rejected)) == (48, {"FIELD_CUSTOM_VALIDATION_EXCEPTION": 2})


def test_rows_without_a_key_and_with_the_same_key_are_left_out_or_end_the_run(world: World) -> None:
    sql = f"{PEOPLE} UNION ALL VALUES (NULL, 'Nobody'), ('k1', 'Another one')"
    with pytest.raises(Permanent, match="nothing was sent: 2 duplicate_key, 1 empty_key"):
        world.run(sql, {**UPSERT, "ignore_invalid_records": False})
    assert world.jobs == []

    report = world.run(sql, UPSERT, "2")

    assert dict(report.rejected) == {"empty_key": 1, "duplicate_key": 2}
    assert world.there() == [one for one in WANTED if one[0] != "k1"]


def test_values_arrive_as_salesforce_reads_them(world: World) -> None:
    world.run(
        """SELECT 'a,"b' || chr(13) || chr(10) || 'ü' AS LastName, TRUE AS DoNotCall, DATE '2026-11-25' AS Birthdate,
        TIMESTAMP '2026-11-25 01:02:03.456' AS Moment__c, ['tea', 'coffee'] AS Likes__c, NULL::VARCHAR AS FirstName""",
        {"mode": "append"},
    )

    (record,) = world.org.records("Contact")
    assert {name: record[name] for name in ("LastName", "DoNotCall", "Birthdate", "Moment__c", "Likes__c")} == {
        "LastName": 'a,"b\nü',
        "DoNotCall": True,
        "Birthdate": "2026-11-25",
        "Moment__c": "2026-11-25T01:02:03.456+0000",
        "Likes__c": "tea;coffee",
    }
    assert "FirstName" not in record
    (job,) = world.jobs
    assert b"2026-11-25T01:02:03.456Z" in bodies(job)[0]


MOMENTS = [
    "TIMESTAMP '2026-11-25 01:02:03.456400'",
    "TIMESTAMP_NS '2026-11-25 01:02:03.456400012'",
    "TIMESTAMP_MS '2026-11-25 01:02:03.456'",
    "TIMESTAMPTZ '2026-11-25 10:02:03.456+09:00'",
]


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_moment_arrives_whatever_its_unit_and_zone(world: World, moment: str) -> None:
    world.run(f"SELECT 'Lee' AS LastName, {moment} AS Moment__c", {"mode": "append"})

    assert [one["Moment__c"] for one in world.contacts().values()] == ["2026-11-25T01:02:03.456+0000"]


@pytest.mark.parametrize("api", [{}, {"api_version": "32.0"}], ids=["bulk2", "bulk1"])
def test_line_ends_inside_of_lists_are_made_alike_too(world: World, api: dict[str, Json]) -> None:
    lists = "['a' || chr(13) || chr(10) || 'b', 'c' || chr(13)]"
    world.run(f"SELECT 'Lee' AS LastName, {lists} AS Likes__c", {"mode": "append", **api})

    assert [one["Likes__c"] for one in world.contacts().values()] == ["a\nb;c"]


@pytest.mark.parametrize(("empty", "kept"), [("keep", True), ("erase", False)])
def test_a_missing_value_leaves_the_field_or_empties_it(world: World, empty: str, kept: bool) -> None:  # noqa: FBT001
    (record,) = world.put({"Key__c": "k1", "LastName": "One", "Phone": "1"})

    world.run("SELECT 'k1' AS Key__c, 'One' AS LastName, NULL::VARCHAR AS Phone", {**UPSERT, "empty_values": empty})

    assert ("Phone" in world.contacts()[record]) is kept


def test_a_session_that_ends_on_the_way_is_renewed(world: World) -> None:
    world.org.control.fault("token_expired", nth=4)

    world.run(PEOPLE, UPSERT)

    assert world.there() == WANTED
    assert world.org.logins() == ["client_credentials"] * 2


def test_a_job_that_ended_with_refused_rows_sends_nothing_again(world: World) -> None:
    world.refuse("Name 3")
    settings: dict[str, Json] = {"mode": "append", "ignore_invalid_records": False}

    for _ in range(3):
        with pytest.raises(Permanent, match="refused 1 of 50 rows"):
            world.run(PEOPLE, settings)

    assert world.there() == [one for one in WANTED if one[1] != "Name 3"]
    assert world.left_over() == []


def test_no_secret_and_no_value_is_told_or_left(world: World) -> None:
    world.refuse("Name 3")
    with pytest.raises(Permanent, match="refused 1 of 50 rows: 1 FIELD_CUSTOM_VALIDATION_EXCEPTION") as refused:
        world.run(PEOPLE, {**UPSERT, "ignore_invalid_records": False})

    assert [path.stat().st_mode & 0o777 for path in world.kept()] == [0o600]
    left = b"".join(path.read_bytes() for path in {*world.folder.rglob("*")} - {*world.kept()} if path.is_file())
    told = " ".join([*world.said, str(refused.value), refused.value.hint]).encode() + left
    for secret in (SECRET, *world.org.org.world.sessions.open, "Name 3"):
        assert secret.encode() not in told


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"mode": "append", "hard_delete": True}, "`hard_delete` belongs to mode `truncate`, not to `append`"),
        ({"mode": "append", "unique": "email"}, "`unique` belongs to mode `update`, not to `append`"),
        ({"mode": "truncate", "upsert": True}, "`upsert` belongs to mode `update`, not to `truncate`"),
        ({"mode": "update", "upsert": True, "unique": "Email"}, "Email is no external id"),
        ({"mode": "update", "upsert": True, "unique": "Id"}, "Id is no external id"),
        ({"mode": "append", "split_records": 10_001}, "`split_records`: Input should be less than or equal to 10000"),
    ],
)
def test_settings_that_cannot_work_are_refused_before_a_row_leaves(
    world: World, settings: dict[str, Json], said: str
) -> None:
    with pytest.raises(Permanent, match=said):
        world.run(PEOPLE, settings)
    assert world.asked() == []
