"""From credentials to a client: tokens of an app that acts for itself, asked for anew before they end or when refused."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from reconciler.apis.adobe import FlowService
from reconciler.apis.adobe_dialect import ADOBE
from reconciler.http.client import Client
from reconciler.http.request import Safety, send_form
from reconciler.http.retry import RetryPolicy
from reconciler.http.trace import Trace
from reconciler.model.dataflows import AdobeTarget
from reconciler.model.json import Json
from reconciler.ports.clock import Clock, SystemClock
from reconciler.scrubbing import Scrubber

if TYPE_CHECKING:
    import httpx

TOKEN_PATH: Final = "/ims/token/v3"  # noqa: S105 - a path
_MILLISECONDS_FROM: Final = 1_000_000
"""An ``expires_in`` above this is in milliseconds: a token lives for a day, and older texts say 86399992."""
_UNTOLD_S: Final = 3600.0
_EARLY_S: Final = 300.0


class GrantedTokens:
    """Credentials for `http.client.Client`. *client* calls the token endpoint and has none of its own."""

    def __init__(self, client: Client, target: AdobeTarget, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._fields = {
            "grant_type": "client_credentials",
            "client_id": target.client_id.reveal().strip(),
            "client_secret": target.client_secret.reveal().strip(),
            "scope": target.scopes,
        }
        self._lock = threading.Lock()
        self._token = ""
        self._stale_at = 0.0
        for secret in (target.client_id, target.client_secret):
            client.scrubber.add(secret)

    def headers(self) -> Mapping[str, str]:
        """``Authorization`` with a token that is good for a while yet.

        Raises:
            Denied: the app is not accepted.
            ProviderError: the token endpoint cannot be used.
        """
        with self._lock:
            if not self._token or self._clock.now() >= self._stale_at:
                self._ask()
            return {"Authorization": f"Bearer {self._token}"}

    def renew(self, refused: Mapping[str, str]) -> bool:
        """Ask for another token than the *refused* one; raises as `headers`."""
        with self._lock:
            if refused.get("Authorization") == f"Bearer {self._token}":
                self._ask()
            return True

    def _ask(self) -> None:
        request = send_form("POST", TOKEN_PATH, self._fields, safety=Safety.IDEMPOTENT)
        answer = self._client.json(request)
        told = answer if isinstance(answer, Mapping) else {}
        token = told.get("access_token")
        if not isinstance(token, str) or not token:
            raise self._client.unusable(request, "no access token")
        self._client.scrubber.add_token(token)
        lifetime_s = _lifetime_s(told.get("expires_in"))
        self._token = token
        self._stale_at = self._clock.now() + lifetime_s - min(_EARLY_S, lifetime_s / 10)


def _lifetime_s(told: Json) -> float:
    if isinstance(told, bool) or not isinstance(told, int | float):
        return _UNTOLD_S
    return told / 1000 if told > _MILLISECONDS_FROM else float(told)


def connect(
    target: AdobeTarget,
    *,
    clock: Clock | None = None,
    scrubber: Scrubber | None = None,
    policy: RetryPolicy | None = None,
    transport: httpx.BaseTransport | None = None,
    trace: Trace | None = None,
) -> FlowService:
    """A client for the sandbox that *target* names. Sends nothing by itself."""
    clock, scrubber = clock or SystemClock(), scrubber or Scrubber()
    login = Client(
        target.login_url, ADOBE, policy=policy, scrubber=scrubber, clock=clock, transport=transport, trace=trace
    )
    client = Client(
        target.base_url,
        ADOBE,
        credentials=GrantedTokens(login, target, clock),
        headers={
            "x-api-key": target.client_id.reveal().strip(),
            "x-gw-ims-org-id": target.org_id,
            "x-sandbox-name": target.sandbox,
        },
        policy=policy,
        scrubber=scrubber,
        clock=clock,
        transport=transport,
        trace=trace,
    )
    return FlowService(client, clock, login)
