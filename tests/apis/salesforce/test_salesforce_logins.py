"""Every way into Salesforce: what is sent, what is kept, what is renewed, and what is never tried twice."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from salesforce_door import (
    CLIENT_ID,
    CLIENT_SECRET,
    PASSWORD,
    REFRESH_TOKEN,
    SECURITY_TOKEN,
    USERNAME,
    Door,
    DoorServer,
)

from reconciler.apis.salesforce import Salesforce
from reconciler.apis.salesforce_connect import Account, connect
from reconciler.errors import Denied, Permanent, ProviderError
from reconciler.model.salesforce import Auth
from reconciler.model.secret import Secret
from reconciler.sealing import MasterKey, Sealer
from reconciler.stores.tokens import SealedTokenStore

APP = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}


def account(url: str, auth: Auth, **values: str) -> Account:
    secrets = {name: Secret(f"env:{name.upper()}", one) for name, one in values.items() if name != "username"}
    return Account(auth, url, secrets, values.get("username", ""))


def store(folder: Path) -> SealedTokenStore:
    return SealedTokenStore(folder, Sealer(MasterKey("a test", bytes(32))))


WAYS: dict[str, Callable[[Door], tuple[Auth, dict[str, str]]]] = {
    "client_credentials": lambda _: (Auth.CLIENT_CREDENTIALS, APP),
    "refresh_token": lambda _: (Auth.REFRESH_TOKEN, {**APP, "refresh_token": REFRESH_TOKEN}),
    "refresh_token without a secret": lambda _: (
        Auth.REFRESH_TOKEN,
        {"client_id": CLIENT_ID, "refresh_token": REFRESH_TOKEN + "\n"},
    ),
    "jwt": lambda door: (Auth.JWT, {"client_id": CLIENT_ID, "username": USERNAME, "private_key": door.pem}),
    "jwt on one line": lambda door: (
        Auth.JWT,
        {"client_id": CLIENT_ID, "username": USERNAME, "private_key": door.pem.replace("\n", "\\n")},
    ),
    "credentials": lambda _: (
        Auth.CREDENTIALS,
        {"username": USERNAME, "password": PASSWORD, "security_token": SECURITY_TOKEN},
    ),
    "credentials, token appended": lambda _: (
        Auth.CREDENTIALS,
        {"username": USERNAME, "password": PASSWORD + SECURITY_TOKEN + "\n"},
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_way_in_is_gone_once_and_again_when_the_session_ends(
    server: DoorServer, door: Door, tmp_path: Path, way: str
) -> None:
    auth, values = WAYS[way](door)
    api = connect(account(server.url, auth, **values), "60.0", store(tmp_path))
    try:
        assert api.descriptions.requests_left() == (14998, 15000)
        assert len(door.logins) == 1
        door.end_sessions()
        assert api.descriptions.requests_left() == (14998, 15000)
    finally:
        api.close()

    assert len(door.logins) == 2
    assert len(set(door.logins)) == 1


def test_a_session_is_used_as_it_is_and_said_to_be_over(server: DoorServer, door: Door) -> None:
    api = connect(account(server.url, Auth.SESSION_ID, session_id=door.session()), "60.0")
    try:
        assert api.descriptions.requests_left() == (14998, 15000)
        door.end_sessions()
        for _ in range(2):
            with pytest.raises(Denied, match="the session of `session_id` is over, and a session cannot be renewed"):
                api.descriptions.count("Contact")
    finally:
        api.close()
    assert door.logins == []


WRONG: dict[str, tuple[Auth, dict[str, str], str]] = {
    "password": (Auth.CREDENTIALS, {"username": USERNAME, "password": "FAKE-wrong-password"}, "INVALID_LOGIN"),
    "no security token": (
        Auth.CREDENTIALS,
        {"username": USERNAME, "password": PASSWORD},
        "LOGIN_MUST_USE_SECURITY_TOKEN",
    ),
    "app": (Auth.CLIENT_CREDENTIALS, APP | {"client_secret": "FAKE-wrong-secret"}, "invalid client credentials"),
    "refresh token": (Auth.REFRESH_TOKEN, APP | {"refresh_token": "FAKE-old-token"}, "not accepted"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_refused_login_is_tried_once_and_told_without_what_was_sent(
    server: DoorServer, door: Door, tmp_path: Path, what: str
) -> None:
    auth, values, told = WRONG[what]
    with pytest.raises(Denied, match=told) as caught:
        connect(account(server.url, auth, **values), "60.0", store(tmp_path))

    assert len(door.logins) == 1
    assert caught.value.hint
    said = f"{caught.value.message} {caught.value.hint} {caught.value!r}"
    assert [value for value in values.values() if value in said] == []


def test_an_assertion_is_for_whom_the_connection_says_and_lives_minutes(server: DoorServer, door: Door) -> None:
    values = {"client_id": CLIENT_ID, "username": USERNAME, "private_key": door.pem}
    secrets = {name: Secret(name, one) for name, one in values.items() if name != "username"}
    for audience in ("", "https://test.salesforce.com/"):
        asked = Account(Auth.JWT, "https://acme.my.salesforce.com", secrets, USERNAME, audience)
        connect(asked, "60.0", login_url=server.url).close()

    assert [one["aud"] for one in door.claims] == ["https://acme.my.salesforce.com", "https://test.salesforce.com"]
    assert {one["iss"] for one in door.claims} == {CLIENT_ID}
    assert all(0 < one["exp"] - time.time() <= 180 for one in door.claims)


def elliptic() -> str:
    key = generate_private_key(SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    ("pem", "told"), [("FAKE no key", "is no private key in PEM"), (elliptic(), "is no RSA key")], ids=["text", "ec"]
)
def test_a_key_that_cannot_sign_is_told_before_anything_is_sent(
    server: DoorServer, door: Door, pem: str, told: str
) -> None:
    with pytest.raises(Permanent, match=told) as caught:
        connect(account(server.url, Auth.JWT, client_id=CLIENT_ID, username=USERNAME, private_key=pem), "60.0")

    assert "env:PRIVATE_KEY" in caught.value.message
    assert (door.logins, pem in str(caught.value)) == ([], False)


# -- tokens that rotate ------------------------------------------------------------------------------------------------


def rotating(server: DoorServer, folder: Path) -> Salesforce:
    values = {"client_id": CLIENT_ID, "refresh_token": REFRESH_TOKEN}
    return connect(account(server.url, Auth.REFRESH_TOKEN, **values), "60.0", store(folder))


def test_each_login_goes_on_from_the_refresh_token_of_the_one_before(
    server: DoorServer, door: Door, tmp_path: Path
) -> None:
    door.rotates = True
    for _ in range(3):
        rotating(server, tmp_path).close()

    assert door.logins == ["refresh_token"] * 3
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert kept
    assert door.refresh_token.encode() not in kept


def test_a_rotated_token_outlives_the_process_that_was_given_it(server: DoorServer, door: Door, tmp_path: Path) -> None:
    door.rotates = True
    driver = Path(__file__).parent / "killed_login.py"
    arguments = [sys.executable, str(driver), server.url, str(tmp_path), CLIENT_ID, REFRESH_TOKEN]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        door.before_limits = process.kill
        assert process.stdout is not None
        assert process.stdout.read() == "in\n"
    assert process.returncode < 0
    door.before_limits = lambda: None

    rotating(server, tmp_path).close()

    assert len(door.logins) == 2


def test_an_org_that_forgot_what_it_gave_is_asked_with_what_a_person_put_down(
    server: DoorServer, door: Door, tmp_path: Path
) -> None:
    door.rotates = True
    rotating(server, tmp_path).close()
    door.refresh_token = REFRESH_TOKEN
    door.rotates = False

    rotating(server, tmp_path).close()
    assert door.logins == ["refresh_token"] * 3
    rotating(server, tmp_path).close()
    assert door.logins == ["refresh_token"] * 4  # what is known to be refused is not tried again


def test_a_place_that_cannot_keep_a_token_refuses_before_the_old_one_is_used(
    server: DoorServer, door: Door, tmp_path: Path
) -> None:
    place = tmp_path / "tokens"
    place.write_text("in the way")
    with pytest.raises(Exception, match="tokens"):
        rotating(server, place)
    assert door.logins == []


# -- versions and places -----------------------------------------------------------------------------------------------


def test_a_retired_version_is_refused_before_anything_is_sent(server: DoorServer, door: Door) -> None:
    with pytest.raises(Permanent, match=r"version 30\.0 of its API is retired, and nothing was sent"):
        connect(account(server.url, Auth.CLIENT_CREDENTIALS, **APP), "30.0")
    assert door.logins == []


ENDED = '[{"errorCode": "%s", "message": "no"}]'


@pytest.mark.parametrize(
    ("status", "body", "hint"),
    [
        (410, ENDED % "GONE", "is retired: write a newer `api_version`"),
        (400, ENDED % "InvalidVersion", "is retired: write a newer `api_version`"),
        (500, ENDED % "UNSUPPORTED_API_VERSION", "is retired: write a newer `api_version`"),
        (409, ENDED % "API_ERROR", "write back the `api_version` that the run began with"),
        (403, ENDED % "REQUEST_LIMIT_EXCEEDED", "are used up: run again later"),
    ],
)
def test_answers_about_versions_and_limits_say_what_to_do(
    server: DoorServer, door: Door, status: int, body: str, hint: str
) -> None:
    api = connect(account(server.url, Auth.CLIENT_CREDENTIALS, **APP), "60.0")
    door.answer = (status, body)
    try:
        with pytest.raises(ProviderError) as caught:
            api.descriptions.count("Contact")
    finally:
        api.close()
    assert hint in caught.value.hint


def test_a_token_goes_nowhere_unencrypted(server: DoorServer, door: Door) -> None:
    door.says_instance = "http://crm.example.com"
    with pytest.raises(Permanent, match="not reached encrypted"):
        connect(account(server.url, Auth.CLIENT_CREDENTIALS, **APP), "60.0")


@pytest.mark.parametrize(("auth", "missing"), [(Auth.JWT, "private_key"), (Auth.CREDENTIALS, "password")])
def test_what_a_way_lacks_is_named(server: DoorServer, door: Door, auth: Auth, missing: str) -> None:
    with pytest.raises(Permanent, match=f"`{missing}`"):
        connect(account(server.url, auth, client_id=CLIENT_ID, username=USERNAME), "60.0")
    assert door.logins == []
