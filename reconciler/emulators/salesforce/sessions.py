"""Who is let in: the app, the user, and the sessions that they have."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from reconciler.emulators.salesforce import ids
from reconciler.emulators.salesforce.knobs import Knobs
from reconciler.emulators.timeline import Timeline

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

_JWT_S = 300 + 30  # how far ahead an assertion may end, with some leeway for clocks
_AUDIENCES = frozenset({"https://login.salesforce.com", "https://test.salesforce.com"})


@dataclass(frozen=True, slots=True)
class Credentials:
    """What is right. *public_key*: PEM of the app's certificate, for jwt-bearer; none lets nobody in so."""

    client_id: str
    client_secret: str
    username: str = "runner@example.com"
    password: str = "FAKE-password"  # noqa: S105 - made up
    security_token: str = "FAKEtoken"  # noqa: S105 - as above
    refresh_token: str = "FAKE-refresh-token"  # noqa: S105 - as above
    public_key: str = ""


class GrantError(Exception):
    """A login is refused: OAuth's code and description."""

    def __init__(self, code: str, description: str) -> None:
        """Hold both."""
        super().__init__(description)
        self.code = code
        self.description = description


@dataclass(slots=True)
class Sessions:
    """The open sessions, by id, and until when each is good."""

    credentials: Credentials
    timeline: Timeline
    open: dict[str, float] = field(default_factory=dict)
    refresh_token: str = ""
    logins: list[str] = field(default_factory=list)

    def clear(self) -> None:
        """End all, and take the first refresh token again."""
        self.open.clear()
        self.logins.clear()
        self.refresh_token = self.credentials.refresh_token

    def begin(self, seconds: float) -> str:
        """A new session's id."""
        session = f"{ids.ORG_ID[:15]}!FAKE.{secrets.token_urlsafe(24)}"
        self.open[session] = self.timeline.now() + seconds
        return session

    def use(self, session: str, seconds: float) -> bool:
        """Whether that session is good; it lives on from now."""
        if self.open.get(session, 0) <= self.timeline.now():
            self.open.pop(session, None)
            return False
        self.open[session] = self.timeline.now() + seconds
        return True

    def granted(self, asked: Mapping[str, str], knobs: Knobs, host: str) -> dict[str, str]:
        """What an app gets for what it shows: a session, perhaps a new refresh token.

        Raises:
            GrantError: nothing.
        """
        more: dict[str, str] = {}
        self.logins.append(asked.get("grant_type", "").rpartition(":")[2])
        match asked.get("grant_type"):
            case "client_credentials":
                self._check_app(asked, with_secret=True)
            case "refresh_token":
                self._check_app(asked, with_secret="client_secret" in asked)
                if not secrets.compare_digest(asked.get("refresh_token", "").encode(), self.refresh_token.encode()):
                    raise GrantError("invalid_grant", "expired access/refresh token")
                if knobs.rotate:
                    self.refresh_token = more["refresh_token"] = f"FAKE-{secrets.token_urlsafe(16)}"
            case "password":
                self._check_app(asked, with_secret=True)
                if not self.knows(asked.get("username", ""), asked.get("password", ""), knobs):
                    raise GrantError("invalid_grant", "authentication failure")
            case "urn:ietf:params:oauth:grant-type:jwt-bearer":
                self._check_assertion(asked.get("assertion", ""), host)
            case _:
                raise GrantError("unsupported_grant_type", "grant type not supported")
        return {"access_token": self.begin(knobs.session_s), **more}

    def knows(self, username: str, password: str, knobs: Knobs) -> bool:
        """Whether the password is the user's, with the security token behind it where that is needed."""
        right = self.credentials.password
        accepted = {right + self.credentials.security_token} | (set() if knobs.token_needed else {right})
        return username == self.credentials.username and password in accepted

    def _check_app(self, asked: Mapping[str, str], *, with_secret: bool) -> None:
        if asked.get("client_id") != self.credentials.client_id:
            raise GrantError("invalid_client_id", "client identifier invalid")
        if with_secret and asked.get("client_secret") != self.credentials.client_secret:
            raise GrantError("invalid_client", "invalid client credentials")

    def _check_assertion(self, assertion: str, host: str) -> None:
        """Verify an assertion's signature, then who says what to whom until when."""
        claims = self._verified(assertion)
        if claims.get("iss") != self.credentials.client_id:
            raise GrantError("invalid_client_id", "client identifier invalid")
        if claims.get("sub") != self.credentials.username:
            raise GrantError("invalid_grant", "user hasn't approved this consumer")
        if claims.get("aud") not in _AUDIENCES | {host}:
            raise GrantError("invalid_grant", "audience is invalid")
        ends = claims.get("exp")
        left = (
            float(str(ends)) - self.timeline.now()
            if isinstance(ends, (int, float, str)) and str(ends).isdigit()
            else -1
        )
        if not 0 < left <= _JWT_S:
            raise GrantError("invalid_grant", "assertion is expired or lives too long")

    def _verified(self, assertion: str) -> Mapping[str, object]:
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - only who signs pays
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415 - as above
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 - as above

        signed, _, signature = assertion.rpartition(".")
        try:
            header, claims = (orjson.loads(_raw(part)) for part in signed.split("."))
            if header.get("alg") != "RS256":
                raise GrantError("invalid_grant", "invalid assertion")
            self._key().verify(_raw(signature), signed.encode(), PKCS1v15(), SHA256())
        except (ValueError, InvalidSignature, AttributeError):
            raise GrantError("invalid_grant", "invalid assertion") from None
        return dict(claims)

    def _key(self) -> RSAPublicKey:
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415 - as above
        from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415 - as above

        key = load_pem_public_key(self.credentials.public_key.encode())
        if not isinstance(key, RSAPublicKey):
            raise GrantError("invalid_grant", "invalid assertion")
        return key


def _raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
