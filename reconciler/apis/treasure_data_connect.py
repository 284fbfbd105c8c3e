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

_CUSTOMER_DATA_PER_S: Final = 2.0
_CUSTOMER_DATA_BURST: Final = 4
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


def connect(
    endpoint: Endpoint,
    api_key: Secret,
    *,
    transport: httpx.BaseTransport | None = None,
    policy: RetryPolicy | None = None,
    scrubber: Scrubber | None = None,
    clock: Clock | None = None,
    trace: Trace | None = None,
) -> TreasureData:
    """A client for the account of *api_key* at *endpoint*; nothing is sent yet.

    transport: what carries requests instead of the network, such as an `InProcessTransport` to the embedded service.
    """
    return TreasureData(
        Client(
            endpoint.base_url,
            DIALECT,
            credentials=FixedKey(api_key, scheme="TD1"),
            policy=policy,
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
    transport: httpx.BaseTransport | None = None,
    clock: Clock | None = None,
    trace: Trace | None = None,
) -> CustomerData:
    """The same account's client for parent segments, which answer at a host of their own; nothing is sent yet.

    Over the network it keeps to two requests a second, as the vendor's own copying tool does; limits are not published.
    """
    paced = None if transport else TokenBucket(_CUSTOMER_DATA_PER_S, _CUSTOMER_DATA_BURST, clock or SystemClock())
    return CustomerData(
        Client(
            endpoint.customer_data_url,
            CUSTOMER_DATA_DIALECT,
            credentials=FixedKey(api_key, scheme="TD1"),
            bucket=paced,
            clock=clock,
            transport=transport,
            trace=trace,
        )
    )


def connect_workflows(
    endpoint: Endpoint,
    api_key: Secret,
    *,
    transport: httpx.BaseTransport | None = None,
    clock: Clock | None = None,
    trace: Trace | None = None,
) -> Workflows:
    """The same account's client for workflows, which answer at a host of their own; nothing is sent yet."""
    return Workflows(
        Client(
            endpoint.workflow_url,
            DIALECT,
            credentials=FixedKey(api_key, scheme="TD1"),
            clock=clock,
            transport=transport,
            trace=trace,
        )
    )
