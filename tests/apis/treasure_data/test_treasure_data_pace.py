"""How fast the clients of Treasure Data ask, and what they do when it says that this is too fast."""

from __future__ import annotations

import sys
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "http"))

from http_doubles import FakeClock, Script

from reconciler.apis.treasure_data_cdp import SEGMENT
from reconciler.apis.treasure_data_connect import connect, connect_customer_data, connect_workflows
from reconciler.apis.treasure_data_endpoint import Endpoint, endpoint
from reconciler.errors import OutcomeUnknown, Transient
from reconciler.model.secret import Secret

KEY = Secret("env:TD_API_KEY", "1/0123456789abcdef")
US = endpoint("us01")
Connect = Callable[..., Any]
Call = Callable[[Any], object]
READS: list[tuple[Connect, Call, object]] = [
    (connect, lambda api: api.saved_queries(), {"schedules": []}),
    (connect_customer_data, lambda api: api.parents(), []),
    (connect_workflows, lambda api: api.projects(), {"projects": []}),
]
CREATES: list[tuple[Connect, Call, object]] = [
    (connect, lambda api: api.create_database("shop"), {"database": "shop"}),
    (connect, lambda api: api.create_connection({"name": "crm"}), {"id": 7}),
    (connect, lambda api: api.create_bulk_load({"name": "c1"}), {"name": "c1"}),
    (connect_customer_data, lambda api: api.create(SEGMENT, {}, "1"), {"data": {"id": "7"}}),
    (connect_customer_data, lambda api: api.create_syndication("1", "2", {}), {"id": "7"}),
    (connect_customer_data, lambda api: api.run_syndication("2", "3"), {"data": {"id": "7"}}),
    (connect_customer_data, lambda api: api.run_parent("2"), {"workflowAttemptId": "7"}),
    (connect_workflows, lambda api: api.push("p", "r", b""), {"id": "7"}),
]
OTHERS: list[tuple[Connect, Call, object]] = [
    (connect, lambda api: api.update_saved_query("q_1", {"cron": ""}), {"name": "q_1"}),
    (connect_customer_data, lambda api: api.update_syndication("1", "2", "3", {}), {"id": "3"}),
    (connect_customer_data, lambda api: api.delete(SEGMENT, "3"), None),
    (connect_workflows, lambda api: api.disable_schedule("3"), {"id": "3"}),
    (connect_workflows, lambda api: api.set_secret("1", "k", "v"), None),
]
NAMES = ["api", "customer-data", "workflows"]


def ok(body: object) -> httpx.Response:
    return httpx.Response(200, json=body) if body is not None else httpx.Response(204)


def asking(connect: Connect, place: Endpoint, *answers: Any, **options: Any) -> tuple[Any, Script, FakeClock]:
    clock, script = FakeClock(), Script(list(answers))
    return connect(place, KEY, clock=clock, transport=script, **options), script, clock


@pytest.mark.parametrize(
    ("number", "per_s", "burst", "usual"),
    [(0, None, 20, 10), (1, None, 4, 2), (2, None, 20, 10), (0, 1, 2, 1), (1, 4, 8, 4)],
)
def test_after_a_burst_requests_keep_their_pace(number: int, per_s: float | None, burst: int, usual: float) -> None:
    connect, call, body = READS[number]
    client, _, clock = asking(connect, US, *[ok(body)] * (burst + 6), per_s=per_s)

    for _ in range(burst):
        call(client)
    assert sum(clock.slept) == pytest.approx(0, abs=0.001)
    for _ in range(6):
        call(client)

    assert sum(clock.slept) == pytest.approx(6 / usual, abs=0.001)


@pytest.mark.parametrize(
    ("place", "per_s"),
    [
        (US, 0),
        (endpoint("http://127.0.0.1:8080"), None),
        (endpoint("http://localhost:8080"), None),
        (endpoint("http://[::1]:8080"), None),
        (Endpoint("embedded", "http://embedded"), None),
    ],
    ids=["none-wanted", "loopback", "localhost", "loopback-6", "in-this-process"],
)
@pytest.mark.parametrize(("connect", "call", "body"), READS, ids=NAMES)
def test_nothing_is_held_back_where_nobody_else_waits(
    place: Endpoint, per_s: float | None, connect: Connect, call: Call, body: object
) -> None:
    client, _, clock = asking(connect, place, *[ok(body)] * 50, per_s=per_s)

    for _ in range(50):
        call(client)

    assert clock.slept == []


@pytest.mark.parametrize("place", ["us01", "https://td.example.com", "http://10.0.0.7:8080"])
def test_any_other_address_may_lead_to_the_vendor(place: str) -> None:
    assert not endpoint(place).is_this_machine


@pytest.mark.parametrize(("connect", "call", "body"), READS + CREATES + OTHERS)
def test_who_is_told_to_come_back_later_does_so_for_this_is_refused_before_anything_is_done(
    connect: Connect, call: Call, body: object
) -> None:
    client, script, clock = asking(connect, US, httpx.Response(429, headers={"Retry-After": "7"}), ok(body))

    call(client)

    assert len(script.requests) == 2
    assert 7 <= sum(clock.slept) <= 8


@pytest.mark.parametrize(("connect", "call", "body"), READS, ids=NAMES)
def test_a_date_to_come_back_at_is_heeded(connect: Connect, call: Call, body: object) -> None:
    clock = FakeClock()
    later = httpx.Response(503, headers={"Retry-After": formatdate(clock.now() + 20, usegmt=True)})
    client = connect(US, KEY, clock=clock, transport=Script([later, ok(body)]))

    call(client)

    assert 19 <= sum(clock.slept) <= 22


@pytest.mark.parametrize(("connect", "call", "body"), READS, ids=NAMES)
def test_a_wait_that_no_run_waits_is_told_and_not_waited(connect: Connect, call: Call, body: object) -> None:
    del body
    client, script, clock = asking(connect, US, httpx.Response(429, headers={"Retry-After": "3600"}))

    with pytest.raises(Transient) as caught:
        call(client)

    assert "it asks to wait 3600 s" in caught.value.message
    assert (caught.value.hint, len(script.requests), clock.slept) == ("run again in 60 minutes", 1, [])


@pytest.mark.parametrize(("connect", "call", "body"), CREATES)
def test_what_may_have_acted_is_not_sent_again(connect: Connect, call: Call, body: object) -> None:
    del body
    client, script, _ = asking(connect, US, httpx.Response(502))

    with pytest.raises(OutcomeUnknown):
        call(client)

    assert len(script.requests) == 1


@pytest.mark.parametrize(("connect", "call", "body"), READS + OTHERS)
def test_what_is_the_same_twice_is_sent_again(connect: Connect, call: Call, body: object) -> None:
    client, script, _ = asking(connect, US, httpx.Response(502), httpx.Response(502), ok(body))

    call(client)

    assert len(script.requests) == 3
