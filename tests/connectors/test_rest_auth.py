"""Who asks: each authentication type, tokens that are renewed, and what never leaves for another host."""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "sourcespec"))

from player import StandingClock, playing, read, source

from reconciler.errors import Denied, Permanent
from reconciler.ports.loads import LoadRequest

SPEC: dict[str, Any] = {
    "attributes": {
        "urlParams": {"host": "https://api.example.com", "path": "/items", "method": "GET"},
        "contentPath": {"path": "$.items"},
        "paginationParams": {"type": "NONE"},
    }
}
ITEMS = {"status": 200, "json": {"items": [{"id": 1}]}}
REFUSED = {"status": 401, "json": {"error": "expired"}}
REFRESH = {
    "clientId": "app",
    "clientSecret": "FAKE-secret",
    "accessToken": "FAKE-old",
    "refreshToken": "FAKE-refresh-1",
    "accessTokenUrl": "https://login.example.com/token",
}


def load(kind: str, auth_spec: dict[str, Any] | None = None, /, **params: Any) -> LoadRequest:
    return LoadRequest(
        {"type": "rest", "spec": SPEC, "auth": {"type": kind, "params": params}, "auth_spec": auth_spec or {}}, "1"
    )


def authorizations(heard: Any) -> list[str]:
    return [one.headers.get("Authorization", "") for one in heard]


def test_a_name_and_a_password_are_basic_authentication(tmp_path: Path) -> None:
    with playing([ITEMS]) as player:
        read(source(tmp_path, StandingClock(), player), load("BasicAuthentication", username="ü", password="p:w"))

    assert base64.b64decode(authorizations(player.heard)[0].removeprefix("Basic ")).decode() == "ü:p:w"


@pytest.mark.parametrize("kind", ["OAuth2RefreshCode", "OAuth2 Refresh Code", "oAuth2RefreshCode"])
def test_a_refused_token_is_renewed_once_and_the_new_refresh_token_is_kept(tmp_path: Path, kind: str) -> None:
    renewed = {
        "status": 200,
        "json": {"access_token": "FAKE-new", "expires_in": 60_000, "refresh_token": "FAKE-refresh-2"},
    }
    clock = StandingClock()
    with playing([REFUSED, renewed, ITEMS, ITEMS]) as player:
        rest = source(tmp_path, clock, player)
        _, rows = read(rest, load(kind, **REFRESH))
        read(rest, load(kind, **REFRESH))

    assert rows == [{"items.id": 1}]
    assert authorizations(player.heard) == ["Bearer FAKE-old", "", "Bearer FAKE-new", "Bearer FAKE-new"]
    assert dict(parse_qsl(player.heard[1].body.decode())) == {
        "client_id": "app",
        "client_secret": "FAKE-secret",
        "grant_type": "refresh_token",
        "refresh_token": "FAKE-refresh-1",
    }


def test_the_next_renewal_is_made_with_what_the_last_one_gave(tmp_path: Path) -> None:
    first = {"status": 200, "json": {"access_token": "FAKE-2", "expires_in": 600, "refresh_token": "FAKE-refresh-2"}}
    second = {"status": 200, "json": {"access_token": "FAKE-3", "expires_in": 600}}
    clock = StandingClock()
    with playing([REFUSED, first, ITEMS, second, ITEMS]) as player:
        rest = source(tmp_path, clock, player)
        read(rest, load("OAuth2RefreshCode", **REFRESH))
        clock.time += 3_600
        read(rest, load("OAuth2RefreshCode", **{**REFRESH, "expirationDate": "2020-01-01"}))

    assert dict(parse_qsl(player.heard[3].body.decode()))["refresh_token"] == "FAKE-refresh-2"
    assert authorizations(player.heard)[-1] == "Bearer FAKE-3"


def test_fields_of_the_token_may_have_other_names(tmp_path: Path) -> None:
    names = {
        "accessTokenField": "token",
        "refreshTokenField": "renewal",
        "expireInField": "life",
        "clientId": "app_id",
        "clientSecret": "app_secret",
        "authenticationMethod": "GET",
    }
    with playing([{"status": 200, "json": {"token": "FAKE-new", "life": 600}}, ITEMS]) as player:
        params = {**REFRESH, "accessToken": "", "requestParameterOverride": names}
        read(source(tmp_path, StandingClock(), player), load("OAuth2RefreshCode", **params))

    assert player.heard[0].method == "GET"
    assert dict(player.heard[0].query) == {
        "app_id": "app",
        "app_secret": "FAKE-secret",
        "grant_type": "refresh_token",
        "renewal": "FAKE-refresh-1",
    }
    assert authorizations(player.heard)[1] == "Bearer FAKE-new"


def test_a_token_that_cannot_be_renewed_is_asked_with_once(tmp_path: Path) -> None:
    with playing([REFUSED]) as player, pytest.raises(Denied):
        read(source(tmp_path, StandingClock(), player), load("OAuth2RefreshCode", accessToken="FAKE-old"))

    assert len(player.heard) == 1


def test_a_limit_is_neither_renewed_for_nor_asked_again(tmp_path: Path) -> None:
    limit = {
        "status": 403,
        "json": [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}],
    }
    with playing([limit]) as player, pytest.raises(Permanent) as refused:
        read(source(tmp_path, StandingClock(), player), load("OAuth2RefreshCode", **REFRESH))

    assert len(player.heard) == 1
    assert not isinstance(refused.value, Denied)
    assert "24 hours" in refused.value.hint


@pytest.mark.parametrize(
    ("kind", "params", "message"),
    [
        ("BasicAuthentication", {"username": "u"}, "has no `password`"),
        ("KeyBased", {"authKey1": "k"}, "no key of the authentication goes into a header"),
        ("OAuth2RefreshCode", {}, "has no access token"),
        ("OAuth3", {}, "no authentication of type 'OAuth3'"),
    ],
)
def test_what_cannot_authenticate_is_told_before_anybody_is_asked(
    tmp_path: Path, kind: str, params: dict[str, Any], message: str
) -> None:
    with playing([]) as player, pytest.raises(Permanent, match=message):
        read(source(tmp_path, StandingClock(), player), load(kind, **params))

    assert player.heard == []


@pytest.mark.parametrize("host", ["http://169.254.169.254", "https://127.0.0.1:1", "https://localhost:1"])
def test_no_source_reads_this_machine_or_its_network_unless_it_is_meant(tmp_path: Path, host: str) -> None:
    spec = {"attributes": {**SPEC["attributes"], "urlParams": {"host": host, "path": "/", "method": "GET"}}}

    with pytest.raises(Permanent) as refused:
        read(source(tmp_path, StandingClock()), LoadRequest({"type": "rest", "spec": spec}, "1"))

    assert "allow_private: true" in refused.value.hint


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    moved = {"status": 302, "headers": {"Location": "https://elsewhere.example.com/"}}
    with playing([moved]) as player, pytest.raises(Permanent, match="redirect"):
        read(source(tmp_path, StandingClock(), player), load("BasicAuthentication", username="u", password="p"))

    assert len(player.heard) == 1


def test_secrets_are_in_no_message(tmp_path: Path) -> None:
    echo = {"status": 400, "json": {"error": "bad token FAKE-old for FAKE-secret"}}
    with playing([echo]) as player, pytest.raises(Permanent) as refused:
        read(source(tmp_path, StandingClock(), player), load("OAuth2RefreshCode", **REFRESH))

    assert "FAKE-" not in f"{refused.value}{refused.value.hint}"
