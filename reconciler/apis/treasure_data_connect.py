"""From an endpoint and a key to a client that speaks for one account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.apis.treasure_data import TreasureData
from reconciler.apis.treasure_data_cdp import CustomerData, is_taken
from reconciler.apis.treasure_data_endpoint import Endpoint
from reconciler.apis.treasure_data_workflows import Workflows
from reconciler.http.answer import Answer
from reconciler.http.bucket import TokenBucket
from reconciler.http.client import Client
from reconciler.http.credentials import FixedKey
from reconciler.http.dialect import Dialect
from reconciler.http.retry import RetryPolicy
from reconciler.http.trace import Trace
from reconciler.model.secret import Secret
from reconciler.ports.clock import Clock, SystemClock
from reconciler.scrubbing import Scrubber

if TYPE_CHECKING:
    import httpx

_USUAL_PER_S: Final = 10.0
_CUSTOMER_DATA_PER_S: Final = 2.0
_BURST_S: Final = 2
"""After a pause so many seconds' requests may go at once."""
_ADVICE: Final = {
    401: "check `treasure_data.api_key` of the environment, and that the key belongs to this region",
    403: "the key's owner may not do this; use a master key of somebody who may",
}


def _advice(answer: Answer) -> str:
    return _ADVICE.get(answer.status, "")


DIALECT: Final = Dialect(name="treasure_data", advice=_advice, is_expired=lambda _answer: False)

CUSTOMER_DATA_DIALECT: Final = Dialect(
    name="treasure_data", advice=_advice, is_expired=lambda _answer: False, error=is_taken
)


def _pace(endpoint: Endpoint, per_s: float | None, usual_per_s: float, clock: Clock | None) -> TokenBucket | None:
    """The pace of requests to *endpoint*: what somebody chose, 0 for none; else the usual one, and none on this machine.

    The vendor publishes no limits. For parent segments the usual pace is that of its own copying tool (master_segment_duplicator);
    the others are ours, so that a project of thousands of tables or workflows leaves room for the others of its account.
    """
    if per_s is None:
        per_s = 0.0 if endpoint.is_this_machine else usual_per_s
    return TokenBucket(per_s, max(1, round(per_s * _BURST_S)), clock or SystemClock()) if per_s else None


def connect(
    endpoint: Endpoint,
    api_key: Secret,
    *,
    per_s: float | None = None,
    transport: httpx.BaseTransport | None = None,
    policy: RetryPolicy | None = None,
    scrubber: Scrubber | None = None,
    clock: Clock | None = None,
    trace: Trace | None = None,
) -> TreasureData:
    """A client for the account of *api_key* at *endpoint*; nothing is sent yet.

    per_s: requests a second; 0 for any number, None for ten, and any number on this machine.
    transport: what carries requests instead of the network, such as an `InProcessTransport` to the embedded service.
    """
    return TreasureData(
        Client(
            endpoint.base_url,
            DIALECT,
            credentials=FixedKey(api_key, scheme="TD1"),
            policy=policy,
            bucket=_pace(endpoint, per_s, _USUAL_PER_S, clock),
            scrubber=scrubber,
            clock=clock,
            transport=transport,
            trace=trace,
        )
    )


def connect_customer_data(
    endpoint: Endpoint,
    api_key: Secret,
    *,
    per_s: float | None = None,
    transport: httpx.BaseTransport | None = None,
    clock: Clock | None = None,
    trace: Trace | None = None,
) -> CustomerData:
    """The same account's client for parent segments, which answer at a host of their own; nothing is sent yet.

    per_s: as for `connect`, but two by default.
    """
    return CustomerData(
        Client(
            endpoint.customer_data_url,
            CUSTOMER_DATA_DIALECT,
            credentials=FixedKey(api_key, scheme="TD1"),
            bucket=_pace(endpoint, per_s, _CUSTOMER_DATA_PER_S, clock),
            clock=clock,
            transport=transport,
            trace=trace,
        )
    )


def connect_workflows(
    endpoint: Endpoint,
    api_key: Secret,
    *,
    per_s: float | None = None,
    transport: httpx.BaseTransport | None = None,
    clock: Clock | None = None,
    trace: Trace | None = None,
) -> Workflows:
    """The same account's client for workflows, which answer at a host of their own; nothing is sent yet.

    per_s: as for `connect`.
    """
    return Workflows(
        Client(
            endpoint.workflow_url,
            DIALECT,
            credentials=FixedKey(api_key, scheme="TD1"),
            bucket=_pace(endpoint, per_s, _USUAL_PER_S, clock),
            clock=clock,
            transport=transport,
            trace=trace,
        )
    )
