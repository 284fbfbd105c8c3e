from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from intercom_access import TOKEN
from intercom_contract import load_contract
from openapi_contract import CheckedTransport, Contract, held_against

from reconciler.emulators.intercom.knobs import Knobs
from reconciler.emulators.intercom.sandbox import IntercomSandbox
from reconciler.emulators.intercom.world import World
from reconciler.emulators.timeline import Timeline

NOW = 1_790_000_000.0


@pytest.fixture(scope="session")
def running() -> Iterator[IntercomSandbox]:
    """Time stands still at 1790000000 but for what a test lets pass; nothing is limited."""
    knobs = Knobs(calls_per_window=0)
    with IntercomSandbox(TOKEN, knobs=knobs, timeline=Timeline(lambda: NOW)) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: IntercomSandbox) -> IntercomSandbox:
    running.control.reset()
    return running


@pytest.fixture
def world(sandbox: IntercomSandbox) -> World:
    return sandbox.intercom.world


@pytest.fixture(scope="session")
def contract() -> Contract | None:
    return load_contract()


@pytest.fixture
def checked(contract: Contract | None) -> Iterator[CheckedTransport]:
    """What carries requests; everything that goes through it is held against the vendor's description."""
    with held_against(contract) as transport:
        yield transport


@pytest.fixture
def stranger(sandbox: IntercomSandbox, checked: CheckedTransport) -> Iterator[httpx.Client]:
    """A client without a token."""
    with httpx.Client(base_url=sandbox.base_url, transport=checked) as client:
        client.headers["intercom-version"] = "2.16"
        yield client


@pytest.fixture
def client(stranger: httpx.Client) -> httpx.Client:
    """A client that may read everything."""
    stranger.headers["authorization"] = f"Bearer {TOKEN}"
    return stranger
