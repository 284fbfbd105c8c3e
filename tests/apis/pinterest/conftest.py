"""What every test of this folder gets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pinterest_doubles import CREDENTIALS, FakeClock, connected

from reconciler.apis.pinterest import PinterestClient
from reconciler.emulators.sandbox import Sandbox


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(CREDENTIALS) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox, tmp_path: Path, clock: FakeClock) -> Iterator[PinterestClient]:
    with connected(sandbox, tmp_path, clock=clock) as calls:
        yield calls
