from __future__ import annotations

import hashlib
from collections.abc import Callable

import httpx
import pytest

from reconciler.emulators.remote_control import RemoteControl

ACCOUNT = "/ad_accounts/549700000001"
AUDIENCES = f"{ACCOUNT}/audiences"
FIRST = f"{AUDIENCES}/2542620905473"

Make = Callable[..., dict[str, object]]


def people(number: int) -> str:
    return ",".join(hashlib.sha256(str(n).encode()).hexdigest() for n in range(number))


@pytest.fixture
def make(client: httpx.Client) -> Make:
    """Create a list of some people and an audience on it."""

    def make(name: str = "vip", number: int = 100, **more: object) -> dict[str, object]:
        listed = client.post(f"{ACCOUNT}/customer_lists", json={"name": name, "records": people(number)}).json()
        rule = {"customer_list_id": listed["id"]}
        answer = client.post(AUDIENCES, json={"name": name, "audience_type": "CUSTOMER_LIST", "rule": rule, **more})
        assert answer.status_code == 200, answer.text
        created: dict[str, object] = answer.json()
        return created

    return make


def invalid(reason: str) -> dict[str, object]:
    return {"code": 1, "message": f"Invalid request: {reason}"}


def test_the_three_replies_differ_as_recorded(client: httpx.Client, make: Make) -> None:
    created = make(description="best")

    assert created == {
        "ad_account_id": "549700000001",
        "id": "2542620905473",
        "name": "vip",
        "audience_type": "CUSTOMER_LIST",
        "created_timestamp": 1_790_000_000,
        "updated_timestamp": 1_790_000_000,
        "created_by_company_name": None,
        "description": "best",
        "rule": {"customer_list_id": "4189755"},
        "size": 0,
        "status": "INITIALIZING",
        "type": "audience",
        "is_nca": False,
    }
    shown = {**created, "created_by_company_name": "Sandbox Inc."}
    assert client.get(FIRST).json() == shown
    assert client.get(AUDIENCES).json()["items"] == [{**shown, "is_ctv_enabled": False}]


def test_two_audiences_may_have_one_name(client: httpx.Client, make: Make) -> None:
    make()
    make()

    items = client.get(AUDIENCES).json()["items"]
    assert [(item["id"], item["name"]) for item in items] == [("2542620905473", "vip"), ("2542620905474", "vip")]


@pytest.mark.parametrize(("number", "status"), [(99, "TOO_SMALL"), (100, "READY")])
def test_the_size_comes_when_the_list_is_processed(
    client: httpx.Client, control: RemoteControl, make: Make, number: int, status: str
) -> None:
    make(number=number)
    assert client.get(FIRST).json()["status"] == "INITIALIZING"

    control.advance(86_400)

    found = client.get(FIRST).json()
    assert (found["status"], found["size"]) == (status, number)


def test_the_size_stays_while_the_list_is_processed_again(
    client: httpx.Client, control: RemoteControl, make: Make
) -> None:
    make(number=100)
    control.advance(86_400)
    client.patch(f"{ACCOUNT}/customer_lists/4189755", json={"operation_type": "ADD", "records": people(150)})

    between = client.get(FIRST).json()
    control.advance(86_400)
    after = client.get(FIRST).json()

    assert (between["status"], between["size"]) == ("READY", 100)
    assert (after["status"], after["size"]) == ("READY", 150)


def test_an_audience_on_a_list_that_is_ready_takes_its_own_time(client: httpx.Client, control: RemoteControl) -> None:
    client.post(f"{ACCOUNT}/customer_lists", json={"name": "vip", "records": people(120)})
    control.advance(86_400)
    body = {"name": "vip", "audience_type": "CUSTOMER_LIST", "rule": {"customer_list_id": "4189755"}}
    assert client.post(AUDIENCES, json=body).json()["status"] == "INITIALIZING"

    control.advance(86_400)

    assert client.get(FIRST).json()["size"] == 120


