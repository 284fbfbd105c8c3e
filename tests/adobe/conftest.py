from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from adobe_scene import APPLICATION, NOW, ORG, granted

from reconciler.emulators.adobe.app import PREFIX
from reconciler.emulators.adobe.sandbox import AdobeSandbox
from reconciler.emulators.timeline import Timeline


@pytest.fixture(scope="session")
def running() -> Iterator[AdobeSandbox]:
    """Time stands still but for what a test lets pass."""
    with AdobeSandbox(APPLICATION, org_id=ORG, timeline=Timeline(lambda: NOW)) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: AdobeSandbox) -> AdobeSandbox:
    running.control.reset()
    return running


@pytest.fixture
def client(sandbox: AdobeSandbox) -> Iterator[httpx.Client]:
    """Somebody who may do everything in the sandbox prod."""
    with httpx.Client(base_url=sandbox.base_url + PREFIX, trust_env=False) as client:
        client.headers.update(
            {
                "authorization": f"Bearer {granted(sandbox)}",
                "x-api-key": APPLICATION.client_id,
                "x-gw-ims-org-id": ORG,
                "x-sandbox-name": "prod",
            }
        )
        yield client
