"""A renewal that acted though its answer was lost leaves its holder with the lock."""

from __future__ import annotations

import threading

import pytest
from places import Place

from reconciler.errors import StateError
from reconciler.stores.holding import Writer
from reconciler.stores.lease import KEY, LeaseLock
from reconciler.stores.shelf import Shelf


class Losing:
    """The shelf *under*, which acts on the second write of the lock and then loses the answer."""

    def __init__(self, under: Shelf) -> None:
        self._under = under
        self.writes = 0
        self.has_renewed_again = threading.Event()

    def __getattr__(self, name: str) -> object:
        return getattr(self._under, name)

    def put(self, key: str, data: bytes, expected: str | None) -> str:
        version = self._under.put(key, data, expected)
        self.writes += key == KEY
        if self.writes == 2:
            raise StateError("the connection was reset", hint="run again")
        if self.writes == 4:
            self.has_renewed_again.set()
        return version


@pytest.mark.parametrize("place", ["postgres", "s3"], indirect=True)
def test_a_renewal_whose_answer_was_lost_does_not_lose_the_lock(place: Place) -> None:
    shelf = Losing(place.shelf())
    lock = LeaseLock(shelf, clock=place.clock, writer=Writer.here(), new_id=lambda: "lock-1", renew_s=0.02)  # type: ignore[arg-type]
    with lock.hold("apply", "r1", 0) as held:
        assert shelf.has_renewed_again.wait(30)
        assert not lock.is_lost()
        lock.confirm(held.holder)
