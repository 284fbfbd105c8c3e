"""Bulk loads: what reads back, and what a run leaves in its table."""

from __future__ import annotations

from typing import Any

import pytest
from service_world import World

SOURCE = {
    "type": "files",
    "sql": "SELECT 1 AS n, 'a' AS s, TIMESTAMP '2025-01-01 00:00:00' AS at",
    "api_key": "k-secret",
}
ONE_OF = "use one of append, replace, replace_on_new_data, upsert"


@pytest.fixture(autouse=True, params=[False, True], ids=["copied", "lasting"])
def lasts(world: World, request: pytest.FixtureRequest) -> None:
    """Rows that are copied before anybody looks at them, and rows that are read where they are."""
    world.importer.lasts = request.param


def create(world: World, status: int = 200, **fields: Any) -> Any:
    body = {"name": "crm", "database": "sales", "table": "people", "config": {"in": SOURCE}, **fields}
    answer = world.client.post("/v3/bulk_loads", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def run(world: World, name: str = "crm") -> dict[str, Any]:
    job_id = world.client.post(f"/v3/bulk_loads/{name}/jobs", json={}).json()["job_id"]
    assert world.service.wait(60)
    job: dict[str, Any] = world.get(f"/v3/job/show/{job_id}")
    return job


def update(world: World, fields: dict[str, Any], status: int = 200) -> Any:
    answer = world.client.request("PUT", "/v3/bulk_loads/crm", json=fields)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_a_load_reads_back_with_secrets_masked_and_its_target_rewritten(world: World) -> None:
    created = create(world, cron="0 2 * * *", timezone="Asia/Tokyo", delay=30, time_column="at")

    assert created == {
        "id": 1,
        "name": "crm",
        "cron": "0 2 * * *",
        "timezone": "Asia/Tokyo",
        "delay": 30,
        "start_at": None,
        "database": "sales",
        "table": "people",
        "time_column": "at",
        "config": {
            "in": {**SOURCE, "api_key": "***"},
            "filters": [],
            "exec": {},
            "out": {"type": "td_internal", "plazma_dataset": "1/sales/people_1", "mode": "append", "time_column": "at"},
        },
        "config_diff": {},
    }
    assert world.get("/v3/bulk_loads") == [created]
    assert world.get("/v3/bulk_loads/crm") == created


def test_an_update_changes_only_what_is_given(world: World) -> None:
    created = create(world, cron="0 2 * * *")

    assert update(world, {"cron": ""}) == {**created, "cron": None}
    assert update(world, {"delay": 5})["delay"] == 5
    assert run(world)["status"] == "success"
    assert world.importer.requests[0].source["api_key"] == "k-secret"


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({"name": None}, 422, "'name' parameter is required"),
        ({"database": "nope"}, 404, "Couldn't find UserDatabase with name = nope"),
        (
            {"config": {"in": {"api_key": "***"}}},
            422,
            "Validation failed: Config in holds a masked value (***): write the secret itself",
        ),
        (
            {"config": {"out": {"mode": "merge"}}},
            422,
            f"Validation failed: Config out.mode is not included in the list: 'merge'; {ONE_OF}",
        ),
        ({"config": "{"}, 422, "Validation failed: Config is not a JSON object"),
        (
            {"config": {"in": {"x": "y" * 66_000}}},
            422,
            "Validation failed: Config is too long (maximum is 65535 bytes)",
        ),
        ({"delay": "1h"}, 422, "Validation failed: Delay is not a whole number: '1h'"),
        ({"name": "there"}, 409, "Bulk load 'there' already exists"),
    ],
)
def test_a_wrong_load_is_refused(world: World, fields: dict[str, Any], status: int, message: str) -> None:
    create(world, name="there")

    assert create(world, status, **fields)["message"] == message


def test_every_name_reaches_exactly_its_load(world: World) -> None:
    names = {
        "..": "%2E%2E",
        "a/b": "a%2Fb",
        "50%+": "50%25%2B",
        "日次送信": "%E6%97%A5%E6%AC%A1%E9%80%81%E4%BF%A1",
        ".": "%2E",
    }
    for name in names:
        create(world, name=name)

    for name, path in names.items():
        assert world.get(f"/v3/bulk_loads/{path}")["name"] == name
        assert world.client.request("DELETE", f"/v3/bulk_loads/{path}").json()["name"] == name
    assert world.get("/v3/bulk_loads") == []