@pytest.mark.parametrize(("knob", "status"), [("accept", 200), ("refuse", 400)])
def test_an_audience_on_a_small_list_is_accepted_or_not(
    client: httpx.Client, control: RemoteControl, knob: str, status: int
) -> None:
    control.knobs(small_list=knob)
    client.post(f"{ACCOUNT}/customer_lists", json={"name": "vip", "records": people(99)})

    body = {"name": "vip", "audience_type": "CUSTOMER_LIST", "rule": {"customer_list_id": "4189755"}}
    answer = client.post(AUDIENCES, json=body)

    assert answer.status_code == status
    assert status == 200 or answer.json() == invalid("an audience needs at least 100 people, the list has 99")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"name": None}, "'name' is a required property"),
        ({"audience_type": None}, "'audience_type' is a required property"),
        ({"rule": None}, "'rule' is a required property"),
        ({"rule": "4189755"}, "'rule' is not of type 'object'"),
        ({"rule": {}}, "'rule.customer_list_id' is required for CUSTOMER_LIST"),
        ({"rule": {"customer_list_id": 4189755}}, "'rule.customer_list_id' is not of type 'str'"),
        ({"rule": {"customer_list_id": "x"}}, r"'rule.customer_list_id' value 'x' must match the pattern: ^\d+$"),
        ({"rule": {"customer_list_id": "7"}}, "customer list '7' does not exist"),
        (
            {"audience_type": "customer_list"},
            "'audience_type' value 'customer_list' is not one of ['CUSTOMER_LIST', 'VISITOR', 'ENGAGEMENT', 'ACTALIKE', 'PERSONA']",
        ),
        ({"audience_type": "PERSONA"}, "audiences of type 'PERSONA' are made by Pinterest"),
        ({"audience_type": "VISITOR"}, "'rule.visitor_source_id' is required for VISITOR"),
        ({"audience_type": "ENGAGEMENT"}, "'rule.engagement_domain' is required for ENGAGEMENT"),
        (
            {"audience_type": "ACTALIKE", "rule": {"seed_id": ["7"], "country": "US", "percentage": 11}},
            "'rule.percentage' must be between 1 and 10 (was 11)",
        ),
        (
            {"audience_type": "ACTALIKE", "rule": {"seed_id": ["x"], "country": "US", "percentage": 1}},
            r"'rule.seed_id' value 'x' must match the pattern: ^\d+$",
        ),
        (
            {"audience_type": "VISITOR", "rule": {"visitor_source_id": "7", "retention_days": "30"}},
            "'rule.retention_days' is not of type 'int'",
        ),
        ({"description": 7}, "'description' is not of type 'string'"),
    ],
)
def test_an_audience_that_is_not_well_described_is_refused(
    client: httpx.Client, change: dict[str, object], reason: str
) -> None:
    client.post(f"{ACCOUNT}/customer_lists", json={"name": "vip", "records": people(1)})
    body = {"name": "vip", "audience_type": "CUSTOMER_LIST", "rule": {"customer_list_id": "4189755"}, **change}

    answer = client.post(AUDIENCES, json=body)

    assert (answer.status_code, answer.json()) == (400, invalid(reason))
    assert client.get(AUDIENCES).json()["items"] == []


def test_a_list_of_another_account_cannot_be_used(client: httpx.Client, control: RemoteControl) -> None:
    control.call("POST", "/lists", {"ad_account_id": "549700000002", "name": "theirs"})

    body = {"name": "vip", "audience_type": "CUSTOMER_LIST", "rule": {"customer_list_id": "4189755"}}

    assert client.post(AUDIENCES, json=body).json() == invalid("customer list '4189755' does not exist")


def test_an_update_changes_what_is_sent(client: httpx.Client, control: RemoteControl, make: Make) -> None:
    created = make(description="best")
    control.advance(10)

    answer = client.patch(FIRST, json={"name": "very vip"})

    assert answer.json() == {**created, "name": "very vip", "updated_timestamp": 1_790_000_010}


def test_other_types_can_be_made_but_nobody_is_in_them(client: httpx.Client, control: RemoteControl) -> None:
    rule = {"visitor_source_id": "7", "retention_days": 30}
    assert client.post(AUDIENCES, json={"name": "v", "audience_type": "VISITOR", "rule": rule}).status_code == 200

    control.advance(86_400)

    assert client.get(FIRST).json()["status"] == "TOO_SMALL"


@pytest.mark.parametrize(("knob", "status"), [("accept", 200), ("refuse", 400)])
def test_the_list_of_an_audience_can_be_exchanged_or_not(
    client: httpx.Client, control: RemoteControl, make: Make, knob: str, status: int
) -> None:
    control.knobs(repointing=knob)
    make()
    make("other")

    answer = client.patch(FIRST, json={"rule": {"customer_list_id": "4189756"}})

    assert answer.status_code == status
    shown = client.get(FIRST).json()["rule"]["customer_list_id"]
    assert shown == ("4189756" if status == 200 else "4189755")


def test_a_removed_audience_is_gone_but_not_its_list(client: httpx.Client, make: Make) -> None:
    make()

    removal = client.patch(FIRST, json={"operation_type": "REMOVE"})

    assert (removal.status_code, removal.json()["status"]) == (200, "ARCHIVED")
    assert client.get(FIRST).status_code == 404
    assert client.patch(FIRST, json={"operation_type": "REMOVE"}).status_code == 404
    assert client.get(AUDIENCES).json()["items"] == []
    assert client.get(f"{ACCOUNT}/customer_lists/4189755").status_code == 200


def test_a_removed_audience_can_stay_visible(client: httpx.Client, control: RemoteControl, make: Make) -> None:
    control.knobs(removed_audiences="archived")
    make()
    client.patch(FIRST, json={"operation_type": "REMOVE"})

    control.advance(86_400)

    assert client.get(FIRST).json()["status"] == "ARCHIVED"
    assert [item["status"] for item in client.get(AUDIENCES).json()["items"]] == ["ARCHIVED"]
    assert client.patch(FIRST, json={"name": "new"}).json() == invalid("the audience is archived")
    assert client.patch(FIRST, json={"operation_type": "REMOVE"}).status_code == 200


@pytest.mark.parametrize("query", [{"ownership_type": "MINE"}, {"order": "ascending"}])
def test_wrong_list_parameters_have_their_own_words(client: httpx.Client, query: dict[str, str]) -> None:
    answer = client.get(AUDIENCES, params=query)

    assert (answer.status_code, answer.json()) == (
        400,
        {"code": 400, "message": "Invalid ad account audience parameters."},
    )


def test_nobody_shares_audiences_with_us(client: httpx.Client, make: Make) -> None:
    make()

    assert client.get(AUDIENCES, params={"ownership_type": "RECEIVED"}).json() == {"items": [], "bookmark": None}
