from __future__ import annotations

import httpx
import pytest
from pinterest_contract import accepts_its_own_violation, needs_contract

from reconciler.emulators.pinterest.tokens import AppCredentials
from reconciler.emulators.remote_control import RemoteControl

APP = ("1500001", "secret-of-the-app")
REFRESH = {"grant_type": "refresh_token", "refresh_token": "pinr.granted"}
DENIED = {"code": 2, "message": "Authentication failed.", "status": "failure"}
WRONG_GRANT = {"code": 283, "message": "The authorization grant is invalid", "status": "failure"}


def invalid(reason: str) -> dict[str, object]:
    return {"code": 1, "message": f"Invalid request: {reason}"}


@needs_contract
def test_a_wrong_answer_would_be_noticed() -> None:
    assert not accepts_its_own_violation()


def test_a_refresh_gives_an_access_token_and_a_new_refresh_token(stranger: httpx.Client) -> None:
    answer = stranger.post("/oauth/token", data=REFRESH, auth=APP)

    body = answer.json()
    assert answer.status_code == 200
    assert body.pop("access_token").startswith("pina_")
    assert body.pop("refresh_token").startswith("pinr.")
    assert body == {
        "response_type": "refresh_token",
        "token_type": "bearer",
        "expires_in": 2_592_000,
        "scope": "ads:read ads:write catalogs:read user_accounts:read",
        "refresh_token_expires_in": 5_184_000,
        "refresh_token_expires_at": 1_795_184_000,
    }


@pytest.mark.parametrize(
    ("knob", "old_works"),
    [("old_survives", 200), ("old_dies", 401)],
)
def test_rotation_decides_what_becomes_of_the_old_refresh_token(
    stranger: httpx.Client, control: RemoteControl, knob: str, old_works: int
) -> None:
    control.knobs(refresh=knob)

    first = stranger.post("/oauth/token", data=REFRESH, auth=APP).json()
    assert stranger.post("/oauth/token", data=REFRESH, auth=APP).status_code == old_works
    again = {**REFRESH, "refresh_token": first["refresh_token"]}
    assert stranger.post("/oauth/token", data=again, auth=APP).status_code == 200


def test_a_legacy_refresh_leaves_the_refresh_token_as_it_is(unchecked: httpx.Client, control: RemoteControl) -> None:
    control.knobs(refresh="no_rotation")

    for _ in range(2):
        answer = unchecked.post("/oauth/token", data=REFRESH, auth=APP)
        assert sorted(answer.json()) == ["access_token", "expires_in", "response_type", "scope", "token_type"]


def test_a_refresh_may_narrow_the_scopes_but_not_widen_them(stranger: httpx.Client) -> None:
    narrow = stranger.post("/oauth/token", data={**REFRESH, "scope": "ads:read"}, auth=APP).json()
    assert narrow["scope"] == "ads:read"
    wide = stranger.post("/oauth/token", data={**REFRESH, "scope": "ads:read,pins:read"}, auth=APP)
    assert (wide.status_code, wide.json()) == (401, WRONG_GRANT)


@pytest.mark.parametrize(
    ("form", "auth", "status", "body"),
    [
        (REFRESH, None, 401, DENIED),
        (REFRESH, ("1500001", "wrong"), 401, DENIED),
        (REFRESH, ("1500001", "secret-of-the-app\n"), 401, DENIED),
        ({**REFRESH, "refresh_token": "pinr.other"}, APP, 401, WRONG_GRANT),
        ({"grant_type": "refresh_token"}, APP, 400, invalid("'refresh_token' is a required property")),
        ({"refresh_token": "x"}, APP, 400, invalid("'grant_type' is a required property")),
        ({"grant_type": "password"}, APP, 400, invalid("'grant_type' value 'password' is not supported")),
        ({"grant_type": "client_credentials"}, APP, 400, invalid("'scope' is a required property")),
        ({"grant_type": "authorization_code", "code": "x", "redirect_uri": "y"}, APP, 401, WRONG_GRANT),
    ],
)  # fmt: skip
def test_a_wrong_token_request_is_refused(
    stranger: httpx.Client, form: dict[str, str], auth: tuple[str, str] | None, status: int, body: dict[str, object]
) -> None:
    answer = stranger.post("/oauth/token", data=form, auth=auth)

    assert (answer.status_code, answer.json()) == (status, body)


