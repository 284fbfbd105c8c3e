from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import httpx
import pytest

from reconciler.apis.treasure_data import TreasureData
from reconciler.apis.treasure_data_connect import connect
from reconciler.apis.treasure_data_endpoint import Endpoint
from reconciler.errors import Conflict, Denied, NotFound, OutcomeUnknown, Permanent, Transient
from reconciler.model.secret import Secret


class StillClock:
    """Time that passes only by waiting."""

    def __init__(self) -> None:
        self.at = 1_700_000_000.0

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


Scripted = httpx.Response | httpx.TransportError


@dataclass
class Script(httpx.BaseTransport):
    """Answers *answers* in order; *asked* are the requests, as ``METHOD path?query body``."""

    answers: list[Scripted] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    headers: list[httpx.Headers] = field(default_factory=list)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read().decode()
        if request.headers.get("content-type", "").startswith("application/x-www-form"):
            body = json.dumps(dict(parse_qsl(body, keep_blank_values=True)), sort_keys=True)
        self.asked.append(f"{request.method} {request.url.raw_path.decode()} {body}".strip())
        self.headers.append(request.headers)
        answer = self.answers.pop(0)
        if isinstance(answer, httpx.TransportError):
            raise answer
        return answer


Scenario = Callable[..., tuple[TreasureData, Script]]


@pytest.fixture
def scripted() -> Scenario:
    """A client whose vendor gives the answers passed in."""

    def start(*answers: Scripted) -> tuple[TreasureData, Script]:
        script = Script(list(answers))
        endpoint = Endpoint("us01", "https://api.treasuredata.com")
        key = Secret("env:TD_API_KEY", "1234/0123456789abcdef")
        return connect(endpoint, key, transport=script, clock=StillClock()), script

    return start


Call = Callable[[TreasureData], object]
LOST = httpx.ReadError("connection reset")


def ok(value: object) -> httpx.Response:
    return httpx.Response(200, json=value)


def refused(status: int, message: str) -> httpx.Response:
    return httpx.Response(status, json={"error": message, "message": message, "status_code": status})


@pytest.mark.parametrize(
    ("call", "answer", "asked"),
    [
        (lambda api: api.databases(), {"databases": []}, "GET /v3/database/list"),
        (lambda api: api.create_database("shop"), {"database": "shop"}, "POST /v3/database/create/shop"),
        (lambda api: api.delete_database("shop"), {"database": "shop"}, "POST /v3/database/delete/shop"),
        (lambda api: api.tables("shop"), {"tables": []}, "GET /v3/table/list/shop?include_descriptions=true"),
        (
            lambda api: api.create_table("shop", "orders", {"schema": '[["id","int"]]', "expire_days": 7}),
            {"table": "orders"},
            'POST /v3/table/create/shop/orders/log {"expire_days": "7", "schema": "[[\\"id\\",\\"int\\"]]"}',
        ),
        (
            lambda api: api.update_table("shop", "orders", {"expire_days": 0}),
            {"table": "orders"},
            'POST /v3/table/update/shop/orders {"expire_days": "0"}',
        ),
        (
            lambda api: api.update_schema("shop", "orders", "[]"),
            {"table": "orders"},
            'POST /v3/table/update-schema/shop/orders {"schema": "[]"}',
        ),
        (lambda api: api.rename_table("shop", "a_1", "b_1"), {"table": "b_1"}, "POST /v3/table/rename/shop/a_1/b_1"),
        (lambda api: api.delete_table("shop", "orders"), {"table": "orders"}, "POST /v3/table/delete/shop/orders"),
        (lambda api: api.saved_queries(), {"schedules": []}, "GET /v3/schedule/list"),
        (
            lambda api: api.create_saved_query(
                "my query.1", {"type": "trino", "database": "shop", "query": "SELECT 1"}
            ),
            {"name": "my query.1"},
            'POST /v3/schedule/create/my%20query%2E1 {"database": "shop", "query": "SELECT 1", "type": "trino"}',
        ),
        (
            lambda api: api.update_saved_query("my query.1", {"cron": ""}),
            {"name": "my query.1"},
            'POST /v3/schedule/update/my%20query%2E1 {"cron": ""}',
        ),
        (lambda api: api.delete_saved_query(".."), {"name": ".."}, "POST /v3/schedule/delete/%2E%2E"),
        (lambda api: api.saved_query_history("q_1", 5), {"history": []}, "GET /v3/schedule/history/q_1?from=0&to=5"),
        (lambda api: api.bulk_loads(), [], "GET /v3/bulk_loads"),
        (
            lambda api: api.create_bulk_load({"name": "c1", "database": "raw"}),
            {"name": "c1"},
            'POST /v3/bulk_loads {"name":"c1","database":"raw"}',
        ),
        (lambda api: api.update_bulk_load("c1", {"cron": ""}), {"name": "c1"}, 'PUT /v3/bulk_loads/c1 {"cron":""}'),
        (lambda api: api.delete_bulk_load("c1"), {"name": "c1"}, "DELETE /v3/bulk_loads/c1"),
        (lambda api: api.bulk_load_jobs("c1"), [], "GET /v3/bulk_loads/c1/jobs"),
        (lambda api: api.connection_id("My CRM!"), {"id": 4711}, "GET /v3/connections/lookup?name=My+CRM%21"),
        (lambda api: api.connections(), [{"id": 1}], "GET /v4/connections"),
        (lambda api: api.update_connection("7", {"name": "crm"}), {"id": 7}, 'PUT /v4/connections/7 {"name":"crm"}'),
        (lambda api: api.job("9"), {"job_id": "9"}, "GET /v3/job/show/9"),
    ],
)
def test_a_call_is_one_request(scripted: Scenario, call: Call, answer: object, asked: str) -> None:
    api, script = scripted(ok(answer))

    call(api)

    assert script.asked == [asked]


