"""Who asks: the authentication types of a source specification as headers, and access tokens that are fetched or renewed.

Source: Adobe's documentation of `authSpec`; names of the token's fields may be replaced there by `requestParameterOverride`.
"""

from __future__ import annotations

import hashlib
import re
import threading
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from reconciler import known_secrets
from reconciler.diagnostics import did_you_mean
from reconciler.errors import Denied, Permanent
from reconciler.http.client import Client
from reconciler.http.request import Request, Safety, get, send_form
from reconciler.model.json import Json
from reconciler.ports.clock import Clock
from reconciler.ports.tokens import Tokens, TokenStore

_REFRESH: Final = "oauth2refreshcode"
_BASIC: Final = "basicauthentication"
_KEYS: Final = ("keybased", "apikeyauthentication")
_CLIENT: Final = "oauth2clientcredential"
_KNOWN: Final = ("OAuth2RefreshCode", "BasicAuthentication", "KeyBased", "OAuth2 Client Credential")
_SECRET: Final = re.compile(r"accessToken|refreshToken|clientSecret|password|authKey\d*", re.IGNORECASE)
_UNTOLD_LIFETIME_S: Final = 3600.0
_EARLY_S: Final = 60.0


class Headers(Protocol):
    """Credentials, see `http.credentials`."""

    def headers(self) -> Mapping[str, str]:
        """Headers of the next request."""
        ...

    def renew(self, refused: Mapping[str, str]) -> bool:
        """Whether there are others now."""
        ...


def authentication(
    told: Mapping[str, Json],
    auth_spec: Mapping[str, Json],
    tokens: TokenStore,
    open_client: Callable[[str], Client],
    clock: Clock,
) -> Headers:
    """The credentials that *told* describes: `type` or `specName`, and `params`.

    auth_spec: the specification's entry for it, which says where keys go. open_client: a client for the address of a token
    endpoint, without credentials.

    Raises:
        Permanent: the type is unknown, or a parameter is missing.
    """
    name = str(told.get("type") or told.get("specName") or "")
    params = told.get("params") or {}
    if not isinstance(params, Mapping):
        raise Permanent("`params` of the authentication must be an object")
    for secret in _secrets(params, auth_spec):
        known_secrets.remember(secret)
    kind = re.sub(r"[\s_-]+", "", name).lower()
    if not kind:
        return _Fixed({})
    if kind == _BASIC:
        pair = f"{_text(params, 'username')}:{_text(params, 'password')}"
        return _Fixed({"Authorization": f"Basic {b64encode(pair.encode()).decode()}"})
    if kind in _KEYS:
        return _Fixed(_keys(params, auth_spec))
    if kind in {_REFRESH, _CLIENT}:
        return _Renewed(params, kind, tokens, open_client, clock)
    raise Permanent(
        f"there is no authentication of type {name!r}", hint=did_you_mean(name, _KNOWN) or f"known: {', '.join(_KNOWN)}"
    )


def with_secrets(auth: Mapping[str, Json]) -> Mapping[str, Json]:
    """*auth* with its `secrets` among its `params`. A connection keeps them apart, so that none is ever told."""
    secrets = _object(auth.get("secrets"))
    for value in secrets.values():
        known_secrets.remember(str(value))
    return {**auth, "params": {**_object(auth.get("params")), **secrets}} if secrets else auth


def _secrets(params: Mapping[str, Json], auth_spec: Mapping[str, Json]) -> list[str]:
    """Values that nobody may read: those that every specification has, and those that this one calls passwords."""
    properties = _properties(auth_spec)
    return [
        value
        for name, value in params.items()
        if isinstance(value, str)
        and (_SECRET.fullmatch(name) or _object(properties.get(name)).get("format") == "password")
    ]


def _properties(auth_spec: Mapping[str, Json]) -> Mapping[str, Json]:
    return _object(auth_spec.get("properties") or _object(auth_spec.get("spec")).get("properties"))


@dataclass(frozen=True, slots=True)
class _Fixed:
    told: Mapping[str, str]

    def headers(self) -> Mapping[str, str]:
        return self.told

    def renew(self, refused: Mapping[str, str]) -> bool:
        del refused
        return False


def _keys(params: Mapping[str, Json], auth_spec: Mapping[str, Json]) -> dict[str, str]:
    """Headers that carry the keys; where one goes is said by `restAttributes` of its property."""
    headers: dict[str, str] = {}
    for name, schema in _properties(auth_spec).items():
        header = _object(_object(schema).get("restAttributes")).get("headerParamName")
        if isinstance(header, str) and params.get(name) is not None:
            headers[header] = str(params[name])
    if not headers:
        raise Permanent(
            "no key of the authentication goes into a header",
            hint="say where: `restAttributes: {headerParamName: …}` at `authKey1` in the specification",
        )
    return headers