def test_a_token_request_must_be_a_form(stranger: httpx.Client) -> None:
    answer = stranger.post("/oauth/token", json=REFRESH, auth=APP)

    assert answer.json() == {
        "code": 1,
        "message": "Invalid request: the body must be application/x-www-form-urlencoded",
    }


def test_a_code_becomes_tokens_once(stranger: httpx.Client, control: RemoteControl) -> None:
    code = control.call("POST", "/codes", {"redirect_uri": "http://localhost/back", "scopes": ["ads:read"]})["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": "http://localhost/back"}

    first = stranger.post("/oauth/token", data=form, auth=APP)
    assert (first.json()["response_type"], first.json()["scope"]) == ("authorization_code", "ads:read")
    assert stranger.post("/oauth/token", data=form, auth=APP).status_code == 401


def test_tokens_of_an_app_can_be_revoked_and_those_of_a_person_not(
    stranger: httpx.Client, control: RemoteControl
) -> None:
    form = {"grant_type": "client_credentials", "scope": "ads:read"}
    token = stranger.post("/oauth/token", data=form, auth=APP).json()["access_token"]

    revoked = stranger.post("/oauth/token/revoke", data={"token": token}, auth=APP)
    assert (revoked.status_code, revoked.content) == (200, b"")
    assert stranger.get("/ad_accounts", headers={"authorization": f"Bearer {token}"}).status_code == 401
    refused = stranger.post("/oauth/token/revoke", data={"token": control.access_token()}, auth=APP)
    assert (refused.status_code, refused.json()["code"]) == (403, 29)


def test_tokens_end_with_time(stranger: httpx.Client, control: RemoteControl) -> None:
    token = stranger.post("/oauth/token", data=REFRESH, auth=APP).json()["access_token"]
    headers = {"authorization": f"Bearer {token}"}

    control.advance(2_592_000 - 1)
    assert stranger.get("/ad_accounts", headers=headers).status_code == 200
    control.advance(1)
    assert (stranger.get("/ad_accounts", headers=headers).json()) == DENIED
    control.advance(5_184_000)
    assert stranger.post("/oauth/token", data=REFRESH, auth=APP).json() == WRONG_GRANT


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer pina_other", "Basic eDp5"])
def test_a_request_without_a_good_token_is_refused(stranger: httpx.Client, header: str | None) -> None:
    answer = stranger.get("/ad_accounts", headers={"authorization": header} if header else {})

    assert (answer.status_code, answer.json()) == (401, DENIED)


@pytest.mark.parametrize(
    ("scopes", "method", "path", "status"),
    [
        (["ads:write"], "GET", "/ad_accounts", 401),
        (["ads:read"], "GET", "/ad_accounts", 200),
        (["ads:read"], "GET", "/user_account", 401),
        (["user_accounts:read"], "GET", "/user_account", 200),
        (["ads:read"], "POST", "/ad_accounts/549700000001/customer_lists", 401),
        (["ads:write"], "POST", "/ad_accounts/549700000001/customer_lists", 200),
        (["ads:write"], "GET", "/ad_accounts/549700000001/audiences", 401),
    ],
)
def test_each_operation_needs_its_scope(
    stranger: httpx.Client, control: RemoteControl, scopes: list[str], method: str, path: str, status: int
) -> None:
    headers = {"authorization": f"Bearer {control.access_token(*scopes)}"}
    body = {"name": "vip", "records": "a@example.com"} if method == "POST" else None

    answer = stranger.request(method, path, json=body, headers=headers)

    assert answer.status_code == status
    assert status == 200 or answer.json()["code"] == 3


def test_credentials_do_not_show() -> None:
    assert repr(AppCredentials("1", "secret", "pinr.x")) == "AppCredentials(app_id='1')"
