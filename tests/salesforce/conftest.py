from __future__ import annotations

from collections.abc import Iterator

import pytest
from salesforce_doorway import Door
from starlette.types import ASGIApp

from reconciler.emulators.salesforce.sandbox import SalesforceSandbox
from reconciler.emulators.salesforce.sessions import Credentials


@pytest.fixture
def sandbox() -> Iterator[SalesforceSandbox]:
    """An org at whose door everything is held against the published shapes, unless a test damages it on purpose."""
    doors: list[Door] = []

    def door(app: ASGIApp) -> ASGIApp:
        doors.append(Door(app))
        return doors[0]

    with SalesforceSandbox(Credentials("FAKE-app", "FAKE-secret"), door=door) as running:
        yield running
        is_disturbed = any(one["faults"] for one in running.control.traffic())
    assert is_disturbed or doors[0].violations() == []
