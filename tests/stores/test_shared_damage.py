"""What is damaged at a shared place is told with the way on, and mended without losing what is good."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from places import Place

from reconciler.errors import StateError
from reconciler.model.address import Address
from reconciler.model.record import Record
from reconciler.ports.store import Entry, Phase
from reconciler.stores.shared import SharedStore
from reconciler.stores.shelf import Shelf

shelves = pytest.mark.parametrize("place", ["postgres", "s3"], indirect=True)


def _address(number: int) -> Address:
    return Address("query", f"q-{number}")


def _filled(place: Place) -> SharedStore:
    """Five remembered in the journal, none in the document."""
    store = place.open()
    assert isinstance(store, SharedStore)
    with store.lock("apply", "r1", 0):
        for number in range(5):
            store.append(
                Entry(
                    f"op{number}", Phase.DONE, "create", _address(number), 1.0, remembers=True, record=Record("1", {})
                )
            )
    return store


def _line(shelf: Shelf, number: int) -> str:
    return list(shelf.sizes("journal/"))[number]


def _damage(shelf: Shelf) -> None:
    key = _line(shelf, 3)
    kept = shelf.get(key)
    assert kept is not None
    shelf.put(key, kept.data.replace(b"q-3", b"q-4"), kept.version)


def _lose(shelf: Shelf) -> None:
    shelf.remove([_line(shelf, 3)])


@shelves
@pytest.mark.parametrize(
    ("harm", "why", "lost"),
    [(_damage, "has a damaged line 5 of 6", 2), (_lose, "lines are missing", 1)],
    ids=["changed", "lost"],
)
def test_a_damaged_journal_is_told_and_mended(place: Place, harm: Callable[[Shelf], None], why: str, lost: int) -> None:
    store = _filled(place)
    harm(place.shelf())
    with pytest.raises(StateError, match=why) as told:
        place.open().read()
    with store.lock("state mend", "r2", 0):
        mended = store.mend()

    assert told.value.hint == (
        f"state.json at {store.where} is intact; `tdr state mend` sets the damaged journal aside, under another name, "
        "and goes on from its last good line"
    )
    assert (mended.lost, mended.aside) == (lost, f"damaged/000000000004.jsonl at {store.where}")
    assert [str(address) for address in place.open().read().state.records] == ["query/q-0", "query/q-1", "query/q-2"]
    assert place.shelf().get("damaged/000000000004.jsonl") is not None


@shelves
def test_a_document_that_was_changed_is_never_overwritten(place: Place) -> None:
    store = _filled(place)
    state = store.read().state
    with store.lock("apply", "r2", 0):
        store.checkpoint(state, state.serial)
    shelf = place.shelf()
    kept = shelf.get("state.json")
    assert kept is not None
    shelf.put("state.json", kept.data.replace(b"q-3", b"q-9"), kept.version)
    other = place.open()

    with pytest.raises(StateError, match="does not match its digest") as told:
        other.read()
    assert told.value.hint == "the newest good state is 0; go on from it with `tdr state restore 0`"
    with other.lock("apply", "r3", 0), pytest.raises(StateError, match="does not match its digest"):
        other.append(Entry("op", Phase.INTENT, "create", _address(1), 1.0))
    with other.lock("state restore", "r4", 0):
        assert other.restore(0).serial > 0
    assert shelf.sizes("replaced/")


@shelves
def test_a_document_that_is_gone_is_damage_and_no_new_beginning(place: Place) -> None:
    _filled(place)
    place.shelf().remove(["state.json"])

    with pytest.raises(StateError, match=r"state\.json at .* is missing, but its journal or history is there"):
        place.open().read()
