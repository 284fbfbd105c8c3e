"""Which workspaces the declared connections to Intercom open."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from reconciler.errors import TdrError
from reconciler.manifest import Loaded
from reconciler.model.address import Address
from reconciler.model.connections import INTERCOM_ADDRESSES, IntercomConnection
from reconciler.ports.clock import Clock
from reconciler.wiring.tracing import trace_of

if TYPE_CHECKING:
    from reconciler.apis.intercom import Workspace


def intercom_connections(loaded: Loaded) -> dict[Address, IntercomConnection]:
    """Those that are declared, by address."""
    found = {address: one.spec for address, one in sorted(loaded.resources.items())}
    return {address: spec for address, spec in found.items() if isinstance(spec, IntercomConnection)}


def workspaces(loaded: Loaded, clock: Clock) -> Iterator[tuple[Address, Workspace | TdrError | None]]:
    """Each connection and what Intercom tells of its workspace, or why not; None for one without a token of its own here."""
    from reconciler.apis.intercom_connect import connect  # noqa: PLC0415 - only when somebody asks
    from reconciler.http.retry import RetryPolicy  # noqa: PLC0415 - as above
    from reconciler.http.wire import Timeouts  # noqa: PLC0415 - as above

    for address, spec in intercom_connections(loaded).items():
        if spec.access_token is None:
            yield address, None
            continue
        region = INTERCOM_ADDRESSES[spec.region] if spec.region else None
        base_url = spec.base_url or region or loaded.environment.endpoints.get("intercom")
        try:
            # Somebody looks on: an import may wait for minutes, this not.
            with connect(
                spec.access_token,
                base_url=base_url,
                clock=clock,
                policy=RetryPolicy(),
                timeouts=Timeouts(),
                trace=trace_of(os.environ),
            ) as client:
                yield address, client.workspace()
        except TdrError as error:
            yield address, error
