"""Keeping a holder that lost its lock from writing, whatever it believes about that lock."""

from __future__ import annotations

from reconciler.errors import StateError
from reconciler.stores import document
from reconciler.stores.cipher import Cipher
from reconciler.stores.lease import put
from reconciler.stores.shared_reader import SharedReader, slot_key
from reconciler.stores.shelf import DOCUMENT, Shelf, TakenError

_FENCE = b""
_ATTEMPTS = 20


def fence(shelf: Shelf, reader: SharedReader, lock_id: str, cipher: Cipher) -> None:
    """Keep the last holder from adding a line or replacing the document; *lock_id* is the lock that was its own.

    Raises:
        StateError: it writes all the time.
    """
    for _ in range(_ATTEMPTS):
        there = reader.document_alone()
        if there is None:
            return
        written, kept, slots = there
        by = {**written.by, "fenced_by": lock_id}
        marked = document.encode(written.state, written_by=by, written_at=written.at, cipher=cipher)
        generation = document.generation(written.state.serial, written.by.get("lock", ""))
        try:
            shelf.put(slot_key(generation, len(slots)), _FENCE, None)
            put(shelf, DOCUMENT, marked, kept.version)
        except TakenError:
            continue  # it is still writing; what it wrote is read
        return
    raise StateError(
        f"{shelf.where} is written again and again", hint="its last holder is alive: wait until it has ended"
    )
