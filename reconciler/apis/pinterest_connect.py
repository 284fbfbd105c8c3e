"""From credentials to a client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reconciler.apis.pinterest import STANDARD_PACE, Pace, PinterestClient
from reconciler.apis.pinterest_dialect import PINTEREST
from reconciler.apis.pinterest_oauth import RefreshedTokens
from reconciler.http.client import Client
from reconciler.http.retry import RetryPolicy
from reconciler.http.trace import Trace
from reconciler.http.wire import Timeouts
from reconciler.model.secret import Secret
from reconciler.ports.clock import Clock, SystemClock
from reconciler.ports.tokens import TokenStore
from reconciler.scrubbing import Scrubber

if TYPE_CHECKING:
    import httpx

API = "https://api.pinterest.com/v5"


@dataclass(frozen=True, slots=True)
class App:
    """An app and the authorisation that one user gave it."""

    client_id: Secret
    client_secret: Secret
    refresh_token: Secret


def connect(
    app: App,
    tokens: TokenStore,
    *,
    base_url: str | None = None,
    clock: Clock | None = None,
    scrubber: Scrubber | None = None,
    policy: RetryPolicy | None = None,
    timeouts: Timeouts | None = None,
    pace: Pace | None = None,
    transport: httpx.BaseTransport | None = None,
    trace: Trace | None = None,
) -> PinterestClient:
    """A client for what *app* may do. Sends nothing by itself.

    tokens: where refreshed tokens are kept; shared by all processes that use the app.
    base_url: with or without the version; Pinterest's own when left out.
    pace: Pinterest's published limits at Pinterest's own address when left out; elsewhere none.
    """
    clock = clock or SystemClock()
    scrubber = scrubber or Scrubber()
    address = api_address(base_url)
    token_client = Client(
        address,
        PINTEREST,
        timeouts=timeouts,
        policy=policy,
        scrubber=scrubber,
        clock=clock,
        transport=transport,
        trace=trace,
    )
    credentials = RefreshedTokens(app.client_id, app.client_secret, app.refresh_token, tokens, token_client, clock)
    client = Client(
        address,
        PINTEREST,
        credentials=credentials,
        timeouts=timeouts,
        policy=policy,
        scrubber=scrubber,
        clock=clock,
        transport=transport,
        trace=trace,
    )
    return PinterestClient(
        client, clock, pace or _published_pace(address), token_client, expires=credentials.refresh_expires_at
    )


def api_address(base_url: str | None) -> str:
    """The address of version 5 of the API at *base_url*, which may or may not name the version; Pinterest's own for None."""
    address = (base_url or API).rstrip("/")
    return address if address.endswith("/v5") else address + "/v5"


def _published_pace(address: str) -> Pace | None:
    host = urlsplit(address).hostname or ""
    return STANDARD_PACE if host == "pinterest.com" or host.endswith(".pinterest.com") else None
