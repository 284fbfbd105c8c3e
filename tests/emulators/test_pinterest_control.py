"""What somebody in the console, or in Pinterest's data centre, does behind our back."""

from __future__ import annotations

import hashlib

import httpx
import pytest

from reconciler.emulators.remote_control import RemoteControl

ACCOUNT = "/ad_accounts/549700000001"
JANE = hashlib.sha256(b"jane@example.com").hexdigest()


@pytest.fixture
def audience(control: RemoteControl) -> dict[str, object]:
    listed = control.call("POST", "/lists", {"ad_account_id": "549700000001", "name": "vip", "records": JANE})
    body = {"ad_account_id": "549700000001", "name": "vip", "customer_list_id": listed["id"]}
    return control.call("POST", "/audiences", body)


def test_objects_made_in_the_console_are_like_ours(client: httpx.Client, audience: dict[str, object]) -> None:
    assert client.get(f"{ACCOUNT}/audiences/{audience['id']}").json() == audience
    assert client.get(f"{ACCOUNT}/customer_lists/4189755").json()["name"] == "vip"


def test_objects_can_be_renamed(client: httpx.Client, control: RemoteControl, audience: dict[str, object]) -> None:
    control.call("PATCH", "/lists/4189755", {"name": "new list"})
    control.call("PATCH", f"/audiences/{audience['id']}", {"name": "new", "description": "changed by hand"})

    assert client.get(f"{ACCOUNT}/customer_lists/4189755").json()["name"] == "new list"
    found = client.get(f"{ACCOUNT}/audiences/{audience['id']}").json()
    assert (found["name"], found["description"]) == ("new", "changed by hand")


def test_objects_can_be_deleted(client: httpx.Client, control: RemoteControl, audience: dict[str, object]) -> None:
    control.call("DELETE", f"/audiences/{audience['id']}")
    control.call("DELETE", "/lists/4189755")

    assert client.get(f"{ACCOUNT}/audiences/{audience['id']}").status_code == 404
    assert client.get(f"{ACCOUNT}/customer_lists").json()["items"] == []


def test_an_audience_outlives_its_list(
    client: httpx.Client, control: RemoteControl, audience: dict[str, object]
) -> None:
    control.call("DELETE", "/lists/4189755")
    control.advance(86_400)

    assert client.get(f"{ACCOUNT}/audiences/{audience['id']}").json()["status"] == "TOO_SMALL"


def test_members_can_be_seen_and_compared(control: RemoteControl, audience: dict[str, object]) -> None:
    assert control.members("4189755") == [JANE]
    assert control.call("GET", "/lists/4189755/members/digest") == {
        "number": 1,
        "sha256": hashlib.sha256(bytes.fromhex(JANE)).hexdigest(),
    }


def test_tokens_can_be_ended(client: httpx.Client, control: RemoteControl) -> None:
    control.end_tokens("access")
    assert client.get("/ad_accounts").status_code == 401

    control.end_tokens("refresh")
    form = {"grant_type": "refresh_token", "refresh_token": "pinr.granted"}
    assert client.post("/oauth/token", data=form, auth=("1500001", "secret-of-the-app")).json()["code"] == 283


def test_accounts_come_and_go(client: httpx.Client, control: RemoteControl) -> None:
    control.call("PUT", "/accounts/549700000003", {"name": "third"})
    control.call("DELETE", "/accounts/549700000002")

    assert [item["id"] for item in client.get("/ad_accounts").json()["items"]] == ["549700000001", "549700000003"]


def test_a_reset_undoes_everything(client: httpx.Client, control: RemoteControl, audience: dict[str, object]) -> None:
    before = control.call("GET", "/")
    control.knobs(processing_s=1, members="count")
    control.call("DELETE", "/accounts/549700000002")
    control.fault("cut", count=None)
    control.advance(100)

    control.reset()

    assert control.call("GET", "/") == before
    assert (control.lists(), control.audiences(), control.traffic()) == ([], [], [])
    assert control.call("GET", "/faults") == {"faults": []}
    assert client.get("/ad_accounts").status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "body", "reason"),
    [
        ("PATCH", "/knobs", {"colour": "red"}, "Extra inputs are not permitted"),
        ("PATCH", "/knobs", {"members": "some"}, "Input should be 'keep' or 'count'"),
        ("PATCH", "/knobs", [], "the body is no JSON object"),
        ("POST", "/clock", {"advance_s": -1}, "time does not go back"),
        ("POST", "/lists", {"ad_account_id": "549700000001"}, "Field required"),
        ("POST", "/lists", {"ad_account_id": "549700000001", "name": "x", "list_type": "y"}, "no such list type: 'y'"),
        ("POST", "/lists", {"ad_account_id": "7", "name": "x"}, "not there: '7'"),
        ("GET", "/lists/7/members", None, "not there: '7'"),
        ("DELETE", "/audiences/7", None, "not there: '7'"),
    ],
)
def test_a_control_call_that_makes_no_sense_says_why(
    control: RemoteControl, method: str, path: str, body: object, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        control.call(method, path, body)
