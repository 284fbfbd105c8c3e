"""A clock of the tests' own, and every implementation of the state store."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TypeAlias

import pytest
import state_server
from places import KINDS, Place, SteppingClock
from server_fixtures import postgres, s3

from reconciler.ports.store import StateStore

__all__ = ["clock", "open_store", "place", "postgres", "s3"]

OpenStore: TypeAlias = Callable[..., StateStore]


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock()


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path, clock: SteppingClock) -> Iterator[Place]:
    kind = request.param
    with ExitStack() as closing:
        address, memory = "", None
        if kind in ("postgres", "s3"):
            address = request.getfixturevalue(kind)
        elif kind != "local":
            address, memory = closing.enter_context(state_server.serving(kind))
        yield Place(kind, address, f"shop-{uuid.uuid4().hex}/prod", tmp_path / "state", clock, closing, memory)


@pytest.fixture
def open_store(place: Place) -> OpenStore:
    """Opens the same stored state again and again, as separate runs would."""
    return place.open
