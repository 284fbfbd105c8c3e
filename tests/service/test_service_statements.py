"""Trino's protocol by hand: statements, their pages, and what goes wrong."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from service_world import KEY, World

from reconciler.service.statements import signature

HEADERS = {"authorization": "", "x-trino-user": KEY, "x-trino-schema": "sales"}


def ask(world: World, sql: str, headers: dict[str, str] | None = None) -> httpx.Response:
    return world.client.post("/v1/statement", content=sql.encode(), headers=HEADERS | (headers or {}))


def told(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def next_of(world: World, page: dict[str, Any]) -> dict[str, Any]:
    return told(world.client.get(page["nextUri"].removeprefix("http://embedded"), headers=HEADERS))


def pages(world: World, sql: str) -> list[dict[str, Any]]:
    """What comes once the statement is done, each page after the other."""
    page = told(ask(world, sql))
    assert world.service.wait(60)
    found = []
    while "nextUri" in page:
        page = next_of(world, page)
        found.append(page)
    return found


def test_rows_come_in_pages_and_a_page_can_be_asked_for_again(world: World) -> None:
    first, *rest = pages(world, "-- who asks\nSELECT n FROM UNNEST(sequence(1, 20001)) AS t (n)")

    bigint = {"name": "n", "type": "bigint", "typeSignature": {"rawType": "bigint", "arguments": []}}
    assert [page["columns"] for page in (first, *rest)] == [[bigint]] * len([first, *rest])
    numbers = [row[0] for page in (first, *rest) for row in page.get("data", [])]
    assert numbers == list(range(1, 20002))
    assert "data" not in rest[-1]
    assert next_of(world, first) == rest[0]
    assert first["stats"]["state"] == "FINISHED"
    assert first["infoUri"] == f"http://embedded/v3/job/show/{first['id']}"
    assert world.get(f"/v3/job/show/{first['id']}")["type"] == "trino"


def test_what_is_written_is_told(world: World) -> None:
    [made] = pages(world, "CREATE TABLE people (email varchar, n bigint)")
    first, last = pages(world, "INSERT INTO people (email, n) VALUES ('a@example.com', 1), ('b@example.com', 2)")
    [dropped] = pages(world, "DROP TABLE people")

    assert (made["updateType"], made["data"]) == ("CREATE TABLE", [[True]])
    assert (first["updateType"], first["updateCount"], first["data"]) == ("INSERT", 2, [[2]])
    assert (last["updateType"], last["updateCount"], "data" in last) == ("INSERT", 2, False)
    assert (dropped["updateType"], dropped["data"]) == ("DROP TABLE", [[True]])
    assert ["updateType" in page for page in pages(world, "SELECT 1 AS rows")] == [False, False]


def test_values_are_told_as_their_types_are_written(world: World) -> None:
    sql = "SELECT TIMESTAMP '2025-03-01 09:00:00' AS t, DATE '2025-03-01' AS d, nan() AS n, ARRAY[infinity()] AS i"
    first, _ = pages(world, sql)

    assert [column["type"] for column in first["columns"]] == ["timestamp", "date", "double", "array(double)"]
    assert first["data"] == [["2025-03-01 09:00:00.000", "2025-03-01", "NaN", ["Infinity"]]]


def test_a_statement_that_fails_says_why(world: World) -> None:
    [failed] = pages(world, "SELECT nope")

    assert failed["stats"]["state"] == "FAILED"
    assert "nope" in failed["error"]["message"]
    assert (failed["error"]["errorName"], failed["error"]["errorType"]) == ("GENERIC_USER_ERROR", "USER_ERROR")


def test_a_statement_nobody_wants_is_killed(world: World) -> None:
    # Longer than anybody waits; it ends by the kill.
    sql = "SELECT count(*) FROM UNNEST(sequence(1, 100000)) AS a (n), UNNEST(sequence(1, 100000)) AS b (m) WHERE n * m % 7 = 3"
    page = told(ask(world, sql))
    address = page["nextUri"].removeprefix("http://embedded")
    assert world.client.request("DELETE", address, headers=HEADERS).status_code == 204
    assert world.service.wait(60)

    assert next_of(world, page)["error"]["errorName"] == "USER_CANCELED"


@pytest.mark.parametrize(
    ("headers", "sql", "status"),
    [
        ({"x-trino-user": "1/beef"}, "SELECT 1", 401),
        ({"x-trino-user": ""}, "SELECT 1", 401),
        ({"x-trino-schema": ""}, "SELECT 1", 400),
        ({}, " ", 422),
        ({}, "x" * 1_000_001, 422),
    ],
    ids=["wrong key", "no key", "no database", "no statement", "too long"],
)
def test_what_is_no_statement_is_refused(world: World, headers: dict[str, str], sql: str, status: int) -> None:
    assert ask(world, sql, headers).status_code == status


def test_headers_may_have_the_name_of_the_older_server(world: World) -> None:
    headers = {"x-trino-user": "", "x-trino-schema": "", "x-presto-user": KEY, "x-presto-schema": "sales"}

    assert ask(world, "SELECT 1", headers).status_code == 200


def test_other_jobs_are_no_statements(world: World) -> None:
    job_id = world.run("SELECT 1", engine="hive")["job_id"]

    for address in (f"/v1/statement/{job_id}/0", "/v1/statement/1/0", "/v1/statement/x/0"):
        assert world.client.get(address, headers=HEADERS).status_code == 404


def test_an_address_may_begin_with_two_slashes(world: World) -> None:
    assert world.client.get("http://embedded//v3/database/show/sales").status_code == 200


@pytest.mark.parametrize(
    ("type_", "arguments"),
    [
        ("bigint", []),
        ("varchar", [2_147_483_647]),
        ("decimal(5,2)", [5, 2]),
        ("timestamp", [3]),
        ("struct(a integer)", []),
    ],
)
def test_a_type_is_taken_apart(type_: str, arguments: list[int]) -> None:
    told = signature(type_)

    assert told["rawType"] == type_.partition("(")[0]
    assert told["arguments"] == [{"kind": "LONG", "value": value} for value in arguments]


def test_a_type_within_a_type_is_taken_apart_too() -> None:
    assert signature("map(varchar, array(bigint))")["arguments"] == [
        {"kind": "TYPE", "value": signature("varchar")},
        {"kind": "TYPE", "value": signature("array(bigint)")},
    ]
