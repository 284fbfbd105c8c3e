"""A clock of the tests' own, and every implementation of the state store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from reconciler.ports.clock import Clock
from reconciler.ports.store import StateStore
from reconciler.stores.local import LocalStore

OpenStore: TypeAlias = Callable[[], StateStore]


class SteppingClock:
    """Stands still except when somebody sleeps."""

    def __init__(self) -> None:
        self.time_s = 1_770_000_000.0
        self.slept_s: list[float] = []

    def now(self) -> float:
        return self.time_s

    def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.time_s += seconds


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock()


def _local(place: Path, clock: Clock) -> StateStore:
    return LocalStore(place / "state", "prod", clock=clock)


IMPLEMENTATIONS: dict[str, Callable[[Path, Clock], StateStore]] = {"local": _local}


@pytest.fixture(params=sorted(IMPLEMENTATIONS))
def open_store(request: pytest.FixtureRequest, tmp_path: Path, clock: SteppingClock) -> OpenStore:
    """Opens the same stored state again and again, as separate runs would."""
    return lambda: IMPLEMENTATIONS[request.param](tmp_path, clock)
