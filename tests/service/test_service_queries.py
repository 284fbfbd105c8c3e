"""Saved queries: names, three encodings, partial updates, what reads back."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import orjson
import pytest
from service_world import World

FIELDS = {"database": "sales", "query": "SELECT 1", "type": "trino"}
SHOWN = {
    "id": "1",
    "name": "daily orders",
    "cron": None,
    "timezone": "UTC",
    "delay": 0,
    "created_at": "2025-03-01T09:00:00Z",
    "type": "trino",
    "query": "SELECT 1",
    "database": "sales",
    "user_name": "Local User",
    "priority": 0,
    "retry_limit": 0,
    "result": "",
    "result_connection_id": None,
    "result_connection_settings": None,
    "next_time": None,
}


def listed(world: World) -> list[dict[str, Any]]:
    schedules: list[dict[str, Any]] = world.get("/v3/schedule/list")["schedules"]
    return schedules


@pytest.mark.parametrize("encoding", ["urlencoded", "multipart", "json"])
def test_one_query_comes_in_three_encodings(world: World, encoding: str) -> None:
    fields = {**FIELDS, "cron": "0 3 * * *", "delay": "60", "result": '{"type":"files"}'}
    sent: dict[str, Any] = {
        "urlencoded": {"data": fields},
        "multipart": {"files": {name: (None, value) for name, value in fields.items()}},
        "json": {"json": {**fields, "delay": 60}},
    }[encoding]

    answer = world.client.post("/v3/schedule/create/daily%20orders", **sent)

    assert answer.json() == {
        **SHOWN,
        "cron": "0 3 * * *",
        "delay": 60,
        "result": '{"type":"files"}',
        "next_time": "2025-03-02T03:00:00Z",
        "start": "2025-03-02T03:00:00Z",
    }


def test_an_unscheduled_query_reads_as_null(world: World) -> None:
    world.post("/v3/schedule/create/daily%20orders", {**FIELDS, "cron": ""})

    assert listed(world) == [SHOWN]


NAMES = [
    "a/b",
    "...",
    "50%+",
    "日次送信",
    "my query.1",
    "a%2Fb",
    "a?b#c",
    "a+b c",
    "../v3/x",
    "%2e%2e",
    "a;b=c",
    "ünï/…",
]


@pytest.mark.parametrize("dot", [".", "%2E"])
def test_every_name_reaches_exactly_its_query(world: World, dot: str) -> None:
    def path(verb: str, name: str) -> str:
        return f"/v3/schedule/{verb}/{quote(name, safe='').replace('.', dot)}"

    for number, name in enumerate(NAMES):
        world.post(path("create", name), {**FIELDS, "query": f"SELECT {number}"})

    found = {query["name"]: query["query"] for query in listed(world)}
    assert found == {name: f"SELECT {number}" for number, name in enumerate(NAMES)}
    for name in NAMES:
        world.post(path("update", name), {"delay": "5"})
        assert world.post(path("delete", name))["name"] == name
    assert listed(world) == []


def test_an_update_changes_only_what_is_given(world: World) -> None:
    world.post("/v3/schedule/create/daily%20orders", {**FIELDS, "cron": "0 3 * * *", "priority": "1", "delay": "60"})

    world.post("/v3/schedule/update/daily%20orders", {"cron": ""})

    assert listed(world) == [{**SHOWN, "priority": 1, "delay": 60}]


def test_a_query_is_renamed_by_its_name_field(world: World) -> None:
    world.post("/v3/schedule/create/daily%20orders", FIELDS)

    answer = world.post("/v3/schedule/update/daily%20orders", {"name": "nightly/orders"})

    assert answer == {**SHOWN, "name": "nightly/orders", "start": None}
    world.post("/v3/schedule/delete/daily%20orders", status=404)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"query": None}, "'query' parameter is required"),
    ({"database": None}, "'database' parameter is required"),
    ({"type": "mysql"}, "Validation failed: Type is not included in the list: 'mysql'; use one of hive, presto, trino"),
    ({"delay": "1h"}, "Validation failed: Delay is not a whole number: '1h'"),
    ({"delay": "-1"}, "Validation failed: Delay must be between 0 and 316224000, got -1"),
    ({"delay": "1.5"}, "Validation failed: Delay is not a whole number: '1.5'"),
    ({"priority": "3"}, "Validation failed: Priority must be between -2 and 2, got 3"),
    ({"retry_limit": "33"}, "Validation failed: Retry limit must be between 0 and 32, got 33"),
    ({"cron": "every day"}, "Validation failed: Cron is invalid: not five fields: 'every day'"),
    ({"timezone": "PST"}, "Validation failed: Timezone is invalid: 'PST'; use a name such as Asia/Tokyo"),
    (
        {"timezone": "Mars/Olympus"},
        "Validation failed: Timezone is invalid: 'Mars/Olympus'; use a name such as Asia/Tokyo",
    ),
    ({"result": "{not json"}, "Validation failed: Result is not JSON"),
    ({"result": "{}"}, "Validation failed: Result has no 'type'"),
    ({"result": "nobody"}, "Validation failed: Result is neither a URL, nor JSON, nor the name of a connection"),
    (
        {"result": '{"type":"pinterest","client_secret":"***"}'},
        "Validation failed: Result holds a masked value (***): write the secret itself",
    ),
    (
        {"result_connection_settings": '{"a":1}'},
        "'result_connection_id' parameter is required with 'result_connection_settings'",
    ),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED, ids=[str(changes) for changes, _ in REFUSED])
def test_a_wrong_field_is_a_422_that_names_it(world: World, changes: dict[str, Any], message: str) -> None:
    fields = {name: value for name, value in {**FIELDS, **changes}.items() if value is not None}

    answer = world.post("/v3/schedule/create/daily", fields, status=422)

    assert answer == {
        "error": message,
        "message": message,
        "text": message,
        "severity": "error",
        "status_code": 422,
    }
    assert listed(world) == []


@pytest.mark.parametrize(
    ("path", "fields", "status", "message"),
    [
        ("create/ab", FIELDS, 422, "Validation failed: Name is too short (minimum is 3 characters)"),
        ("create/there", FIELDS, 409, "Query 'there' already exists"),
        ("update/there", {"name": "other"}, 409, "Query 'other' already exists"),
        ("update/nope", {}, 404, "Couldn't find Schedule with name = nope"),
        ("delete/nope", {}, 404, "Couldn't find Schedule with name = nope"),
        ("run/nope/0", {}, 404, "Couldn't find Schedule with name = nope"),
        ("create/new", {**FIELDS, "database": "gone"}, 404, "Couldn't find UserDatabase with name = gone"),
    ],
)
def test_names_taken_missing_and_short_are_refused(
    world: World, path: str, fields: dict[str, str], status: int, message: str
) -> None:
    world.post("/v3/schedule/create/there", FIELDS)
    world.post("/v3/schedule/create/other", FIELDS)

    assert world.post(f"/v3/schedule/{path}", fields, status=status)["message"] == message


RESULTS = [
    (
        '{"type":"pinterest","client_id":"1","client_secret":"s","refresh_token":"r","audience_name":"x","limit":10}',
        '{"type":"pinterest","client_id":"***","client_secret":"***","refresh_token":"***","audience_name":"x","limit":10}',
    ),
    (
        '{"type":"http","url":"https://u:pw@h/p?api_key=1","n":{"password":"p"}}',
        '{"type":"http","url":"https://u:***@h/p?api_key=***","n":{"password":"***"}}',
    ),
    ("mysql://etl:pw@db.example.com/shop/orders", "mysql://etl:***@db.example.com/shop/orders"),
    ("mysql://etl:p@ss/w@db.example.com/shop", "mysql://etl:***@db.example.com/shop"),
    ("td://1/abcdef@/db/table?mode=replace", "td://***@/db/table?mode=replace"),
    ("td://@/db/table?mode=replace", "td://@/db/table?mode=replace"),
]


@pytest.mark.parametrize(("written", "read"), RESULTS)
def test_a_result_reads_back_with_its_secrets_masked(world: World, written: str, read: str) -> None:
    world.post("/v3/schedule/create/daily", {**FIELDS, "result": written})

    assert [query["result"] for query in listed(world)] == [read]


def test_no_secret_and_no_key_lies_in_a_file(world: World) -> None:
    world.post("/v3/schedule/create/daily", {**FIELDS, "result": '{"type":"x","password":"hunter2-secret"}'})
    world.client.post("/v4/connections", json={"name": "c", "type": "x", "settings": {"token": "hunter3-secret"}})
    world.run("SELECT 1", result='{"type":"x","password":"hunter4-secret"}')

    for path in world.root.rglob("*"):
        if path.is_file():
            assert b"-secret" not in path.read_bytes(), path.name


def test_a_connection_with_settings_is_a_result_too(world: World) -> None:
    connection = world.client.post(
        "/v4/connections", json={"name": "pin", "type": "pinterest", "settings": {"refresh_token": "r", "x": "1"}}
    ).json()
    world.post(
        "/v3/schedule/create/daily",
        {
            **FIELDS,
            "result_connection_id": str(connection["id"]),
            "result_connection_settings": '{"x":"2","password":"p"}',
        },
    )

    query = listed(world)[0]
    assert (query["result"], query["result_connection_id"], query["result_connection_settings"]) == (
        "",
        "1",
        '{"x":"2","password":"***"}',
    )
    world.post("/v3/schedule/run/daily/1700000000")
    world.service.wait(30)
    request, _ = world.exporter.exported[0]
    assert (request.type, request.settings) == ("pinterest", {"refresh_token": "r", "x": "2", "password": "p"})

    world.post("/v3/schedule/update/daily", {"result": ""})
    assert listed(world)[0]["result_connection_id"] is None


@pytest.mark.parametrize("written", ["crm", "old"])
def test_the_name_of_a_connection_is_a_result(world: World, written: str) -> None:
    world.client.post("/v4/connections", json={"name": "crm", "type": "salesforce", "settings": {"object": "Contact"}})
    world.post("/v3/result/create/old", {"url": "sfdc://u:p@login.example.com/Contact?mode=append"})

    world.run("SELECT 1 AS n", result=written)

    request, _ = world.exporter.exported[0]
    assert (request.type, request.settings) == {
        "crm": ("salesforce", {"object": "Contact"}),
        "old": ("sfdc", {"mode": "append", "url": "sfdc://u:p@login.example.com/Contact?mode=append"}),
    }[written]


def test_a_run_uses_the_time_it_is_given(world: World) -> None:
    world.post("/v3/schedule/create/daily", {**FIELDS, "query": "SELECT TD_SCHEDULED_TIME()", "cron": "0 3 * * *"})

    answer = world.post("/v3/schedule/run/daily/1740798000", {"num": "2"})
    world.service.wait(30)

    first, second = answer["jobs"]
    assert first == {"job_id": first["job_id"], "type": "trino", "scheduled_at": "2025-03-01 03:00:00 UTC"}
    assert second["scheduled_at"] == "2025-03-02 03:00:00 UTC"
    result = world.client.get(f"/v3/job/result/{second['job_id']}?format=json").text
    assert result == "[1740884400]\n"
    history = world.get("/v3/schedule/history/daily?from=0&to=1")
    assert (history["count"], history["from"], history["to"]) == (2, 0, 1)
    assert [job["job_id"] for job in history["history"]] == [second["job_id"]]
    assert history["history"][0]["scheduled_at"] == "2025-03-02 03:00:00 UTC"


def test_a_query_runs_by_id_and_domain_key_once(world: World) -> None:
    created = world.post("/v3/schedule/create/daily", FIELDS)
    path = f"/v4/queries/{created['id']}/jobs"
    body = {"scheduled_time": "2025-03-01T00:00:00Z", "domain_key": "k"}

    first = world.client.post(path, json=body).json()
    again = world.client.post(path, json=body)

    assert (again.status_code, again.json()["details"]) == (409, {"conflicts_with": first["id"]})
    assert world.get("/v3/job/status_by_domain_key/k")["job_id"] == first["id"]


def test_ten_thousand_queries_are_listed_in_one_answer(world: World) -> None:
    with world.service.storage.transaction():
        for number in range(10_000):
            world.service.storage.run(
                "INSERT INTO queries (name, database, type, query, cron, timezone, delay, priority, retry_limit, next_shown,"
                " created_at, updated_at) VALUES (?, 'sales', 'trino', 'SELECT 1', '0 3 * * *', 'UTC', 0, 0, 0, 1, 1, 1)",
                f"query {number:05}",
            )

    schedules = listed(world)

    assert [query["name"] for query in schedules] == [f"query {number:05}" for number in range(10_000)]
    assert {query["next_time"] for query in schedules} == {"2025-03-02T03:00:00Z"}
    assert len({query["id"] for query in schedules}) == 10_000


def test_a_body_that_is_no_object_is_a_400(world: World) -> None:
    for body in (b"[1]", b"{", b"text"):
        answer = world.client.post(
            "/v3/schedule/create/daily", content=body, headers={"content-type": "application/json"}
        )

        assert (answer.status_code, answer.json()["message"]) == (400, "the request body is not a JSON object")
    assert orjson.loads(answer.content)["status_code"] == 400
