"""Where state lives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from reconciler.model.address import Address
from reconciler.model.json import Json
from reconciler.model.record import Record, State


class Phase(StrEnum):
    """Which side of a remote write a journal entry stands on."""

    INTENT = "intent"
    DONE = "done"
    FAILED = "failed"
    RECORD = "record"
    """No write: only what state remembers changes."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal.

    op: id of the operation, equal in the intent and in what closes it.
    step: what is attempted: create, update, delete, disable, run, …
    natural_key: of the object, so that a lost create can be looked up.
    at: Unix seconds.
    details: more that recovery needs (audience title, domain key, job id); never a secret or a member.
    remembers: whether *record* says what state remembers from this line on (None: nothing any more).
    """

    op: str
    phase: Phase
    step: str
    address: Address
    at: float
    run: str = ""
    natural_key: str = ""
    details: Mapping[str, Json] = field(default_factory=dict)
    remembers: bool = False
    record: Record | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """State as of the last durable line, and the operations that were begun and not closed, in journal order.

    elsewhere: where the state really is; "" when it is here.
    """

    state: State
    unfinished: tuple[Entry, ...] = ()
    elsewhere: str = ""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock."""

    lock_id: str
    operation: str
    who: str
    host: str
    pid: int
    run: str
    since: str
    """RFC 3339."""


@dataclass(frozen=True, slots=True)
class Keeps:
    """How many earlier *states* and reports of *runs* a store keeps.

    runs_for_s: how long reports are kept; None for ever. What is still needed is kept in any case: see `stores.retention`.
    """

    states: int
    runs: int
    runs_for_s: float | None = None


KEEPS = Keeps(states=50, runs=200)


@dataclass(frozen=True, slots=True)
class Mended:
    """What came of mending a journal. *lost* is how many lines cannot be read; "" as *aside*: nothing was damaged."""

    state: State
    lost: int
    aside: str


class StateStore(Protocol):
    """Durable memory of one environment. Everything returns only when it is on disk or at the server.

    where: it is, for people: a folder or an address, without credentials.
    caveat: what this store cannot do that others can, for people; "" when nothing.
    """

    keeps: Keeps
    where: str
    caveat: str

    def read(self) -> Snapshot:
        """One consistent snapshot, without a lock.

        Raises:
            StateError: the state is damaged; the message names the file and the newest good backup. Or it is elsewhere.
        """
        ...

    def last(self) -> Snapshot:
        """As `read`, also of a place that says that the state is elsewhere."""
        ...

    def point_to(self, where: str) -> None:
        """Say that the state is at *where* from now on ("": here). Only under the lock.

        A place that points elsewhere is read by `last` alone, and written by `begin_with`, `keep_run` and `restore` alone.
        """
        ...

    def append(self, entry: Entry) -> None:
        """Add a line to the journal; the cost does not depend on the size of the state. Only under the lock."""
        ...

    def checkpoint(self, state: State, expected_serial: int) -> None:
        """Write the whole state, keep the previous one in history, and start the journal anew. Only under the lock.

        Raises:
            StateError: the stored serial is not *expected_serial* or the lineage differs (another writer won), or writing
                failed; nothing is lost in either case.
        """
        ...

    def lock(self, operation: str, run: str, timeout_s: float) -> AbstractContextManager[Holder]:
        """Hold the only right to write; taken over at once from a dead process of this host.

        Raises:
            LockHeld: somebody else holds it and *timeout_s* is over; names the holder.
        """
        ...

    def holder(self) -> Holder | None:
        """Who holds the lock now."""
        ...

    def release(self, lock_id: str) -> None:
        """Take the lock away from a holder that cannot give it back.

        Raises:
            LockHeld: *lock_id* is not the lock's, or its holder is known to be alive.
        """
        ...

    def history(self) -> Sequence[int]:
        """Serials of the states kept, oldest first."""
        ...

    def past(self, serial: int) -> State:
        """A state kept in history.

        Raises:
            NotKept: it is not there. StateError: it is damaged.
        """
        ...

    def restore(self, serial: int) -> State:
        """Make a state kept in history the current one, keeping what it replaces. Only under the lock.

        Of a place that points elsewhere, *serial* may be that of its last state; it points elsewhere no more.

        Raises:
            StateError: it is not kept, or damaged.
        """
        ...

    def keep_run(self, run_id: str, document: Mapping[str, Json]) -> None:
        """Keep what a run did; what `stores.retention` says goes. Only under the lock.

        run_id: without ``-``; that of the lock's holder.
        document: a ``tdr.run``; its ``ended_at`` gives it its place among the others, and where an earlier
            version wrote none its ``created_at`` and ``serial_after``.

        Raises:
            StateError: it cannot be written.
        """
        ...

    def runs(self) -> Sequence[str]:
        """Ids of the runs kept, newest last."""
        ...

    def run(self, run_id: str) -> Mapping[str, Json]:
        """What was kept of a run.

        Raises:
            NotKept: it is not there. StateError: it is damaged.
        """
        ...

    def begin_with(
        self, state: State, unfinished: Sequence[Entry], past: Sequence[State], *, elsewhere: str = ""
    ) -> None:
        """Make *state* the first of a place that holds nothing yet; *past* are its earlier states, oldest first.

        Only under the lock. A place that points elsewhere holds nothing, for its own lineage.
        elsewhere: where the place points until `point_to` says otherwise.

        Raises:
            StateError: something is remembered there already.
        """
        ...

    def mend(self) -> Mended:
        """Set a damaged journal aside and go on from the document and the journal's last good line. Only under the lock.

        Raises:
            StateError: the document is damaged, too; that is what `restore` is for.
        """
        ...
