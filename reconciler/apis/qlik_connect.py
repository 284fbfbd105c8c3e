"""From an address and a key to a client of a tenant of Qlik Cloud."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reconciler.apis.qlik import QlikClient
from reconciler.apis.qlik_dialect import QLIK
from reconciler.http.client import Client
from reconciler.http.credentials import Credentials, FixedKey
from reconciler.http.request import Safety, send_json
from reconciler.http.retry import RetryPolicy
from reconciler.http.trace import Trace
from reconciler.model.secret import Secret
from reconciler.ports.clock import Clock, SystemClock
from reconciler.scrubbing import Scrubber

if TYPE_CHECKING:
    import httpx

_EARLY_S: Final = 300.0
"""A token is replaced this long before its end."""
_UNTOLD_S: Final = 3600.0
"""How long a token is taken to live whose answer does not tell."""


@dataclass(frozen=True, slots=True)
class Machine:
    """An OAuth client of a tenant that acts for itself."""

    client_id: str
    client_secret: Secret


class MachineTokens:
    """Tokens of a machine, for `http.client.Client`. Asking for one ends no other, so none is kept on disk.

    client: calls ``/oauth/token``; without credentials of its own.
    """

    def __init__(self, machine: Machine, client: Client, clock: Clock) -> None:
        self._machine = machine
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._until = 0.0
        client.scrubber.add(machine.client_secret)

    def headers(self) -> Mapping[str, str]:
        """``Authorization`` with a token that lives a while yet.

        Raises:
            Denied: id or secret is refused.
        """
        with self._lock:
            if self._clock.now() >= self._until:
                self._ask()
            return {"Authorization": f"Bearer {self._token}"}

    def renew(self, refused: Mapping[str, str]) -> bool:
        """Ask for another; raises as `headers`."""
        with self._lock:
            if refused.get("Authorization") == f"Bearer {self._token}":
                self._ask()
            return True

    def _ask(self) -> None:
        fields = {
            "client_id": self._machine.client_id,
            "client_secret": self._machine.client_secret.reveal(),
            "grant_type": "client_credentials",
        }
        request = send_json("POST", "/oauth/token", fields, safety=Safety.READ)
        told = self._client.json(request)
        token = told.get("access_token") if isinstance(told, Mapping) else None
        if not isinstance(token, str) or not token or not isinstance(told, Mapping):
            raise self._client.unusable(request, "no access token")
        self._client.scrubber.add_token(token)
        life = told.get("expires_in")
        life_s = float(life) if isinstance(life, int | float) else _UNTOLD_S
        self._token, self._until = token, self._clock.now() + max(0.0, life_s - min(_EARLY_S, life_s / 10))


def connect(
    tenant: str,
    credentials: Secret | Machine,
    *,
    clock: Clock | None = None,
    scrubber: Scrubber | None = None,
    policy: RetryPolicy | None = None,
    transport: httpx.BaseTransport | None = None,
    trace: Trace | None = None,
) -> QlikClient:
    """A client for what *credentials*, an API key or a machine, may do at *tenant*. Sends nothing by itself.

    tenant: its address, such as https://shop.eu.qlikcloud.com.
    """
    clock, scrubber = clock or SystemClock(), scrubber or Scrubber()

    def client(used: Credentials | None) -> Client:
        return Client(
            tenant,
            QLIK,
            credentials=used,
            policy=policy,
            scrubber=scrubber,
            clock=clock,
            transport=transport,
            trace=trace,
        )

    if isinstance(credentials, Secret):
        scrubber.add(credentials)
        return QlikClient(client(FixedKey(credentials)), clock)
    tokens = client(None)
    return QlikClient(client(MachineTokens(credentials, tokens, clock)), clock, tokens)
