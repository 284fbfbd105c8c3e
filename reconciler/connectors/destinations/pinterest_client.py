"""The export's view of Pinterest's client: one ad account, and the retries and timeouts that the settings ask for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from reconciler.apis.pinterest_values import ListType, MemberChange
from reconciler.connectors.destinations.pinterest_api import Audience, AudienceApi, CustomerList
from reconciler.connectors.destinations.pinterest_settings import PinterestSettings
from reconciler.errors import Transient
from reconciler.http.retry import RetryPolicy
from reconciler.http.wire import Timeouts
from reconciler.model.kinds import Identifier
from reconciler.model.secret import Secret
from reconciler.ports.clock import Clock, SystemClock
from reconciler.ports.tokens import TokenStore

if TYPE_CHECKING:
    from reconciler.apis.pinterest import Pace, PinterestClient
    from reconciler.apis.pinterest_values import Audience as WireAudience

Connect = Callable[[PinterestSettings, threading.Event], AudienceApi]

_LIST_TYPES = {Identifier.EMAIL: ListType.EMAIL, Identifier.MAID: ListType.MAID, Identifier.IDFA: ListType.IDFA}
_NAP_S = 0.5
"""How long a cancelled run may go on waiting."""


def connector(
    tokens: TokenStore, *, base_url: str | None = None, clock: Clock | None = None, pace: Pace | None = None
) -> Connect:
    """What opens the API for an export.

    tokens: where refreshed tokens are kept. pace: see `apis.pinterest_connect.connect`.
    base_url: for settings that name none; Pinterest's own when left out.
    """

    def connect(settings: PinterestSettings, cancelled: threading.Event) -> AudienceApi:
        from reconciler.apis import pinterest_connect  # noqa: PLC0415 - only a run that calls Pinterest pays for it

        app = pinterest_connect.App(
            *(
                Secret(f"result_settings:{name}", getattr(settings, name).get_secret_value())
                for name in ("client_id", "client_secret", "refresh_token")
            )
        )
        client = pinterest_connect.connect(
            app,
            tokens,
            base_url=settings.base_url or base_url,
            clock=CancellableClock(clock or SystemClock(), cancelled),
            policy=retry_policy(settings),
            timeouts=Timeouts(
                connect_s=settings.connection_timeout_secs,
                read_s=settings.read_timeout_secs,
                write_s=settings.write_timeout_secs,
            ),
            pace=pace,
        )
        return AccountAudiences(client, settings.ad_account_id)

    return connect


def retry_policy(settings: PinterestSettings) -> RetryPolicy:
    """Bounds of repeating as the settings say. A vendor that asks for a longer wait than the longest ends the run."""
    longest_s = settings.max_retry_wait_millis / 1000
    attempts = settings.retry_count + 1
    total_s = attempts * (longest_s + settings.read_timeout_secs + settings.connection_timeout_secs)
    return RetryPolicy(
        attempts=attempts,
        first_wait_s=settings.retry_initial_wait_millis / 1000,
        longest_wait_s=longest_s,
        total_s=total_s,
        silence_s=total_s,
    )


class CancellableClock:
    """A clock whose sleep ends when the run is cancelled."""

    def __init__(self, clock: Clock, cancelled: threading.Event) -> None:
        self._clock = clock
        self._cancelled = cancelled

    def now(self) -> float:
        """Unix seconds."""
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        """Wait.

        Raises:
            Transient: the run was cancelled.
        """
        left_s = seconds
        while left_s > 0:
            if self._cancelled.is_set():
                raise Transient(
                    "the run was cancelled while it waited for Pinterest", hint="a new run goes on from there"
                )
            nap_s = min(_NAP_S, left_s)
            self._clock.sleep(nap_s)
            left_s -= nap_s


class AccountAudiences:
    """Implements `AudienceApi` for one ad account."""

    def __init__(self, client: PinterestClient, account: str) -> None:
        self._client = client
        self._account = account

    def lists(self) -> list[CustomerList]:
        """All customer lists."""
        return [CustomerList(one.id, one.name) for one in self._client.customer_lists(self._account)]

    def audiences(self) -> list[Audience]:
        """All audiences the account owns."""
        return [_audience(one) for one in self._client.audiences(self._account)]

    def audience(self, audience_id: str) -> Audience:
        """One audience; NotFound when there is none."""
        return _audience(self._client.audience(self._account, audience_id))

    def create_list(self, name: str, identifier: Identifier, records: bytes) -> CustomerList:
        """Make a list with its first members."""
        made = self._client.create_customer_list(self._account, name, _LIST_TYPES[identifier], records)
        return CustomerList(made.id, made.name)

    def add(self, list_id: str, records: bytes) -> None:
        """Add members."""
        self._client.change_members(self._account, list_id, MemberChange.ADD, records)

    def remove(self, list_id: str, records: bytes) -> None:
        """Remove members."""
        self._client.change_members(self._account, list_id, MemberChange.REMOVE, records)

    def create_audience(self, name: str, description: str, list_id: str) -> Audience:
        """Make an audience of a list."""
        return _audience(self._client.create_audience(self._account, name, list_id, description))

    def close(self) -> None:
        """Close connections."""
        self._client.close()


def _audience(wire: WireAudience) -> Audience:
    return Audience(wire.id, wire.name, wire.customer_list_id, wire.is_removed)