def test_every_request_carries_the_key(scripted: Scenario) -> None:
    api, script = scripted(ok({"databases": []}))

    api.databases()

    assert script.headers[0]["authorization"] == "TD1 1234/0123456789abcdef"


def test_ids_are_text_however_they_are_told(scripted: Scenario) -> None:
    api, _ = scripted(ok({"id": 4711}), ok({"id": "4711"}))

    assert [api.connection_id("crm"), api.connection_id("crm")] == ["4711", "4711"]


def test_rows_are_read_line_by_line(scripted: Scenario) -> None:
    api, _ = scripted(httpx.Response(200, content=b'["a",1]\n["b",null]\n'))

    assert api.job_rows("9") == [["a", 1], ["b", None]]


def test_rows_that_cannot_be_read_are_not_shown(scripted: Scenario) -> None:
    api, _ = scripted(httpx.Response(200, content=b'["Ana Lima",'))

    with pytest.raises(Permanent) as caught:
        api.job_rows("9")

    assert str(caught.value) == "treasure_data: GET /v3/job/result/9 answered with rows that are not JSON"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refused(400, "Name must be 3 to 256 characters"), Permanent),
        (refused(401, "bad key"), Denied),
        (refused(403, "no permission"), Denied),
        (refused(404, "Couldn't find UserDatabase with name = x"), NotFound),
        (refused(409, "Table orders already exists"), Conflict),
        (refused(422, "Validation failed: Name is too short"), Permanent),
    ],
)
def test_a_refusal_is_told_by_its_class_and_not_repeated(
    scripted: Scenario, answer: httpx.Response, error: type[Permanent]
) -> None:
    api, script = scripted(answer)

    with pytest.raises(error):
        api.create_database("shop")

    assert len(script.asked) == 1


def test_the_vendor_s_words_are_told_once(scripted: Scenario) -> None:
    api, _ = scripted(refused(409, "Table orders already exists"))

    with pytest.raises(Conflict) as caught:
        api.create_table("shop", "orders", {})

    assert caught.value.message == (
        "treasure_data: POST /v3/table/create/shop/orders/log answered 409: Table orders already exists"
    )


