"""Which tokens are good for what. Only their SHA-256 is kept.

Source: openapi.json 5.23.0, oauth/token: lifetimes of the continuous refresh token; 30 days of access from third parties.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.emulators.pinterest.storage import Storage
from reconciler.emulators.timeline import Timeline

ACCESS_S = 2_592_000
REFRESH_S = 5_184_000
CODE_S = 600

SCOPES = ("ads:read", "ads:write", "catalogs:read", "user_accounts:read")


@dataclass(frozen=True, slots=True)
class AppCredentials:
    """What the owner of an app has: its id, its secret, and a refresh token that a person granted."""

    app_id: str
    app_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token allows, until *expires* (Unix seconds)."""

    kind: str
    scopes: tuple[str, ...]
    expires: float
    is_system_user: bool = False
    redirect_uri: str = ""


class Tokens:
    """The tokens of one app."""

    def __init__(
        self,
        credentials: AppCredentials,
        *,
        timeline: Timeline,
        storage: Storage,
        random_hex: Callable[[int], str] = secrets.token_hex,
    ) -> None:
        """Start with the refresh token of *credentials* and with the tokens found in *storage*."""
        self._basic = _digest(f"{credentials.app_id}:{credentials.app_secret}")
        self._seed = _digest(credentials.refresh_token)
        self._timeline = timeline
        self._storage = storage
        self._random_hex = random_hex
        self._grants: dict[str, Grant] = {}
        stored: list[dict[str, Any]] = list(storage.objects("token"))
        for value in stored:
            grant = Grant(**{**value["grant"], "scopes": tuple(value["grant"]["scopes"])})
            self._grants[value["digest"]] = grant
        self._plant()

    def clear(self) -> None:
        """Back to the refresh token it started with."""
        self._grants.clear()
        self._plant()

    def knows_app(self, authorization: str) -> bool:
        """Whether an ``Authorization`` header is ``Basic`` with the app's id and secret."""
        scheme, _, encoded = authorization.partition(" ")
        try:
            decoded = base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return False
        return scheme.lower() == "basic" and hmac.compare_digest(_digest(decoded), self._basic)

    def issue_access(self, scopes: Sequence[str], *, expires_in: int = ACCESS_S, is_system_user: bool = False) -> str:
        """A new access token."""
        return self._issue("pina_", Grant("access", tuple(scopes), self._until(expires_in), is_system_user))

    def issue_refresh(self, scopes: Sequence[str]) -> str:
        """A new refresh token."""
        return self._issue("pinr.", Grant("refresh", tuple(scopes), self._until(REFRESH_S)))

    def issue_code(self, scopes: Sequence[str], redirect_uri: str) -> str:
        """What the consent page would hand to *redirect_uri*."""
        return self._issue("", Grant("code", tuple(scopes), self._until(CODE_S), redirect_uri=redirect_uri))

    def grant(self, kind: str, token: str) -> Grant | None:
        """What *token* allows, or None when it is not (or no longer) a token of that kind."""
        grant = self._grants.get(_digest(token))
        return grant if grant is not None and grant.kind == kind and grant.expires > self._timeline.now() else None

    def find(self, token: str) -> Grant | None:
        """The same for a token of any kind."""
        grant = self._grants.get(_digest(token))
        return grant if grant is not None and grant.expires > self._timeline.now() else None

    def end(self, token: str) -> None:
        """Make *token* invalid; one that is not known stays so."""
        self._forget(_digest(token))

    def end_all(self, kind: str) -> None:
        """Make all tokens of *kind* invalid, as a changed password does."""
        for digest in [digest for digest, grant in self._grants.items() if grant.kind == kind]:
            self._forget(digest)

    def _plant(self) -> None:
        self._grants[self._seed] = Grant("refresh", SCOPES, self._until(REFRESH_S))

    def _until(self, seconds: float) -> float:
        return self._timeline.now() + seconds

    def _issue(self, prefix: str, grant: Grant) -> str:
        token = prefix + self._random_hex(24)
        digest = _digest(token)
        self._grants[digest] = grant
        kept = {name: getattr(grant, name) for name in Grant.__slots__}
        self._storage.save("token", digest, {"digest": digest, "grant": kept})
        return token

    def _forget(self, digest: str) -> None:
        if self._grants.pop(digest, None) is not None:
            self._storage.delete("token", digest)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
