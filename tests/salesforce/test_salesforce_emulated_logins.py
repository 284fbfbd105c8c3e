"""OAuth's grants and SOAP's login at the emulated org."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from openapi_contract import NO_TLS
from salesforce_doorway import guarded

from reconciler.emulators.salesforce.sandbox import SalesforceSandbox
from reconciler.emulators.salesforce.sessions import Credentials

KEY, OTHER = generate_private_key(65537, 2048), generate_private_key(65537, 2048)
PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
APP = {"client_id": "FAKE-app", "client_secret": "FAKE-secret"}


@pytest.fixture
def signed() -> Iterator[SalesforceSandbox]:
    with guarded(Credentials("FAKE-app", "FAKE-secret", public_key=PUBLIC)) as running:
        yield running


def ask(sandbox: SalesforceSandbox, **fields: str) -> httpx.Response:
    return httpx.post(f"{sandbox.base_url}/services/oauth2/token", data=fields, verify=NO_TLS)


def test_a_refresh_token_may_rotate(sandbox: SalesforceSandbox) -> None:
    grant = {"grant_type": "refresh_token", **APP}
    assert "refresh_token" not in ask(sandbox, **grant, refresh_token="FAKE-refresh-token").json()
    sandbox.control.knobs(rotate=True)
    newest = ask(sandbox, **grant, refresh_token="FAKE-refresh-token").json()["refresh_token"]
    over = ask(sandbox, **grant, refresh_token="FAKE-refresh-token")
    assert (over.status_code, over.json()["error_description"]) == (400, "expired access/refresh token")
    assert ask(sandbox, **grant, refresh_token=newest).status_code == 200


@pytest.mark.parametrize(
    ("password", "status"), [("FAKE-passwordFAKEtoken", 200), ("FAKE-password", 400)], ids=["with token", "without"]
)
def test_a_password_needs_the_security_token(sandbox: SalesforceSandbox, password: str, status: int) -> None:
    grant = {"grant_type": "password", **APP, "username": "runner@example.com", "password": password}
    assert ask(sandbox, **grant).status_code == status


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({}, ""),
        ({"iss": "other"}, "invalid_client_id"),
        ({"sub": "other@example.com"}, "invalid_grant"),
        ({"aud": "https://example.com"}, "invalid_grant"),
        ({"exp": 1}, "invalid_grant"),
        ({"exp": int(time.time()) + 3600}, "invalid_grant"),
    ],
    ids=["right", "app", "user", "audience", "over", "too long"],
)
def test_an_assertion_is_verified(signed: SalesforceSandbox, changed: dict[str, object], error: str) -> None:
    claims = {"iss": "FAKE-app", "sub": "runner@example.com", "aud": "https://login.salesforce.com"}
    assertion = jwt.encode({**claims, "exp": int(time.time()) + 180, **changed}, KEY, algorithm="RS256")
    told = ask(signed, grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer", assertion=assertion)
    assert told.json().get("error", "") == error


@pytest.mark.parametrize(
    "assertion",
    ["", "a.b", "a.b.c", jwt.encode({"iss": "FAKE-app"}, OTHER, algorithm="RS256")],
    ids=["empty", "two parts", "no parts of it", "another key"],
)
def test_a_foreign_signature_lets_nobody_in(signed: SalesforceSandbox, assertion: str) -> None:
    told = ask(signed, grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer", assertion=assertion)
    assert (told.status_code, told.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("version", "code"), [("30.0", "UNSUPPORTED_API_VERSION"), ("65.0", "INVALID_OPERATION"), ("64.0", "INVALID_LOGIN")]
)
def test_soap_tells_why_nobody_is_let_in(sandbox: SalesforceSandbox, version: str, code: str) -> None:
    body = '<e><n:login xmlns:n="urn:partner.soap.sforce.com"><n:username>x</n:username></n:login></e>'
    with httpx.Client(base_url=sandbox.base_url, trust_env=False) as client:
        told = client.post(f"/services/Soap/u/{version}", content=body, headers={"Content-Type": "text/xml"})
    assert (told.status_code, f"<faultcode>sf:{code}</faultcode>" in told.text) == (500, True)
