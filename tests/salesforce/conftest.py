from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from salesforce_doorway import guarded

from reconciler.emulators.salesforce.sandbox import SalesforceSandbox
from reconciler.emulators.salesforce.sessions import Credentials


@pytest.fixture
def sandbox() -> Iterator[SalesforceSandbox]:
    with guarded(Credentials("FAKE-app", "FAKE-secret")) as running:
        yield running


@pytest.fixture
def bulk1(sandbox: SalesforceSandbox) -> Iterator[httpx.Client]:
    """A session with Bulk API 1.0, whose jobs are done as soon as they are asked after."""
    sandbox.control.knobs(polls=0)
    headers = {"X-SFDC-Session": sandbox.session(), "Content-Type": "application/json"}
    address = f"{sandbox.base_url}/services/async/60.0"
    with httpx.Client(base_url=address, headers=headers, trust_env=False) as opened:
        yield opened
