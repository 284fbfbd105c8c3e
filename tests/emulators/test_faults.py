"""What a client of any kind meets, over real connections."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest

from reconciler.emulators.remote_control import RemoteControl

ACCOUNT = "/ad_accounts/549700000001"
LISTS = f"{ACCOUNT}/customer_lists"
PATCHES = {"method": "PATCH", "path": "/ad_accounts/*/customer_lists/*"}


@pytest.fixture
def add(unchecked: httpx.Client, control: RemoteControl) -> Callable[[], httpx.Response]:
    """One ADD to a list that exists."""
    control.call("POST", "/lists", {"ad_account_id": "549700000001", "name": "vip"})

    def add() -> httpx.Response:
        return unchecked.patch(f"{LISTS}/4189755", json={"operation_type": "ADD", "records": "a@example.com"})

    return add


def batches(control: RemoteControl) -> int:
    return int(control.lists()[0]["num_batches"])


@pytest.mark.parametrize(
    ("fault", "status", "body", "headers"),
    [
        ({"kind": "rate_limited"}, 429, 8, {"x-ratelimit-reset": "1", "x-ratelimit-remaining": "0"}),
        ({"kind": "rate_limited", "reset_s": 67_150}, 429, 8, {"x-ratelimit-reset": "67150"}),
        ({"kind": "rate_limited", "envoy_header": True}, 429, 8, {"x-envoy-ratelimited": "true"}),
        ({"kind": "rate_limited", "retry_after_s": 3}, 429, 8, {"retry-after": "3"}),
        ({"kind": "error", "status": 500}, 500, 0, {}),
        ({"kind": "error", "status": 502}, 502, 0, {}),
        ({"kind": "error", "status": 503, "retry_after_s": 7}, 503, 0, {"retry-after": "7"}),
        ({"kind": "error", "status": 403, "code": 29, "message": "You are not permitted to access that resource."}, 403, 29, {}),
        ({"kind": "error", "status": 400, "code": 12, "message": "something went wrong"}, 400, 12, {}),
    ],
)  # fmt: skip
def test_refusals_have_no_effect(
    add: Callable[[], httpx.Response],
    control: RemoteControl,
    fault: dict[str, object],
    status: int,
    body: int,
    headers: dict[str, str],
) -> None:
    control.call("POST", "/faults", {**fault, **PATCHES})

    answer = add()

    assert (answer.status_code, answer.json()["code"]) == (status, body)
    assert headers.items() <= dict(answer.headers).items()
    assert {"retry-after", "x-envoy-ratelimited"} & set(answer.headers) == {
        "retry-after",
        "x-envoy-ratelimited",
    } & set(headers)
    assert batches(control) == 1
    assert add().status_code == 200


def test_a_cut_connection_has_no_effect(add: Callable[[], httpx.Response], control: RemoteControl) -> None:
    control.fault("cut", **PATCHES)

    with pytest.raises(httpx.RemoteProtocolError, match="Server disconnected without sending a response"):
        add()

    assert batches(control) == 1
    assert add().status_code == 200


def test_an_answer_can_be_lost_after_the_effect(add: Callable[[], httpx.Response], control: RemoteControl) -> None:
    control.fault("answer_lost", **PATCHES)

    with pytest.raises(httpx.RemoteProtocolError, match="Server disconnected without sending a response"):
        add()

    assert batches(control) == 2


def test_a_create_can_be_lost_after_the_effect(unchecked: httpx.Client, control: RemoteControl) -> None:
    control.fault("answer_lost", method="POST", path="/ad_accounts/*/audiences")
    listed = control.call("POST", "/lists", {"ad_account_id": "549700000001", "name": "vip"})
    body = {"name": "vip", "audience_type": "CUSTOMER_LIST", "rule": {"customer_list_id": listed["id"]}}

    with pytest.raises(httpx.RemoteProtocolError):
        unchecked.post(f"{ACCOUNT}/audiences", json=body)

    assert [item["name"] for item in unchecked.get(f"{ACCOUNT}/audiences").json()["items"]] == ["vip"]


def test_a_connection_can_end_inside_the_answer(add: Callable[[], httpx.Response], control: RemoteControl) -> None:
    control.fault("cut_midway", **PATCHES)

    with pytest.raises(httpx.RemoteProtocolError, match="peer closed connection without sending complete message body"):
        add()

    assert batches(control) == 2


@pytest.mark.parametrize("kind", ["truncated", "malformed"])
def test_an_answer_can_be_no_json(add: Callable[[], httpx.Response], control: RemoteControl, kind: str) -> None:
    control.fault(kind, **PATCHES)

    answer = add()

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert batches(control) == 2


def test_an_answer_can_be_a_page_of_html(add: Callable[[], httpx.Response], control: RemoteControl) -> None:
    control.fault("html", status=502, **PATCHES)

    answer = add()

    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html; charset=utf-8")
    assert answer.text.startswith("<html>")
    assert batches(control) == 1


def test_an_answer_can_come_too_late(
    add: Callable[[], httpx.Response], unchecked: httpx.Client, control: RemoteControl
) -> None:
    control.fault("slow", delay_s=0.5, **PATCHES)
    unchecked.timeout = httpx.Timeout(30, read=0.05)

    with pytest.raises(httpx.ReadTimeout):
        add()


def test_a_slow_call_has_its_effect(add: Callable[[], httpx.Response], control: RemoteControl) -> None:
    control.fault("slow", delay_s=0.01, **PATCHES)

    assert add().status_code == 200
    assert batches(control) == 2


def test_a_slow_answer_can_still_be_lost(add: Callable[[], httpx.Response], control: RemoteControl) -> None:
    control.fault("slow", delay_s=0.01, **PATCHES)
    control.fault("cut", **PATCHES)

    with pytest.raises(httpx.RemoteProtocolError):
        add()

    assert control.traffic()[-1]["faults"] == ["slow", "cut"]


def test_a_token_can_expire_in_the_middle(add: Callable[[], httpx.Response], control: RemoteControl) -> None:
    control.fault("token_expired", nth=2, **PATCHES)

    assert [add().status_code for _ in range(3)] == [200, 401, 401]


@pytest.mark.parametrize(
    ("nth", "count", "statuses"),
    [
        (1, 1, [503, 200, 200, 200]),
        (2, 1, [200, 503, 200, 200]),
        (2, 2, [200, 503, 503, 200]),
        (3, None, [200, 200, 503, 503]),
    ],
)
def test_a_fault_strikes_the_calls_it_is_aimed_at(
    add: Callable[[], httpx.Response], control: RemoteControl, nth: int, count: int | None, statuses: list[int]
) -> None:
    control.fault("error", nth=nth, count=count, **PATCHES)

    assert [add().status_code for _ in range(4)] == statuses
    (armed,) = control.call("GET", "/faults")["faults"]
    assert (armed["seen"], armed["struck"]) == (4, statuses.count(503))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("*", "/**", 503),
        ("GET", "/ad_accounts/*/customer_lists", 503),
        ("GET", "/ad_accounts/549700000001/**", 503),
        ("GET", "/ad_accounts/*", 200),
        ("POST", "/ad_accounts/*/customer_lists", 200),
        ("GET", "/ad_accounts/*/customer_list.", 200),
    ],
)
def test_a_fault_is_aimed_by_method_and_path(
    unchecked: httpx.Client, control: RemoteControl, method: str, path: str, status: int
) -> None:
    control.fault("error", method=method, path=path)

    assert unchecked.get(LISTS).status_code == status


def test_faults_can_be_taken_back(unchecked: httpx.Client, control: RemoteControl) -> None:
    first = control.fault("error", count=None)
    second = control.fault("html", count=None, status=500)

    control.call("DELETE", f"/faults/{first}")
    assert unchecked.get(LISTS).status_code == 500
    control.call("DELETE", f"/faults/{second}")
    assert unchecked.get(LISTS).status_code == 200
    with pytest.raises(ValueError, match="not there"):
        control.call("DELETE", f"/faults/{first}")


@pytest.mark.parametrize(
    "fault",
    [{"kind": "meteor"}, {"kind": "slow"}, {"kind": "cut", "delay_s": 1}, {"kind": "cut", "nth": 0}, {"status": 500}],
)
def test_a_fault_that_does_not_exist_cannot_be_armed(control: RemoteControl, fault: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="POST /faults"):
        control.call("POST", "/faults", fault)

    assert control.call("GET", "/faults") == {"faults": []}


@pytest.mark.parametrize(
    ("late", "in_lists", "by_id"),
    [
        ({"list_calls": 2}, [False, False, True], [True, True, True]),
        ({"get_calls": 1}, [True, True, True], [False, True, True]),
        ({"list_calls": 1, "get_calls": 2}, [False, True, True], [False, False, True]),
    ],
)
def test_a_new_object_may_be_listed_late_by_calls(
    client: httpx.Client,
    control: RemoteControl,
    late: dict[str, int],
    in_lists: list[bool],
    by_id: list[bool],
) -> None:
    control.fault("listed_late", method="POST", path="/ad_accounts/*/customer_lists", **late)
    created = client.post(LISTS, json={"name": "vip", "records": "a@example.com"}).json()

    assert [bool(client.get(LISTS).json()["items"]) for _ in range(3)] == in_lists
    assert [client.get(f"{LISTS}/{created['id']}").status_code == 200 for _ in range(3)] == by_id


def test_a_new_audience_may_be_listed_late_by_time(client: httpx.Client, control: RemoteControl) -> None:
    control.fault("listed_late", method="POST", path="/ad_accounts/*/audiences", list_s=30, get_s=10)
    listed = control.call("POST", "/lists", {"ad_account_id": "549700000001", "name": "vip"})
    body = {"name": "vip", "audience_type": "CUSTOMER_LIST", "rule": {"customer_list_id": listed["id"]}}
    created = client.post(f"{ACCOUNT}/audiences", json=body).json()

    seen = []
    for _ in range(4):
        is_listed = bool(client.get(f"{ACCOUNT}/audiences").json()["items"])
        seen.append((is_listed, client.get(f"{ACCOUNT}/audiences/{created['id']}").status_code))
        control.advance(10)

    assert seen == [(False, 404), (False, 200), (False, 200), (True, 200)]


def test_the_traffic_tells_what_was_asked_and_answered(
    add: Callable[[], httpx.Response], control: RemoteControl
) -> None:
    control.fault("cut", nth=2, **PATCHES)
    add()
    with pytest.raises(httpx.RemoteProtocolError):
        add()

    told = [(item["method"], item["path"], item["status"], item["faults"], item["body"]) for item in control.traffic()]

    path = "/ad_accounts/549700000001/customer_lists/4189755"
    assert told == [("PATCH", path, 200, [], None), ("PATCH", path, None, ["cut"], None)]


def test_bodies_are_kept_on_demand_without_people(add: Callable[[], httpx.Response], control: RemoteControl) -> None:
    control.knobs(journal_bodies=True)
    add()

    assert control.traffic()[-1]["body"] == {"operation_type": "ADD", "records": "(1 records)"}
    assert "example.com" not in str(control.traffic())
