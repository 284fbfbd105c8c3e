"""The rest of what the vendor's Python client does, over HTTP: rows, bulk imports, guesses, results, deleted tables."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from pathlib import Path

import msgpack
import pytest
import tdclient
from service_world import KEY, NOW, World, listening
from tdclient import errors

from reconciler.service.deleted_tables import KEPT_S

RECORDS = [{"time": 1_700_000_000, "email": "a@example.com", "n": 1}, {"time": 1_700_003_600, "email": "b@example.com"}]


@pytest.fixture
def td(world: World) -> Iterator[tdclient.Client]:
    with (
        listening(world) as address,
        tdclient.Client(apikey=KEY, endpoint=f"{address}/", retry_post_requests=False) as client,
    ):
        client.create_log_table("sales", "people")
        yield client


def packed(*records: object) -> bytes:
    return gzip.compress(b"".join(msgpack.packb(record) for record in records))


def test_rows_are_imported_and_the_latest_are_told_first(td: tdclient.Client) -> None:
    data = packed(*RECORDS)
    assert td.import_data("sales", "people", "msgpack.gz", data, len(data)) >= 0
    rows = td.tail("sales", "people", 5)

    assert [(row["email"], row["n"]) for row in rows] == [("b@example.com", None), ("a@example.com", 1)]
    [table] = td.tables("sales")
    assert (table.count, table.schema) == (2, [["email", "string"], ["n", "long"]])
    assert td.table("sales", "people").name == "people"
    assert td.database("sales").name == "sales"


def test_rows_that_say_nothing_are_rows_of_now(td: tdclient.Client) -> None:
    data = packed({}, {"": 1})
    td.import_data("sales", "people", "msgpack.gz", data, len(data))

    assert [sorted(row) for row in td.tail("sales", "people", 5)] == [["time"], ["time"]]
    assert all(row["time"] > 0 for row in td.tail("sales", "people", 5))


def test_rows_that_came_with_an_id_before_are_not_added_again(td: tdclient.Client) -> None:
    for _ in range(2):
        td.import_file("sales", "people", "csv", io.BytesIO(b"time,email\n1700000000,a@example.com\n"), unique_id="u-1")

    assert len(td.tail("sales", "people", 5)) == 1


def test_an_import_that_is_refused_leaves_its_id_free_and_the_table_as_it_was(td: tdclient.Client) -> None:
    td.update_schema("sales", "people", [["n", "int"]])
    bad, good = packed({"time": 1, "n": "secret-word"}), packed({"time": 1, "n": 7})
    with pytest.raises(errors.APIError) as refused:
        td.import_data("sales", "people", "msgpack.gz", bad, len(bad), unique_id="u-1")
    td.import_data("sales", "people", "msgpack.gz", good, len(good), unique_id="u-1")

    assert "secret-word" not in str(refused.value)
    assert [row["n"] for row in td.tail("sales", "people", 5)] == [7]


@pytest.mark.parametrize("form", ["msgpack.gz", "msgpack", "json", "csv"])
def test_bytes_that_are_not_what_they_are_called_are_refused(td: tdclient.Client, form: str) -> None:
    with pytest.raises(errors.APIError, match="422"):
        td.import_data("sales", "people", form, b"\xdf\xff{not", 6)  # type: ignore[arg-type]

    assert td.tail("sales", "people", 5) == []


def test_parts_of_a_bulk_import_have_columns_that_hold_what_all_of_them_say(td: tdclient.Client, world: World) -> None:
    td.create_bulk_import("session-2", "sales", "people")
    parts = {"a": [{"time": 1, "n": 7, "x": 1}], "b": [{"time": 2, "n": 2.5, "x": True}], "c": [{"time": 3, "x": "07"}]}
    for name, rows in parts.items():
        part = packed(*rows)
        td.bulk_import_upload_part("session-2", name, part, len(part))
    td.freeze_bulk_import("session-2")
    td.perform_bulk_import("session-2")
    assert world.service.wait(30)
    td.commit_bulk_import("session-2")

    told = world.rows("SELECT n, x FROM people ORDER BY time")
    assert told == [[7.0, "1"], [2.5, "true"], [None, "07"]]


def test_a_bulk_import_goes_its_whole_way(td: tdclient.Client, world: World) -> None:
    session = td.create_bulk_import("session-1", "sales", "people")
    with pytest.raises(errors.AlreadyExistsError):
        td.create_bulk_import("session-1", "sales", "people")
    part = packed(*RECORDS, {"email": "without a time"}, ["no", "map"])
    td.bulk_import_upload_part("session-1", "first", part, len(part))
    td.bulk_import_upload_file(
        "session-1", "second.part", "json", io.BytesIO(b'{"time": 5, "email": "c@example.com"}\n')
    )
    td.bulk_import_upload_part("session-1", "extra", b"x", 1)
    td.bulk_import_delete_part("session-1", "extra")
    assert sorted(td.list_bulk_import_parts("session-1")) == ["first", "second.part"]
    with pytest.raises(errors.APIError, match="not frozen"):
        td.perform_bulk_import("session-1")
    assert td.freeze_bulk_import("session-1")
    with pytest.raises(errors.APIError, match="frozen"):
        td.bulk_import_upload_part("session-1", "late", part, len(part))
    with pytest.raises(errors.APIError, match="not ready"):
        td.commit_bulk_import("session-1")
    job = td.perform_bulk_import("session-1")
    assert world.service.wait(30)

    assert td.job_status(job.job_id) == "success"
    assert td.tail("sales", "people", 9) == []
    session = td.bulk_import("session-1")
    assert (session.status, session.valid_records, session.error_records) == ("ready", 3, 2)
    assert list(td.bulk_import_error_records("session-1")) == [["no", "map"], {"email": "without a time"}]
    for _ in range(2):
        assert td.commit_bulk_import("session-1")
    assert [row["email"] for row in td.tail("sales", "people", 9)] == [
        *("b@example.com", "a@example.com", "c@example.com")
    ]
    assert [one.status for one in td.bulk_imports()] == ["committed"]
    assert td.unfreeze_bulk_import("session-1")
    assert td.delete_bulk_import("session-1")
    assert td.bulk_imports() == []


def test_parts_lie_sealed_and_go_with_their_session(td: tdclient.Client, world: World) -> None:
    td.create_bulk_import("session-1", "sales", "people")
    part = packed(*RECORDS)
    td.bulk_import_upload_part("session-1", "first", part, len(part))
    world.service.bulk_imports.upload("session-1", "../..", part)
    files = [path for path in world.root.rglob("part-*") if path.is_file()]

    assert [path.parent for path in files] == [world.root / "bulk_imports" / "1"] * 2
    assert all(part not in path.read_bytes() for path in files)
    td.delete_bulk_import("session-1")
    assert [path for path in (world.root / "bulk_imports").rglob("*") if path.is_file()] == []


def test_a_source_is_guessed_and_previewed(td: tdclient.Client) -> None:
    source = {"type": "files", "sql": "SELECT 1 AS n, 'a' AS s, 1.5::DOUBLE AS d FROM range(30)"}
    guessed = td.api.connector_guess({"in": source, "out": {"mode": "append"}})["config"]
    previewed = td.api.connector_preview({"config": guessed})

    assert guessed["in"]["columns"] == [["n", "int"], ["s", "string"], ["d", "double"]]
    assert [one["type"] for one in guessed["filters"]] == ["add_time"]
    assert previewed["schema"] == [
        {"index": 0, "name": "n", "type": "long"},
        {"index": 1, "name": "s", "type": "string"},
        {"index": 2, "name": "d", "type": "double"},
    ]
    assert previewed["records"] == [[1, "a", 1.5]] * 20
    assert [table.name for table in td.tables("sales")] == ["people"]


def test_the_whole_result_of_a_job_in_each_way_of_reading_it(td: tdclient.Client, tmp_path: Path) -> None:
    job = td.query("sales", "SELECT 1 AS n", type="trino")
    job.wait(timeout=60, wait_interval=0.05)

    assert td.job_result(job.job_id) == list(td.job_result_each(job.job_id)) == [[1]]
    assert td.job_result_format(job.job_id, "json") == list(td.job_result_format_each(job.job_id, "json")) == [[1]]
    assert td.download_job_result(job.job_id, str(tmp_path / "rows"))
    assert list(msgpack.Unpacker(io.BytesIO(gzip.decompress((tmp_path / "rows").read_bytes())))) == [[1]]


def test_a_deleted_table_is_listed_and_recovered_with_its_rows(td: tdclient.Client, world: World) -> None:
    data = packed(*RECORDS)
    td.import_data("sales", "people", "msgpack.gz", data, len(data))
    td.delete_table("sales", "people")
    [deleted] = world.get("/v3/table/deleted")["tables"]
    td.create_log_table("sales", "people")

    assert (deleted["name"], deleted["database_name"]) == ("people", "sales")
    address = f"/v3/table/recover/{deleted['id']}"
    world.json("POST", address, status=409)
    assert world.json("POST", address, {"table_name": "people_again"})["count"] == 2
    assert [row["email"] for row in td.tail("sales", "people_again", 1)] == ["b@example.com"]
    world.json("POST", address, status=404)


def test_a_table_comes_back_with_its_database(td: tdclient.Client, world: World) -> None:
    td.delete_database("sales")
    [deleted] = world.get("/v3/table/deleted")["tables"]
    world.json("POST", f"/v3/table/recover/{deleted['id']}")

    assert [table.name for table in td.tables("sales")] == ["people"]


def test_deleted_tables_are_told_in_pages_until_their_time_is_over(world: World) -> None:
    for name in ("one", "two", "three"):
        world.post(f"/v3/table/create/sales/{name}")
        world.post(f"/v3/table/delete/sales/{name}")
    first = world.get("/v3/table/deleted?page_size=2")
    rest = world.get(f"/v3/table/deleted?page_size=2&cursor_id={first['cursor_id']}")

    assert [[table["name"] for table in page["tables"]] for page in (first, rest)] == [["one", "two"], ["three"]]
    assert rest["cursor_id"] is None
    assert world.get("/v3/table/deleted?database_id=99")["tables"] == []
    world.clock.time = NOW + KEPT_S + 1
    assert world.get("/v3/table/deleted")["tables"] == []
    world.json("POST", f"/v3/table/recover/{first['tables'][0]['id']}", status=404)


def test_a_span_of_time_is_deleted_in_whole_hours(td: tdclient.Client, world: World) -> None:
    hour = 1_700_002_800
    data = packed({"time": hour - 1, "n": 1}, {"time": hour, "n": 2}, {"time": hour + 3600, "n": 3})
    td.import_data("sales", "people", "msgpack.gz", data, len(data))
    world.post("/v3/table/partialdelete/sales/people", {"from": hour + 1, "to": hour + 3600}, status=422)
    job_id = world.post("/v3/table/partialdelete/sales/people", {"from": hour, "to": hour + 3600})["job_id"]
    assert world.service.wait(30)

    assert td.job_status(job_id) == "success"
    assert [row["n"] for row in td.tail("sales", "people", 9)] == [3, 1]


def test_settings_are_validated_by_what_would_export(world: World) -> None:
    address = "/v3/connector_configs/validate_with_connection"
    made = world.json("POST", "/v4/connections", {"name": "p", "type": "pinterest", "settings": {"client_secret": "s"}})
    fields = {"settings": '{"audience_name": "x", "refresh_token": "r"}', "connection_id": made["id"]}

    told = world.post(address, fields)
    assert told == {"type": "pinterest", "settings": {"audience_name": "x", "refresh_token": "***"}}
    assert world.exporter.checked[-1][0].settings == {"client_secret": "s", "audience_name": "x", "refresh_token": "r"}
    world.post(address, {**fields, "type": "sfdc_v2"}, status=422)
    world.post(address, {**fields, "connection_id": 99}, status=404)
    world.exporter.refusal = "no such action"
    assert world.post(address, fields, status=422)["message"].endswith("no such action; write another")
    assert world.get("/v3/data_connector_restrictions") == {}
