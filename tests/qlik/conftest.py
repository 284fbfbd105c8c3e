from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_contract import NO_TLS
from qlik_tenant import KEY, MACHINE, MACHINE_SECRET

sys.path.insert(0, str(Path(__file__).parents[1] / "journeys"))

from tenant_stage import TenantStage, tenant_stage

from reconciler.emulators.qlik.knobs import Knobs
from reconciler.emulators.qlik.sandbox import QlikSandbox
from reconciler.emulators.timeline import Timeline


@pytest.fixture(scope="session")
def running() -> Iterator[QlikSandbox]:
    """Time stands still at 1790000000 but for what a test lets pass; nothing is limited."""
    knobs = Knobs(reads_per_minute=0, writes_per_minute=0)
    timeline = Timeline(lambda: 1_790_000_000.0)
    with QlikSandbox(KEY, clients={MACHINE: MACHINE_SECRET}, knobs=knobs, timeline=timeline) as sandbox:
        yield sandbox


@pytest.fixture
def qlik(running: QlikSandbox) -> QlikSandbox:
    running.control.reset()
    return running


@pytest.fixture
def raw(qlik: QlikSandbox) -> Iterator[httpx.Client]:
    """Plain HTTP with a good key."""
    with httpx.Client(base_url=f"{qlik.base_url}/api/v1", verify=NO_TLS) as client:
        client.headers["authorization"] = f"Bearer {KEY}"
        yield client


@pytest.fixture
def declared() -> dict[str, Any]:
    """The body of a connection, form B."""
    return {
        "datasourceID": "qdi-pinterest-marketing",
        "qName": "Pinterest ads",
        "connectionProperties": {"clientId": "app-1", "clientSecret": "FAKE-app-secret"},
    }


@pytest.fixture
def tenant(tmp_path: Path, qlik: QlikSandbox) -> TenantStage:
    """A project with a connection of which nothing is applied."""
    return tenant_stage(tmp_path / "ads", qlik)