def test_a_run_makes_the_table_and_fills_it(world: World) -> None:
    create(world, time_column="at")

    job = run(world)

    assert (job["type"], job["status"], job["num_records"]) == ("bulkload", "success", 1)
    assert job["tdr_progress"] == {"done": 1, "total": 1}
    assert "read a page" in job["debug"]["cmdout"]
    assert "loaded 1 rows into sales.people" in job["debug"]["cmdout"]
    table = world.get("/v3/table/show/sales/people")
    assert (table["count"], table["schema"]) == (1, '[["n","int"],["s","string"],["at","string"]]')
    assert world.rows("SELECT n, s, at, time FROM people") == [[1, "a", "2025-01-01 00:00:00", 1735689600]]
    [record] = world.get("/v3/bulk_loads/crm/jobs")
    assert (record["job_id"], record["records"], record["start_at"]) == (job["job_id"], 1, 1740819600)


MODES: list[tuple[str, str, list[list[Any]]]] = [
    ("append", "SELECT 2 AS n", [[1], [2]]),
    ("replace", "SELECT 2 AS n", [[2]]),
    ("replace", "SELECT 2 AS n WHERE false", []),
    ("replace_on_new_data", "SELECT 2 AS n", [[2]]),
    ("replace_on_new_data", "SELECT 2 AS n WHERE false", [[1]]),
    ("append", "SELECT error('broken') AS n", [[1]]),
    ("replace", "SELECT error('broken') AS n", [[1]]),
]


@pytest.mark.parametrize(("mode", "sql", "expected"), MODES)
def test_a_mode_decides_what_becomes_of_the_rows_before(
    world: World, mode: str, sql: str, expected: list[list[Any]]
) -> None:
    world.run("CREATE TABLE people AS SELECT 1 AS n")
    create(world, config={"in": {"sql": sql}, "out": {"mode": mode}})

    job = run(world)

    assert job["status"] == ("error" if "broken" in sql else "success")
    assert world.rows("SELECT n FROM people ORDER BY n") == expected


def test_new_columns_are_added_and_known_ones_keep_their_type(world: World) -> None:
    world.run("CREATE TABLE people AS SELECT 'x' AS code")
    create(world, config={"in": {"sql": "SELECT 7 AS code, true AS Active, {'a': 1} AS info, [1, 2] AS list"}})

    job = run(world)

    assert job["status"] == "success", job["debug"]
    assert world.get("/v3/table/show/sales/people")["schema"] == (
        '[["code","string"],["active","int"],["info","string"],["list","array<int>"]]'
    )
    assert world.rows("SELECT code, active, info, list FROM people ORDER BY code") == [
        ["7", 1, '{"a":1}', [1, 2]],
        ["x", None, None, None],
    ]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("1700000000", 1700000000),
        ("TIMESTAMP '2025-01-01 00:00:00'", 1735689600),
        ("DATE '2025-01-01'", 1735689600),
        ("TIMESTAMPTZ '2025-01-01 09:00:00+09'", 1735689600),
        ("NULL::BIGINT", 1740819600),
    ],
)
def test_the_time_of_a_row_comes_from_its_column_or_the_upload(world: World, column: str, expected: int) -> None:
    create(world, config={"in": {"sql": f"SELECT {column} AS at"}, "out": {"time_column": "at"}})

    run(world)

    assert world.rows("SELECT time FROM people") == [[expected]]


def test_a_load_uses_the_connection_it_names(world: World) -> None:
    connection = {"name": "shop", "type": "files", "settings": {"sql": "SELECT 5 AS n", "token": "t"}}
    connection_id = world.client.post("/v4/connections", json=connection).json()["id"]
    create(world, config={"in": {"td_authentication_id": connection_id, "target": "users"}})

    assert run(world)["status"] == "success"

    assert world.importer.requests[0].source == {
        "type": "files",
        "sql": "SELECT 5 AS n",
        "token": "t",
        "td_authentication_id": connection_id,
        "target": "users",
    }


def test_a_value_that_does_not_fit_its_column_is_named_by_row_and_column_and_not_shown(world: World) -> None:
    world.post("/v3/table/create/sales/people", {"schema": '[["visits","long"]]'})
    world.run("INSERT INTO people (visits) VALUES (1)")
    create(world, config={"in": {"sql": "SELECT * FROM (VALUES ('1', 'a'), ('FAKE-value', 'b')) AS t(visits, code)"}})

    job = run(world)

    assert job["debug"]["stderr"] == (
        "row 2 of the import: the value of column `visits` is not of type long, which it has in sales.people; "
        "write it like 17 or -3, within 64 bits, without leading zeros or an exponent, or declare the column as string"
    )
    assert "FAKE-value" not in str(job)
    assert world.rows("SELECT visits FROM people") == [[1]]


