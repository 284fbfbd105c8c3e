from __future__ import annotations

import httpx
import pytest

from reconciler.emulators.remote_control import RemoteControl

OWN, SHARED = "549700000001", "549700000002"
TOO_LONG = r"'ad_account_id' value '1234567890123456789' must match the pattern: ^\d+$"
FORBIDDEN = {"code": 29, "message": "You are not permitted to access that resource."}


def test_the_accounts_say_which_roles_the_person_has(client: httpx.Client) -> None:
    answer = client.get("/ad_accounts").json()

    assert answer == {
        "items": [
            {
                "id": OWN,
                "name": "Sandbox shop",
                "owner": {"id": "549755885175", "username": "sandbox"},
                "country": "US",
                "currency": "USD",
                "permissions": ["OWNER"],
                "created_time": 1_700_000_000,
                "updated_time": 1_700_000_000,
            },
            {
                "id": SHARED,
                "name": "Partner shop",
                "owner": {"id": "549755885176", "username": "partner"},
                "country": "US",
                "currency": "USD",
                "permissions": ["ANALYST"],
                "created_time": 1_700_000_000,
                "updated_time": 1_700_000_000,
                "time_zone": "America/Los_Angeles",
            },
        ],
        "bookmark": None,
    }
    assert client.get(f"/ad_accounts/{OWN}").json() == answer["items"][0]


@pytest.mark.parametrize(("value", "ids"), [("true", [OWN, SHARED]), ("false", [OWN]), ("False", [OWN])])
def test_shared_accounts_can_be_left_out(unchecked: httpx.Client, value: str, ids: list[str]) -> None:
    answer = unchecked.get("/ad_accounts", params={"include_shared_accounts": value}).json()

    assert [item["id"] for item in answer["items"]] == ids


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/ad_accounts/549700000009", 404, {"code": 2, "message": "AdAccount not found."}),
        ("/ad_accounts/15_", 400, {"code": 1, "message": r"'ad_account_id' value '15_' must match the pattern: ^\d+$"}),
        ("/ad_accounts/1234567890123456789", 400, {"code": 1, "message": TOO_LONG}),
        (f"/ad_accounts/{OWN}/audiences/x", 400, {"code": 1, "message": r"'audience_id' value 'x' must match the pattern: ^\d+$"}),
        (f"/ad_accounts/{OWN}/audiences/7", 404, {"code": 404, "message": "Audience not found."}),
        (f"/ad_accounts/{OWN}/customer_lists/7", 404, {"code": 404, "message": "Customer list not found."}),
        ("/nothing", 404, {"code": 404, "message": "Resource not found."}),
    ],
)  # fmt: skip
def test_what_is_not_there_is_said_so(client: httpx.Client, path: str, status: int, body: dict[str, object]) -> None:
    answer = client.get(path)

    assert (answer.status_code, answer.json()) == (status, body)


@pytest.mark.parametrize(
    ("role", "status"),
    [
        ("OWNER", 200),
        ("ADMIN", 200),
        ("AUDIENCE_MANAGER", 200),
        ("ANALYST", 403),
        ("CAMPAIGN_MANAGER", 403),
        ("FINANCE_MANAGER", 403),
    ],
)
def test_writing_needs_a_role(client: httpx.Client, control: RemoteControl, role: str, status: int) -> None:
    control.call("PUT", f"/accounts/{SHARED}", {"name": "Partner shop", "permissions": [role]})

    answer = client.post(f"/ad_accounts/{SHARED}/customer_lists", json={"name": "vip", "records": "a@example.com"})

    assert answer.status_code == status
    assert status == 200 or answer.json() == FORBIDDEN
    assert client.get(f"/ad_accounts/{SHARED}/customer_lists").status_code == 200


def test_an_account_without_a_role_can_neither_be_read_nor_listed(client: httpx.Client, control: RemoteControl) -> None:
    control.call("PUT", f"/accounts/{SHARED}", {"name": "Partner shop", "permissions": []})

    assert [item["id"] for item in client.get("/ad_accounts").json()["items"]] == [OWN]
    answer = client.get(f"/ad_accounts/{SHARED}/audiences")
    assert (answer.status_code, answer.json()) == (403, FORBIDDEN)


def test_the_user_account_is_the_persons_or_the_owners_of_an_account(client: httpx.Client) -> None:
    assert client.get("/user_account").json()["username"] == "sandbox"
    assert client.get("/user_account", params={"ad_account_id": SHARED}).json()["username"] == "partner"
    assert client.get("/user_account", params={"ad_account_id": "7"}).status_code == 403


@pytest.mark.parametrize("method", ["DELETE", "PUT", "OPTIONS", "HEAD"])
@pytest.mark.parametrize("path", ["/customer_lists/1", "/audiences/1", "/audiences"])
def test_there_is_no_way_to_delete(unchecked: httpx.Client, method: str, path: str) -> None:
    answer = unchecked.request(method, f"/ad_accounts/{OWN}{path}")

    assert answer.status_code == 405
    assert method == "HEAD" or answer.json() == {"code": 5, "message": "Method not allowed"}


def test_every_reply_has_ids_for_support(client: httpx.Client) -> None:
    first, second = client.get("/ad_accounts"), client.get("/nothing")

    for answer in (first, second):
        assert answer.headers["x-pinterest-rid"].isdigit()
        assert len(answer.headers["x-pinterest-rid-128bit"]) == 32
        assert {"pinterest-version", "pinterest-generated-by", "x-ratelimit-limit"} <= set(answer.headers)
    assert first.headers["x-pinterest-rid"] != second.headers["x-pinterest-rid"]
