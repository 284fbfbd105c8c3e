"""What every test of this folder gets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from salesforce_door import Door, DoorServer


@pytest.fixture
def server() -> Iterator[DoorServer]:
    serving = DoorServer()
    try:
        yield serving
    finally:
        serving.close()


@pytest.fixture
def door(server: DoorServer) -> Door:
    return server.door
