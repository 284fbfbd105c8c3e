"""State in a place that several machines share: the same document and the same journal lines as in a folder.

``state.json`` the document, ``journal/GENERATION/NUMBER`` lines since, ``history/SERIAL.json`` earlier documents,
``runs/NAME.json`` what runs did. A journal line is an object that is created only if nobody else has created it, so whoever
writes line *n* has seen the lines before it; the document is replaced by compare-and-swap. Who takes the lock from a
holder that did not give it back occupies that holder's next line and changes the document: neither of the two can succeed
for the old holder any more, whatever it believes about its lock.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from reconciler import __version__
from reconciler.errors import LockHeld, StateError
from reconciler.logs import logger
from reconciler.model.json import Json
from reconciler.model.record import State
from reconciler.ports.clock import Clock, SystemClock, rfc3339
from reconciler.ports.store import Entry, Holder, Keeps, Mended, Snapshot
from reconciler.stores import document, journal, retention, runs
from reconciler.stores.cipher import PLAIN, Cipher
from reconciler.stores.document import ELSEWHERE, UnusableError
from reconciler.stores.fencing import fence
from reconciler.stores.holding import Writer, taken_away
from reconciler.stores.lease import Lock, put
from reconciler.stores.records import Records
from reconciler.stores.shared_reader import Loaded, SharedReader, before_gap, history_key, slot_key
from reconciler.stores.shelf import DOCUMENT, Shelf, TakenError
from reconciler.stores.succession import OUR_BUG, check_empty, check_succession, encoded, present


@dataclass(slots=True)
class _Tail:
    """Where this run writes next: the *slot* of *generation*, after *serial*; *version* is the document's.

    is_begun: whether the journal has its first line, which names the lineage.
    """

    version: str
    generation: str
    slot: int
    serial: int
    base: State
    lines: list[journal.Line]
    is_begun: bool


class SharedStore:
    """A `StateStore` on a `Shelf`. Safe to use from several threads; several processes agree by the lock."""

    def __init__(
        self,
        shelf: Shelf,
        environment: str,
        lock: Lock,
        *,
        project: str = "",
        clock: Clock | None = None,
        writer: Writer | None = None,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
        cipher: Cipher = PLAIN,
        keeps: Keeps | None = None,
    ) -> None:
        """Use *shelf* for the state of *environment*; nothing is read or written yet.

        project: whose state it must be; "" takes any.
        keeps: how much of the past; as much as fits the shelf when left out.
        """
        self.where, self.caveat, self.keeps = shelf.where, shelf.caveat, keeps or shelf.keeps
        self._shelf = shelf
        self._environment = environment
        self._lock = lock
        self._project = project
        self._clock = clock or SystemClock()
        self._writer = writer or Writer.here()
        self._new_id = new_id
        self._cipher = cipher
        self._reader = SharedReader(shelf, environment, project, cipher)
        self._mutex = threading.RLock()
        self._holder: Holder | None = None
        self._tail: _Tail | None = None
        self._unsaved: State | None = None

    def read(self) -> Snapshot:
        """One consistent snapshot, without a lock; of an empty place, a new state that is saved if nobody is writing."""
        return present(self.last(), self.where)

    def last(self) -> Snapshot:
        """As `read`, also of a place that says that the state is elsewhere."""
        with self._mutex:
            loaded = self._reader.load()
            if loaded is None:
                try:
                    self.ensure()
                except LockHeld:
                    self._unsaved = self._unsaved or State(self._new_id(), self._environment, project=self._project)
                    return Snapshot(self._unsaved)
                loaded = self._loaded()
            return loaded.snapshot

    def ensure(self) -> None:
        """Make sure that the state exists, so that its lineage outlives this process."""
        with self._mutex:
            if self._reader.load() is None:
                with self._lock.briefly():
                    self._create()

    @contextmanager
    def lock(self, operation: str, run: str, timeout_s: float) -> Iterator[Holder]:
        """Hold the only right to write."""
        with self._lock.hold(operation, run, timeout_s) as held:
            if self.caveat:
                logger("state").warning("state is not safe from force", where=self.where, why=self.caveat)
            with self._mutex:
                if self._shelf.get(DOCUMENT) is None and self._reader.load() is None:
                    self._create()
                if held.from_holder:
                    self._fence(held.holder.lock_id)
                self._holder, self._tail = held.holder, None
            try:
                yield held.holder
            finally:
                with self._mutex:
                    self._holder, self._tail = None, None

    def holder(self) -> Holder | None:
        """Who holds the lock now."""
        return self._lock.holder()

    def release(self, lock_id: str) -> None:
        """Take the lock away from a holder that cannot give it back."""
        self._lock.release(lock_id, self._fence)

    def append(self, entry: Entry) -> None:
        """Add a line to the journal: one durable write, however large the state is."""
        with self._mutex:
            holder = self._confirm_lock()
            tail = self._tail or self._locate(holder)
            serial = tail.serial + (1 if entry.remembers else 0)
            line = journal.Line(entry, serial)
            data = encoded(lambda: journal.encode(line, self._cipher))
            if not tail.is_begun:
                data = journal.begin(tail.base.lineage, (), tail.base.serial, self._cipher) + data
            self._tail = None  # a write that fails leaves an unknown end; the next one looks
            with self._writing(holder):
                put(self._shelf, slot_key(tail.generation, tail.slot), data, None)
            tail.slot, tail.serial = tail.slot + 1, serial
            tail.lines.append(line)
            tail.is_begun = True
            self._tail = tail

    def checkpoint(self, state: State, expected_serial: int) -> None:
        """Write the whole state as a new document; what is unfinished goes on in a new journal."""
        with self._mutex:
            holder = self._confirm_lock()
            tail = self._tail or self._locate(holder)
            check_succession(self._current(tail), state, expected_serial)
            self._replace(holder, tail, state, journal.unfinished(tail.lines))

    def history(self) -> Sequence[int]:
        """Serials of the states kept, oldest first."""
        return self._reader.history()

    def past(self, serial: int) -> State:
        """A state kept in history."""
        return self._reader.past(serial)

    def restore(self, serial: int) -> State:
        """Go on from the state kept as *serial*, which is given a new serial. Only under the lock.

        The present document, damaged or not, is kept under ``replaced/``. What the journal remembers stays
        remembered, and what it left unfinished stays unfinished.
        """
        with self._mutex:
            holder = self._confirm_lock()
            last = self._reader.left_at(serial)
            base = last or self._reader.past(serial)
            if self._project:
                base = replace(base, project=self._project)
            raw = self._reader.raw(base.lineage)
            self._lock.confirm(holder)
            there = raw.written.state.serial if raw.written else 0
            seen = [line.serial for line in raw.lines] + [*self.history(), there]
            records = Records(base.records).after(line.entry for line in raw.lines)
            state = replace(base, records=records, serial=max(seen) + 1)
            tail = _Tail(raw.version, raw.generation, len(raw.lines), there, base, list(raw.lines), is_begun=True)
            self._replace(holder, tail, state, journal.unfinished(raw.lines), aside=f"replaced/{state.serial:012}.json")
            return state

    def point_to(self, where: str) -> None:
        """Say that the state is at *where* from now on ("": here)."""
        with self._mutex:
            holder = self._confirm_lock()
            there = self._reader.document_alone()
            self._lock.confirm(holder)
            if there is None or there[0].by.get(ELSEWHERE, "") == where:
                return
            written, kept, _ = there
            # It stays the document of the same journal, whose name is made of the lock that it was written under.
            data = self._encode_document(
                written.state, run=holder.run, lock_id=written.by.get("lock", ""), elsewhere=where
            )
            self._tail = None
            with self._writing(holder):
                put(self._shelf, DOCUMENT, data, kept.version)

    def begin_with(
        self, state: State, unfinished: Sequence[Entry], past: Sequence[State], *, elsewhere: str = ""
    ) -> None:
        """Make *state* the first of a place that holds nothing yet."""
        with self._mutex:
            holder = self._confirm_lock()
            loaded = self._loaded()
            check_empty(loaded.snapshot, self.where, state.lineage)
            with self._writing(holder):
                for earlier in past[-self.keeps.states :]:
                    data = self._encode_document(earlier, run=holder.run, lock_id=holder.lock_id)
                    self._put_anew(history_key(earlier.serial), data)
                tail = replace(self._tail_of(loaded, holder), base=state)  # nothing was there that must be kept
                self._replace(holder, tail, state, unfinished, elsewhere=elsewhere)

    def mend(self) -> Mended:
        """Set a damaged journal aside and go on from its last good line."""
        with self._mutex:
            holder = self._confirm_lock()
            there = self._reader.document_alone()
            self._lock.confirm(holder)
            if there is None:
                raise StateError(f"{self.where} holds no state to mend", hint="see `tdr state verify`")
            written, kept, slots = there
            present(Snapshot(written.state, elsewhere=written.by.get(ELSEWHERE, "")), self.where)
            whole = before_gap(slots)
            good, lost = journal.salvage(b"".join(data for _, data in whole), written.state, self._cipher)
            lost += sum(1 for _, data in slots[len(whole) :] if data)
            snapshot = journal.replay(written.state, good)
            if not lost:
                return Mended(snapshot.state, 0, "")
            mended = replace(snapshot.state, serial=snapshot.state.serial + 1)
            aside = f"damaged/{mended.serial:012}.jsonl"
            generation = document.generation(written.state.serial, written.by.get("lock", ""))
            tail = _Tail(
                kept.version, generation, len(slots), mended.serial, written.state, list(good.lines), is_begun=True
            )
            with self._writing(holder):
                self._put_anew(aside, b"".join(data for _, data in slots))
                self._replace(holder, tail, mended, snapshot.unfinished)
            return Mended(mended, lost, f"{aside} at {self.where}")

    def keep_run(self, run_id: str, document: Mapping[str, Json]) -> None:
        """Keep what a run did."""
        with self._mutex:
            holder = self._confirm_lock()
            key = f"runs/{runs.name_of(run_id, document)}.json"
            data = runs.encode(document, self._cipher)
            with self._writing(holder):
                put(self._shelf, key, data, None)
                if retention.is_due(len(self._shelf.sizes("runs/")), self.keeps):
                    self._shelf.remove(self._reader.runs_beyond(self.keeps, self._clock.now()))

    def runs(self) -> Sequence[str]:
        """Ids of the runs kept, newest last."""
        return [runs.id_of(name) for name in self._reader.run_names()]

    def run(self, run_id: str) -> Mapping[str, Json]:
        """What was kept of a run."""
        return self._reader.run(run_id)

    # -- writing ---------------------------------------------------------------------------------------------------

    def _create(self) -> None:
        """Save a new state, unless somebody else has just done so: then theirs is the one."""
        self._unsaved = self._unsaved or State(self._new_id(), self._environment, project=self._project)
        try:
            put(self._shelf, DOCUMENT, self._encode_document(self._unsaved, run="", lock_id=""), None)
        except TakenError:
            return

    def _replace(
        self,
        holder: Holder,
        tail: _Tail,
        state: State,
        carried: Sequence[Entry],
        *,
        aside: str = "",
        elsewhere: str = "",
    ) -> None:
        """The new journal first, which nobody reads until the document names it; then the document; then tidy up."""
        data = self._encode_document(state, run=holder.run, lock_id=holder.lock_id, elsewhere=elsewhere)
        generation = document.generation(state.serial, holder.lock_id)
        self._tail = None
        with self._writing(holder):
            before = self._shelf.get(DOCUMENT)
            if (before.version if before else "") != tail.version:
                raise TakenError(DOCUMENT)
            self._put_anew(slot_key(generation, 0), journal.begin(state.lineage, carried, state.serial, self._cipher))
            if before and tail.base.serial != state.serial:
                self._put_anew(aside or history_key(tail.base.serial), before.data)
            version = put(self._shelf, DOCUMENT, data, tail.version or None)
            # Fences stay where they are, for those they keep out; they are empty.
            old = [
                key
                for key, size in self._shelf.sizes("journal/").items()
                if size and not key.startswith(f"journal/{generation}/")
            ]
            kept = [history_key(serial) for serial in self._reader.history()]
            self._shelf.remove([*old, *kept[: -self.keeps.states]])
        lines = [journal.Line(entry, state.serial) for entry in carried]
        self._tail = _Tail(version, generation, 1, state.serial, state, lines, is_begun=True)

    def _put_anew(self, key: str, data: bytes) -> None:
        """Write an object that is this run's alone, whatever a crash has left of it."""
        before = self._shelf.get(key)
        if before is None or before.data != data:
            self._shelf.put(key, data, before.version if before else None)

    def _fence(self, lock_id: str) -> None:
        fence(self._shelf, self._reader, lock_id, self._cipher)

    def _locate(self, holder: Holder) -> _Tail:
        loaded = self._loaded()
        present(loaded.snapshot, self.where)
        return self._tail_of(loaded, holder)

    def _tail_of(self, loaded: Loaded, holder: Holder) -> _Tail:
        self._lock.confirm(holder)
        serial = loaded.snapshot.state.serial
        return _Tail(
            loaded.version, loaded.generation, loaded.slots, serial, loaded.base, list(loaded.lines), loaded.is_begun
        )

    def _current(self, tail: _Tail) -> State:
        read = journal.Journal(tail.base.lineage, tuple(tail.lines), 0)
        try:
            return journal.replay(tail.base, read).state
        except UnusableError as error:
            raise StateError(f"the journal at {self.where} {error.why}", hint=OUR_BUG) from error

    def _loaded(self) -> Loaded:
        loaded = self._reader.load()
        if loaded is None:
            raise StateError(f"the state at {self.where} was removed", hint="see who did, then plan again")
        return loaded

    def _encode_document(self, state: State, *, run: str, lock_id: str, elsewhere: str = "") -> bytes:
        by = {
            "tdr": __version__,
            "run": run,
            "who": self._writer.who,
            "host": self._writer.host,
            "lock": lock_id,
        }
        if elsewhere:
            by[ELSEWHERE] = elsewhere
        at = rfc3339(self._clock.now())
        return encoded(lambda: document.encode(state, written_by=by, written_at=at, cipher=self._cipher))

    def _confirm_lock(self) -> Holder:
        if self._holder is None:
            raise StateError(f"{self.where} is written only under its lock", hint=OUR_BUG)
        if self._lock.is_lost():
            raise taken_away(self._holder)
        return self._holder

    @contextmanager
    def _writing(self, holder: Holder) -> Iterator[None]:
        """Writes of one kind, together.

        Raises:
            StateError: somebody else wrote what they were to replace, or the place failed.
        """
        try:
            with self._shelf.together():
                yield
        except TakenError:
            raise self._written_by_another(holder) from None
        except StateError:
            # A place may end the writes of whoever stood still for too long; then that is what there is to tell.
            if self._is_taken_away(holder):
                raise taken_away(holder) from None
            raise

    def _is_taken_away(self, holder: Holder) -> bool:
        try:
            now = self._lock.holder()
        except StateError:
            return False
        return now is not None and now.lock_id != holder.lock_id

    def _written_by_another(self, holder: Holder) -> StateError:
        now = self._lock.holder()
        if now is None or now.lock_id != holder.lock_id:
            return taken_away(holder)
        return StateError(f"{self.where} was written by somebody else", hint="plan again")
