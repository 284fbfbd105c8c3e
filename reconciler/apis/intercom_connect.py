"""From a token to a client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from reconciler.apis.intercom import IntercomClient
from reconciler.apis.intercom_dialect import intercom_dialect
from reconciler.http.bucket import TokenBucket
from reconciler.http.client import Client
from reconciler.http.credentials import FixedKey
from reconciler.http.retry import RetryPolicy
from reconciler.http.trace import Trace
from reconciler.http.wire import Timeouts
from reconciler.model.connections import INTERCOM_ADDRESSES, IntercomRegion
from reconciler.model.secret import Secret
from reconciler.ports.clock import Clock, SystemClock
from reconciler.scrubbing import Scrubber

if TYPE_CHECKING:
    import httpx

API_VERSION: Final = "2.16"
"""Always sent: without it the version that is stored for the app decides the shapes."""
_PER_SECOND, _BURST = 1000 / 60, 100
"""What public importers keep to: searches are said to be limited to a thousand a minute, apps to ten thousand."""
PATIENT: Final = RetryPolicy(attempts=8, first_wait_s=1.0, longest_wait_s=120.0, total_s=900.0, silence_s=120.0)
"""An import runs for minutes, and nobody looks at it: it waits rather than beginning again."""
_SEARCH_S: Final = 300.0
"""Searches of large workspaces were seen to take minutes."""


def connect(
    token: Secret,
    *,
    base_url: str | None = None,
    api_version: str = API_VERSION,
    clock: Clock | None = None,
    scrubber: Scrubber | None = None,
    policy: RetryPolicy = PATIENT,
    timeouts: Timeouts | None = None,
    transport: httpx.BaseTransport | None = None,
    trace: Trace | None = None,
) -> IntercomClient:
    """A client for what *token* may read. Sends nothing by itself.

    base_url: of the workspace's region; that of the United States when left out.
    """
    clock = clock or SystemClock()
    address = base_url or INTERCOM_ADDRESSES[IntercomRegion.US]
    client = Client(
        address,
        intercom_dialect(clock.now),
        credentials=FixedKey(token),
        headers={"Intercom-Version": api_version},
        timeouts=timeouts or Timeouts(read_s=_SEARCH_S),
        policy=policy,
        scrubber=scrubber,
        clock=clock,
        transport=transport,
        trace=trace,
    )
    host = urlsplit(address).hostname or ""
    is_theirs = host == "intercom.io" or host.endswith(".intercom.io")
    return IntercomClient(client, clock, TokenBucket(_PER_SECOND, _BURST, clock) if is_theirs else None)
