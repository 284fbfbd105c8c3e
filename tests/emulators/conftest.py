from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from openapi_contract import NO_TLS, Contract, held_against
from pinterest_contract import load_contract

from reconciler.emulators.pinterest.knobs import Knobs
from reconciler.emulators.pinterest.tokens import AppCredentials
from reconciler.emulators.remote_control import RemoteControl
from reconciler.emulators.sandbox import Sandbox
from reconciler.emulators.timeline import Timeline

CREDENTIALS = AppCredentials("1500001", "secret-of-the-app", "pinr.granted")


@pytest.fixture(scope="session")
def credentials() -> AppCredentials:
    return CREDENTIALS


@pytest.fixture(scope="session")
def running() -> Iterator[Sandbox]:
    """Time stands still at 1790000000 but for what a test lets pass; everybody matches; nothing is limited."""
    knobs = Knobs(rate_tier="off", match_ratio=1)
    with Sandbox(CREDENTIALS, knobs=knobs, timeline=Timeline(lambda: 1_790_000_000.0)) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    running.control.reset()
    return running


@pytest.fixture
def control(sandbox: Sandbox) -> RemoteControl:
    return sandbox.control


@pytest.fixture(scope="session")
def contract() -> Contract | None:
    return load_contract()


@pytest.fixture
def stranger(sandbox: Sandbox, contract: Contract | None) -> Iterator[httpx.Client]:
    """A client without a token. Everything it hears is held against the vendor's description."""
    with (
        held_against(contract) as transport,
        httpx.Client(base_url=sandbox.base_url, transport=transport) as client,
    ):
        yield client


@pytest.fixture
def client(stranger: httpx.Client, sandbox: Sandbox) -> httpx.Client:
    """A client that may do everything in the first account."""
    stranger.headers["authorization"] = f"Bearer {sandbox.control.access_token()}"
    return stranger


@pytest.fixture
def unchecked(sandbox: Sandbox) -> Iterator[httpx.Client]:
    """The same without the description, for answers that are spoiled on purpose."""
    with httpx.Client(base_url=sandbox.base_url, verify=NO_TLS) as client:
        client.headers["authorization"] = f"Bearer {sandbox.control.access_token()}"
        yield client
