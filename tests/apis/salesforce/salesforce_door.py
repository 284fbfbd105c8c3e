"""Salesforce's door over HTTP: every way to log in, tokens that rotate and sessions that end. Behind it, only the limits."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs
from xml.etree import ElementTree as ET

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from http_server import Handler, serving

CLIENT_ID = "FAKE-consumer-key/1"
CLIENT_SECRET = "FAKE consumer=secret&1"
REFRESH_TOKEN = "FAKE-refresh+token/1"
USERNAME = "writer@crm.example.com"
PASSWORD = "FAKE <pass> & 'word'"
SECURITY_TOKEN = "FAKEsecuritytoken1"
PARTNER = "urn:partner.soap.sforce.com"


@dataclass
class Door:
    """What was asked, and what is accepted now. *rotates*: each use of a refresh token puts another in its place."""

    key: RSAPrivateKey = field(default_factory=lambda: generate_private_key(65537, 2048))
    rotates: bool = False
    refresh_token: str = REFRESH_TOKEN
    sessions: list[str] = field(default_factory=list)
    ended: set[str] = field(default_factory=set)
    logins: list[str] = field(default_factory=list)
    claims: list[dict[str, Any]] = field(default_factory=list)
    before_limits: Callable[[], None] = lambda: None
    answer: tuple[int, str] | None = None
    """In the place of an answer to whatever is asked behind the door."""
    says_instance: str = ""

    @property
    def pem(self) -> str:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def session(self) -> str:
        self.sessions.append(f"00D!FAKE-session-{len(self.sessions)}")
        return self.sessions[-1]

    def end_sessions(self) -> None:
        self.ended |= set(self.sessions)

    def granted(self, asked: dict[str, str]) -> tuple[int, dict[str, str]]:
        """What the token endpoint answers."""
        kind = asked["grant_type"].rpartition(":")[2]
        self.logins.append(kind)
        app = (asked.get("client_id"), asked.get("client_secret", CLIENT_SECRET))
        if kind != "jwt-bearer" and app != (CLIENT_ID, CLIENT_SECRET):
            return 400, {"error": "invalid_client", "error_description": "invalid client credentials"}
        if kind == "refresh_token":
            if asked["refresh_token"] != self.refresh_token:
                return 400, {"error": "invalid_grant", "error_description": "expired access/refresh token"}
            if not self.rotates:
                return 200, {}
            self.refresh_token = f"FAKE-refresh+token/{len(self.logins) + 1}"
            return 200, {"refresh_token": self.refresh_token}
        if kind == "jwt-bearer":
            told, _, signature = asked["assertion"].rpartition(".")
            self.key.public_key().verify(decoded(signature), told.encode(), PKCS1v15(), SHA256())
            head, claims = (json.loads(decoded(part)) for part in told.split("."))
            self.claims.append(claims)
            if (head["alg"], claims["sub"]) != ("RS256", USERNAME):
                return 400, {"error": "invalid_grant", "error_description": "user hasn't approved this consumer"}
        return 200, {}

    def soap(self, body: bytes) -> str:
        """The code of the fault, or "" when the login is accepted."""
        self.logins.append("soap")
        found = {one.tag: one.text for one in ET.fromstring(body).iter()}  # noqa: S314 - our own client wrote it
        right = found[f"{{{PARTNER}}}username"] == USERNAME
        given = found[f"{{{PARTNER}}}password"]
        if right and given == PASSWORD:
            return "LOGIN_MUST_USE_SECURITY_TOKEN"
        return "" if right and given == PASSWORD + SECURITY_TOKEN else "INVALID_LOGIN"

    def soap_answer(self, body: bytes, session: str, host: str) -> tuple[int, str]:
        """Status and envelope of the answer to a login that gives *session*."""
        fault = self.soap(body)
        return (500, faulty(fault)) if fault else (200, entered(session, host))


def decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class DoorServer:
    """A door and the address at which it is."""

    door: Door = field(default_factory=Door)
    url: str = ""


@contextmanager
def opened() -> Iterator[DoorServer]:
    """A door on this machine."""
    server = DoorServer()
    with serving(handler_of(server)) as server.url:
        yield server


def handler_of(server: DoorServer) -> type[Handler]:
    door = server.door

    class Answering(Handler):
        def told(self, status: int, body: str, kind: str = "application/json") -> None:
            self.answer(status, {"Content-Type": kind}, body.encode())

        def asked(self) -> None:
            body, host = self.body(), server.url
            if self.path == "/services/oauth2/token":
                status, more = door.granted({name: one[0] for name, one in parse_qs(body.decode()).items()})
                entry = {"access_token": door.session(), "instance_url": door.says_instance or host}
                self.told(status, json.dumps(more if status != 200 else entry | more))
            elif self.path.startswith("/services/Soap/u/"):
                self.told(*door.soap_answer(body, door.session(), host), "text/xml")
            elif door.answer is not None:
                self.told(*door.answer)
            elif self.headers.get("Authorization", "") not in {
                f"Bearer {one}" for one in {*door.sessions} - door.ended
            }:
                self.told(401, '[{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}]')
            else:
                door.before_limits()
                self.told(200, '{"DailyApiRequests": {"Max": 15000, "Remaining": 14998}}')

    return Answering


def faulty(code: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope '
        'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sf="urn:fault.partner.soap.sforce.com"><soapenv:Body>'
        f"<soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: it is refused</faultstring><detail><sf:LoginFault>"
        f"<sf:exceptionCode>{code}</sf:exceptionCode><sf:exceptionMessage>it is refused</sf:exceptionMessage></sf:LoginFault>"
        "</detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>"
    )


def entered(session: str, host: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
        f'xmlns="{PARTNER}"><soapenv:Body><loginResponse><result><passwordExpired>false</passwordExpired>'
        f"<serverUrl>{host}/services/Soap/u/60.0/00D000000000001</serverUrl><sessionId>{session}</sessionId>"
        "</result></loginResponse></soapenv:Body></soapenv:Envelope>"
    )