class _Renewed:
    """A bearer token, renewed when it is old or refused. A new refresh token is kept before the access token is used."""

    def __init__(
        self,
        params: Mapping[str, Json],
        kind: str,
        store: TokenStore,
        open_client: Callable[[str], Client],
        clock: Clock,
    ) -> None:
        self._params = params
        self._kind = kind
        self._store = store
        self._open_client = open_client
        self._clock = clock
        self._lock = threading.Lock()
        self._has_looked = False
        origin = "\0".join(str(params.get(name, "")) for name in ("clientId", "refreshToken", "accessToken"))
        self._key = "rest/" + hashlib.sha256(f"{self._endpoint()}\0{origin}".encode()).hexdigest()
        self._current = str(params.get("accessToken") or "")
        self._stale_at = _expires_at(params.get("expirationDate")) if self._current else 0.0

    def headers(self) -> Mapping[str, str]:
        with self._lock:
            if not self._has_looked and self._can_renew():
                # What an earlier run renewed is newer than what somebody wrote down once.
                kept = self._store.load(self._key)
                if kept is not None:
                    self._use(kept)
            self._has_looked = True
            if not self._current or self._clock.now() >= self._stale_at:
                self._use_newest(refused="")
            return {"Authorization": f"Bearer {self._current}"}

    def renew(self, refused: Mapping[str, str]) -> bool:
        if not self._can_renew():
            return False
        with self._lock:
            self._use_newest(refused=refused.get("Authorization", "").removeprefix("Bearer "))
        return True

    def _can_renew(self) -> bool:
        grant = "refreshToken" if self._kind == _REFRESH else "clientSecret"
        return bool(self._endpoint() and self._params.get(grant))

    def _endpoint(self) -> str:
        return str(self._params.get("accessTokenUrl") or self._params.get("tokenEndpoint") or "")

    def _use_newest(self, refused: str) -> None:
        if not self._can_renew():
            if self._current:
                return  # as old as it may be, it is all there is
            raise Permanent(
                "the authentication has no access token, and not all that one is fetched with",
                hint="give `accessToken`, or `accessTokenUrl` with `clientId` and `clientSecret`",
            )
        with self._store.exclusive(self._key):
            kept = self._store.load(self._key)
            is_usable = kept is not None and kept.access_token not in {"", refused}
            if kept is None or not is_usable or self._clock.now() >= kept.expires_at - _EARLY_S:
                kept = self._fetched(kept.refresh_token if kept else str(self._params.get("refreshToken") or ""))
                self._store.save(self._key, kept)
        self._use(kept)

    def _use(self, kept: Tokens) -> None:
        self._current, self._stale_at = kept.access_token, kept.expires_at - _EARLY_S

    def _fetched(self, refresh_token: str) -> Tokens:
        names = _object(self._params.get("requestParameterOverride"))

        def called(name: str, default: str) -> str:
            return str(names.get(name) or default)

        fields = {
            called("clientId", "client_id"): str(self._params.get("clientId") or ""),
            called("clientSecret", "client_secret"): str(self._params.get("clientSecret") or ""),
        }
        if self._kind == _REFRESH:
            fields |= {"grant_type": "refresh_token", called("refreshTokenField", "refresh_token"): refresh_token}
        else:
            fields |= {"grant_type": "client_credentials"}
        with self._open_client(self._endpoint()) as client:
            for value in (*fields.values(), refresh_token):
                client.scrubber.add_token(value)
            is_get = str(names.get("authenticationMethod", "")).upper() == "GET"
            answer = client.json(_get(fields) if is_get else send_form("POST", "", fields, safety=Safety.IDEMPOTENT))
        told = _object(answer)
        token = told.get(called("accessTokenField", "access_token"))
        if not isinstance(token, str) or not token:
            raise Denied(
                "the token endpoint answered without an access token",
                hint="check the client's id and secret, and `requestParameterOverride`",
            )
        seconds = told.get(called("expireInField", "expires_in"))
        lifetime_s = float(seconds) if isinstance(seconds, int | float) else _UNTOLD_LIFETIME_S
        renewed = told.get(called("refreshTokenField", "refresh_token"))
        now = self._clock.now()
        return Tokens(
            access_token=token,
            expires_at=now + lifetime_s,
            refresh_token=renewed if isinstance(renewed, str) and renewed else refresh_token,
            refresh_expires_at=None,
        )


def _get(fields: Mapping[str, str]) -> Request:
    return get("", fields)


def _expires_at(told: Json) -> float:
    """Unix seconds of a date that a person wrote; never, where there is none."""
    if isinstance(told, str) and told:
        try:
            return datetime.fromisoformat(told).timestamp()
        except ValueError:
            return float("inf")
    return float("inf")


def _text(params: Mapping[str, Json], name: str) -> str:
    value = params.get(name)
    if not isinstance(value, str):
        raise Permanent(f"the authentication has no `{name}`")
    return value


def _object(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}