@pytest.mark.parametrize(
    "value", ["'1.7'", "1.7::DOUBLE", "1.70::DECIMAL(9,2)", "'1e3'", "'007'", "'true'", "''", "'nan'::DOUBLE"]
)
def test_no_importer_gets_a_number_rounded_or_guessed_into_a_column(world: World, value: str) -> None:
    world.post("/v3/table/create/sales/people", {"schema": '[["visits","long"]]'})
    world.run("INSERT INTO people (visits) VALUES (1)")
    create(world, config={"in": {"sql": f"SELECT {value} AS visits"}})

    job = run(world)

    assert job["status"] == "error"
    assert job["debug"]["stderr"].startswith("row 1 of the import: the value of column `visits` is not of type long")
    assert world.rows("SELECT visits FROM people") == [[1]]


def test_whole_numbers_of_more_than_64_bits_are_kept_as_text(world: World) -> None:
    create(world, config={"in": {"sql": "SELECT * FROM (VALUES (1::HUGEINT), (9223372036854775809)) AS t(n)"}})

    assert run(world)["status"] == "success"
    assert world.rows("SELECT n FROM people ORDER BY n") == [["1"], ["9223372036854775809"]]


def test_a_whole_number_of_64_bits_without_a_sign_is_kept_as_text_where_nobody_declared_a_type(world: World) -> None:
    create(world, config={"in": {"sql": "SELECT * FROM (VALUES (1::UBIGINT), (9223372036854775808)) AS t(n)"}})

    assert run(world)["status"] == "success"
    assert world.rows("SELECT n FROM people ORDER BY n") == [["1"], ["9223372036854775808"]]


def test_a_whole_number_that_no_column_can_hold_is_named_by_its_row(world: World) -> None:
    world.post("/v3/table/create/sales/people", {"schema": '[["n","long"]]'})
    create(world, config={"in": {"sql": "SELECT * FROM (VALUES (1::UBIGINT), (9223372036854775808)) AS t(n)"}})

    assert run(world)["debug"]["stderr"] == (
        "row 2 of the import: the value of column `n` is not of type long, which it has in sales.people; "
        "write it like 17 or -3, within 64 bits, without leading zeros or an exponent, or declare the column as string"
    )


def test_a_filter_we_do_not_have_fails_the_run(world: World) -> None:
    create(world, config={"in": SOURCE, "filters": [{"type": "add_time"}, {"type": "rename"}]})

    job = run(world)

    assert job["debug"]["stderr"] == (
        "the embedded service has no filter 'rename' for bulk loads; remove it, or use `add_time`"
    )
    world.get("/v3/table/show/sales/people", status=404)


def test_connections_read_back_masked_and_are_found_by_name(world: World) -> None:
    body = {
        "name": "Please Lookup This!?",
        "type": "pinterest",
        "settings": {"refresh_token": "r", "empty_token": "", "user": "u"},
    }
    created = world.client.post("/v4/connections", json=body).json()

    assert created["settings"] == {"refresh_token": "***", "empty_token": "", "user": "u"}
    assert world.get("/v3/connections/lookup?name=Please%20Lookup%20This!%3F") == {"id": created["id"]}
    assert world.get("/v4/connections") == [created]
    changed = world.client.request("PATCH", f"/v4/connections/{created['id']}", json={"name": "other"}).json()
    assert changed == {**created, "name": "other"}
    masked = world.client.request("PUT", f"/v4/connections/{created['id']}", json={"settings": created["settings"]})
    assert (masked.status_code, masked.json()["message"]) == (
        422,
        "Validation failed: Settings holds a masked value (***): write the secret itself",
    )
    assert world.client.post("/v4/connections", json={**body, "name": "other"}).status_code == 409
    world.client.request("DELETE", f"/v4/connections/{created['id']}")
    world.get(f"/v4/connections/{created['id']}", status=404)
    world.get("/v3/connections/lookup?name=other", status=404)


def test_who_reads_is_told_the_columns_that_somebody_declared_and_not_those_that_loads_added(world: World) -> None:
    world.post("/v3/table/create/sales/people", {"schema": '[["n","long"],["s","string"]]'})
    create(world, config={"in": {"type": "files", "sql": "SELECT 1::BIGINT AS n, 'a' AS s, 'b' AS added"}})
    run(world)
    run(world)
    world.post("/v3/table/append-schema/sales/people", {"schema": '[["added","string"]]'})
    run(world)
    world.post("/v3/table/update-schema/sales/people", {"schema": '[["added","string"],["n","long"],["s","string"]]'})
    run(world)

    assert [list(request.columns.items()) for request in world.importer.requests] == [
        [("n", "long"), ("s", "string")],
        [("n", "long"), ("s", "string")],
        [("n", "long"), ("s", "string"), ("added", "string")],
        [("added", "string"), ("n", "long"), ("s", "string")],
    ]
