"""What a load from Intercom needs of its API."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

from reconciler.connectors.sources.intercom_settings import IntercomSettings
from reconciler.model.json import Json
from reconciler.model.secret import Secret
from reconciler.ports.clock import Clock

if TYPE_CHECKING:
    import httpx

Row: TypeAlias = Mapping[str, Json]
Pages: TypeAlias = Iterator[Sequence[Row]]


class IntercomApi(Protocol):
    """One workspace, as `apis.intercom.IntercomClient` reads it. Every call may raise a ProviderError."""

    def contacts(self, query: Row) -> Pages: ...  # noqa: D102 - as there
    def conversations(self, query: Row) -> Pages: ...  # noqa: D102 - as there
    def companies(self) -> Pages: ...  # noqa: D102 - as there
    def conversation(self, conversation_id: str) -> Row: ...  # noqa: D102 - as there
    def tags(self) -> Sequence[Row]: ...  # noqa: D102 - as there
    def segments(self) -> Sequence[Row]: ...  # noqa: D102 - as there
    def tags_of(self, contact_id: str) -> Sequence[Row]: ...  # noqa: D102 - as there
    def companies_of(self, contact_id: str) -> Sequence[Row]: ...  # noqa: D102 - as there
    def close(self) -> None: ...  # noqa: D102 - as there


Connect: TypeAlias = Callable[[IntercomSettings], IntercomApi]


def connector(
    *,
    base_url: str | None = None,
    clock: Clock | None = None,
    transport: Callable[[], httpx.BaseTransport] | None = None,
) -> Connect:
    """What opens the API for a load.

    base_url: for settings that name none; that of the United States when left out.
    transport: makes what carries the requests of a load in the place of the network.
    """

    def connect(settings: IntercomSettings) -> IntercomApi:
        from reconciler.apis import intercom_connect  # noqa: PLC0415 - only a run that calls Intercom pays for it

        return intercom_connect.connect(
            Secret("in:access_token", settings.access_token.get_secret_value()),
            base_url=settings.base_url or base_url,
            api_version=settings.api_version or intercom_connect.API_VERSION,
            clock=clock,
            transport=transport() if transport is not None else None,
        )

    return connect
