"""Access tokens, and the refresh token that changes at every use.

A refresh is one at a time over all threads and processes that share the token store. The newest tokens are read again
first, because somebody else may have refreshed meanwhile; new ones are saved before they are used, because the old
refresh token may be dead by then and losing the new one would cost a person a sign-in.

Source: Pinterest API v5, POST /oauth/token.
"""

from __future__ import annotations

import hashlib
import threading
from base64 import b64encode
from collections.abc import Mapping

from reconciler.errors import Denied, Permanent
from reconciler.http.client import Client
from reconciler.http.request import Safety, send_form
from reconciler.model.json import Json
from reconciler.model.secret import Secret
from reconciler.ports.clock import Clock
from reconciler.ports.tokens import Tokens, TokenStore

EARLY_S = 300.0
"""An access token is replaced this long before it expires, or a tenth of what it has left when that is less."""
UNTOLD_LIFETIME_S = 3600.0
"""Of an access token whose answer does not tell; one that dies earlier is refused and then replaced."""


class RefreshedTokens:
    """The credentials of one app and one user, for `http.client.Client`.

    client: calls the token endpoint; without credentials of its own.
    """

    def __init__(
        self,
        client_id: Secret,
        client_secret: Secret,
        refresh_token: Secret,
        store: TokenStore,
        client: Client,
        clock: Clock,
    ) -> None:
        self._client_id = client_id
        self._client_secret = client_secret
        self._refresh_token = refresh_token
        self._store = store
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._current = ""
        self._stale_at = 0.0
        for secret in (client_id, client_secret, refresh_token):
            client.scrubber.add(secret)
        # Tokens that came of another authorisation, or of another app, are none of these credentials' business.
        origin = f"{client.base_url}\0{client_id.reveal()}\0{refresh_token.reveal()}"
        self._key = "pinterest/" + hashlib.sha256(origin.encode()).hexdigest()

    def headers(self) -> Mapping[str, str]:
        """``Authorization`` with an access token that is valid for a while yet.

        Raises:
            Denied: the refresh token is refused; the app must be authorised again.
            ProviderError: the token endpoint cannot be used.
        """
        with self._lock:
            if self._clock.now() >= self._stale_at:
                self._use(self._newest(refused=""))
            return {"Authorization": f"Bearer {self._current}"}

    def refresh_expires_at(self) -> float | None:
        """Unix seconds at which the newest refresh token dies; None when no answer has told yet."""
        newest = self._store.load(self._key)
        return newest.refresh_expires_at if newest else None

    def renew(self, refused: Mapping[str, str]) -> bool:
        """Replace the access token in *refused*; raises as `headers`."""
        with self._lock:
            self._use(self._newest(refused=refused.get("Authorization", "").removeprefix("Bearer ")))
            return True

    def _use(self, tokens: Tokens) -> None:
        now = self._clock.now()
        self._current = tokens.access_token
        self._stale_at = tokens.expires_at - min(EARLY_S, (tokens.expires_at - now) / 10)

    def _newest(self, refused: str) -> Tokens:
        """Tokens that somebody saved meanwhile, or else new ones."""
        with self._store.exclusive(self._key):
            saved = self._store.load(self._key)
            if saved is not None:
                self._never_show(saved)
                if saved.access_token != refused and self._clock.now() < saved.expires_at:
                    return saved
            # The vendor ends the old refresh token as it answers: a place that cannot keep the new one must refuse before.
            self._store.save(self._key, saved or Tokens(access_token="", refresh_token=self._refresh_token.reveal()))
            tokens = self._renewed(saved)
            self._store.save(self._key, tokens)
            return tokens

    def _renewed(self, saved: Tokens | None) -> Tokens:
        """New tokens for the newest refresh token that is accepted: the saved one, or else the one a person put down.

        The saved one is refused where the vendor forgot it, such as a sandbox that was started anew.
        """
        granted = self._refresh_token.reveal()
        if saved is None or saved.refresh_token == granted:
            return self._asked_for(granted)
        try:
            return self._asked_for(saved.refresh_token)
        except Denied:
            return self._asked_for(granted)

    def _asked_for(self, refresh_token: str) -> Tokens:
        app = f"{self._client_id.reveal()}:{self._client_secret.reveal()}".encode()
        fields = {"grant_type": "refresh_token", "refresh_token": refresh_token, "continuous_refresh": "true"}
        # When the answer is lost, the old refresh token is all there is to try again with.
        asked = send_form("POST", "/oauth/token", fields, safety=Safety.IDEMPOTENT)
        basic = b64encode(app).decode()
        self._client.scrubber.add(basic)
        request = asked.with_headers({"Authorization": f"Basic {basic}"})
        try:
            answer = self._client.json(request)
        except Denied as error:
            raise Denied(
                f"{error.message}: the refresh token or the app's credentials are not accepted (any more)",
                hint="authorise the app again at Pinterest and put the new refresh token in place of the old",
                status=error.status,
                request_id=error.request_id,
            ) from error
        tokens = self._read(answer, refresh_token)
        self._never_show(tokens)
        return tokens

    def _read(self, answer: Json, refresh_token: str) -> Tokens:
        access_token = answer.get("access_token") if isinstance(answer, Mapping) else None
        if not isinstance(answer, Mapping) or not isinstance(access_token, str) or not access_token:
            raise Permanent("Pinterest: POST /oauth/token answered without an access token")
        now = self._clock.now()
        lifetime = _seconds(answer.get("expires_in"))
        refresh_lifetime = _seconds(answer.get("refresh_token_expires_in"))
        return Tokens(
            access_token=access_token,
            # Apps of the old kind keep their refresh token for a year and are not told it again.
            refresh_token=str(answer.get("refresh_token") or refresh_token),
            expires_at=now + (UNTOLD_LIFETIME_S if lifetime is None else lifetime),
            refresh_expires_at=None if refresh_lifetime is None else now + refresh_lifetime,
        )

    def _never_show(self, tokens: Tokens) -> None:
        self._client.scrubber.add_token(tokens.access_token)
        self._client.scrubber.add_token(tokens.refresh_token)


def _seconds(value: Json) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
