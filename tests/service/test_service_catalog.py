"""Databases and tables, as the vendor's clients see them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from service_world import World

SCHEMA = '[["email","string"],["amount","int"]]'


def error(status: int, message: str) -> dict[str, Any]:
    return {"error": message, "message": message, "text": message, "severity": "error", "status_code": status}


def test_a_database_is_listed_as_the_vendor_lists_it(world: World) -> None:
    listed = world.get("/v3/database/list")

    assert listed == {
        "databases": [
            {
                "id": "1",
                "name": "sales",
                "count": 0,
                "created_at": "2025-03-01 09:00:00 UTC",
                "updated_at": "2025-03-01 09:00:00 UTC",
                "organization": None,
                "permission": "administrator",
                "delete_protected": False,
                "datatank": None,
            }
        ]
    }


def test_a_table_is_shown_with_its_schema_as_text(world: World) -> None:
    world.post("/v3/table/create/sales/orders", {"schema": SCHEMA, "expire_days": "30", "description": "all orders"})

    assert world.get("/v3/table/show/sales/orders") == {
        "id": 1,
        "name": "orders",
        "type": "log",
        "count": 0,
        "schema": SCHEMA,
        "expire_days": 30,
        "include_v": False,
        "description": "all orders",
        "delete_protected": False,
        "estimated_storage_size": 0,
        "counter_updated_at": "2025-03-01T09:00:00Z",
        "last_log_timestamp": None,
        "created_at": "2025-03-01 09:00:00 UTC",
        "updated_at": "2025-03-01 09:00:00 UTC",
    }


@pytest.mark.parametrize(
    ("method", "path", "fields", "status", "message"),
    [
        ("POST", "/v3/database/create/sales", {}, 409, "Database sales already exists"),
        ("POST", "/v3/database/create/x", {}, 400, "Name must be 3 to 256 characters, got 1 characters. x"),
        (
            "POST",
            "/v3/database/create/Sales",
            {},
            400,
            "Name must only consist of lower-case alphabets, numbers and '_'. Sales",
        ),
        ("POST", "/v3/database/delete/nope", {}, 404, "Couldn't find UserDatabase with name = nope"),
        ("GET", "/v3/table/list/nope", {}, 404, "Couldn't find UserDatabase with name = nope"),
        ("GET", "/v3/table/show/sales/nope", {}, 404, "Couldn't find UserTable with name = nope"),
        ("POST", "/v3/table/create/sales/orders/log", {}, 409, "Table orders already exists"),
        ("POST", "/v3/table/delete/sales/nope", {}, 404, "Couldn't find UserTable with name = nope"),
        ("POST", "/v3/table/update-schema/sales/orders", {}, 422, "'schema' parameter is required"),
        (
            "POST",
            "/v3/table/update-schema/sales/orders",
            {"schema": '[["a","text"]]'},
            422,
            "Validation failed: Schema has the unknown type 'text' for the column 'a'",
        ),
        (
            "POST",
            "/v3/table/update-schema/sales/orders",
            {"schema": '[["time","long"]]'},
            422,
            "Validation failed: Schema has the reserved column 'time'",
        ),
        ("POST", "/v3/table/change_database/sales/orders", {"dest_database_name": "nope"}, 404, None),
        ("GET", "/v3/no/such/address", {}, 404, "Not Found"),
        ("GET", "/v3/database/create/other", {}, 405, "Method Not Allowed"),
    ],
)
def test_refusals_are_worded_as_the_vendor_words_them(
    world: World, method: str, path: str, fields: dict[str, str], status: int, message: str | None
) -> None:
    world.post("/v3/table/create/sales/orders/log")

    answer = world.client.request(method, path, data=fields)

    assert answer.status_code == status
    assert answer.json() == error(status, message or "Couldn't find UserDatabase with name = nope")


def test_a_call_without_a_good_key_is_refused(world: World) -> None:
    for header in ("", "TD1 1/0000", "Bearer 1/0123456789abcdef"):
        answer = world.client.get("/v3/database/list", headers={"authorization": header})

        assert (answer.status_code, answer.json()["message"]) == (401, "API key is invalid or missing")


def test_the_ping_needs_no_key(world: World) -> None:
    answer = world.client.get("/v3/system/server_status", headers={"authorization": ""})

    assert answer.json() == {"status": "ok"}


def test_appending_a_schema_keeps_what_is_there(world: World) -> None:
    world.post("/v3/table/create/sales/orders", {"schema": SCHEMA})

    world.post("/v3/table/append-schema/sales/orders", {"schema": '[["email","long"],["city","string"]]'})

    assert orjson.loads(world.get("/v3/table/show/sales/orders")["schema"]) == [
        ["email", "string"],
        ["amount", "int"],
        ["city", "string"],
    ]


def test_an_update_changes_only_what_is_given(world: World) -> None:
    world.post("/v3/table/create/sales/orders", {"schema": SCHEMA, "expire_days": "30", "description": "d"})

    world.post("/v3/table/update/sales/orders", {"expire_days": "0"})

    table = world.get("/v3/table/show/sales/orders")
    assert (table["expire_days"], table["description"], table["schema"]) == (None, "d", SCHEMA)


def test_rows_follow_a_table_through_renaming_swapping_and_moving(world: World) -> None:
    world.post("/v3/database/create/archive")
    world.run("CREATE TABLE old AS SELECT 'old' AS label")
    world.run("CREATE TABLE new AS SELECT 'new' AS label")

    world.post("/v3/table/swap/sales/old/new")
    world.post("/v3/table/rename/sales/old/current")
    world.post("/v3/table/change_database/sales/new", {"dest_database_name": "archive"})

    assert world.rows("SELECT c.label, a.label FROM current c CROSS JOIN archive.new a") == [["new", "old"]]


def test_renaming_onto_a_table_needs_to_be_said(world: World) -> None:
    world.run("CREATE TABLE one AS SELECT 1 AS n")
    world.run("CREATE TABLE two AS SELECT 2 AS n")

    world.post("/v3/table/rename/sales/one/two", status=409)
    world.post("/v3/table/rename/sales/one/two", {"overwrite": "true"})

    assert world.rows("SELECT n FROM two") == [[1]]


def test_a_table_made_again_under_a_name_is_empty(world: World) -> None:
    world.run("CREATE TABLE one AS SELECT 1 AS n")
    world.post("/v3/table/delete/sales/one")
    world.post("/v3/table/create/sales/one", {"schema": '[["n","int"]]'})

    assert world.rows("SELECT count(*) FROM one") == [[0]]


def test_databases_are_made_without_touching_the_data_file(world: World) -> None:
    world.post("/v3/table/create/sales/orders", {"schema": SCHEMA})

    assert not (world.root / "data.duckdb").exists()