CREATES: dict[str, Call] = {
    "database": lambda api: api.create_database("shop"),
    "table": lambda api: api.create_table("shop", "orders", {}),
    "saved query": lambda api: api.create_saved_query("q_1", {"query": "SELECT 1"}),
    "renamed query": lambda api: api.update_saved_query("q_1", {"name": "q_2"}),
    "renamed table": lambda api: api.rename_table("shop", "a_1", "b_1"),
    "bulk load": lambda api: api.create_bulk_load({"name": "c1"}),
    "connection": lambda api: api.create_connection({"name": "crm"}),
}


@pytest.mark.parametrize("what", CREATES)
@pytest.mark.parametrize("answer", [LOST, httpx.Response(502), ok([]), httpx.Response(200, content=b"")], ids=str)
def test_what_makes_an_object_is_sent_once_and_its_loss_is_told(
    scripted: Scenario, what: str, answer: httpx.Response
) -> None:
    api, script = scripted(answer)

    with pytest.raises(OutcomeUnknown):
        CREATES[what](api)

    assert len(script.asked) == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda api: api.update_saved_query("q_1", {"cron": ""}),
        lambda api: api.delete_saved_query("q_1"),
        lambda api: api.update_table("shop", "orders", {"expire_days": 1}),
        lambda api: api.update_bulk_load("c1", {"cron": ""}),
        lambda api: api.delete_connection("7"),
    ],
)
def test_what_is_the_same_twice_is_repeated(scripted: Scenario, call: Call) -> None:
    api, script = scripted(LOST, httpx.Response(503), ok({"id": 7, "name": "c1"}))

    call(api)

    assert script.asked == [script.asked[0]] * 3


def test_a_run_is_repeated_under_its_key(scripted: Scenario) -> None:
    api, script = scripted(LOST, ok({"jobs": [{"job_id": 123, "type": "presto"}]}))

    assert api.run_saved_query("q_1", 1_700_000_000, "key-1") == "123"
    assert script.asked == ['POST /v3/schedule/run/q_1/1700000000 {"domain_key": "key-1", "num": "1"}'] * 2


@pytest.mark.parametrize(
    "start",
    [
        lambda api: api.run_saved_query("q_1", 1_700_000_000, "key-1"),
        lambda api: api.run_bulk_load("c1", "key-1"),
        lambda api: api.issue_job("trino", "shop", {"query": "SELECT 1"}, "key-1"),
    ],
)
def test_a_key_that_was_used_leads_to_the_job_it_started(scripted: Scenario, start: Call) -> None:
    api, script = scripted(refused(409, "domain_key is used"), ok({"job_id": "17", "status": "running"}))

    assert start(api) == "17"
    assert script.asked[1] == "GET /v3/job/status_by_domain_key/key-1"


def test_another_conflict_of_a_run_stays_one(scripted: Scenario) -> None:
    api, _ = scripted(refused(409, "the query is locked"), refused(404, "no such key"))

    with pytest.raises(Conflict, match="the query is locked"):
        api.run_saved_query("q_1", 1_700_000_000, "key-1")


@pytest.mark.parametrize("answer", [{"schedules": None}, {"schedules": [1]}, {"schedules": [{"cron": ""}]}, {}, "no"])
def test_a_list_without_what_it_should_hold_is_an_error_and_not_empty(scripted: Scenario, answer: object) -> None:
    api, _ = scripted(ok(answer))

    with pytest.raises(Permanent, match="answered without a list of schedules, each with its name"):
        api.saved_queries()


def test_reads_end_as_transient(scripted: Scenario) -> None:
    api, _ = scripted(*[httpx.Response(503)] * 5)

    with pytest.raises(Transient):
        api.databases()


def test_the_key_shows_nowhere_in_what_the_vendor_echoes(scripted: Scenario) -> None:
    api, _ = scripted(refused(400, "key 1234/0123456789abcdef may not"))

    with pytest.raises(Permanent) as caught:
        api.databases()

    assert "0123456789abcdef" not in str(caught.value)
