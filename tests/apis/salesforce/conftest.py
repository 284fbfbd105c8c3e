"""What every test of this folder gets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from salesforce_door import Door, DoorServer, opened


@pytest.fixture
def server() -> Iterator[DoorServer]:
    with opened() as serving:
        yield serving


@pytest.fixture
def door(server: DoorServer) -> Door:
    return server.door
