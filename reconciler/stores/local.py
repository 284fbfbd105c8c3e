"""State in a folder of this machine.

``state.json`` the document, ``journal.jsonl`` what happened since, ``history/<serial>.json`` earlier documents, ``lock``
and ``lock.json`` the right to write.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler import __version__
from reconciler.errors import StateError
from reconciler.model.json import Json
from reconciler.model.record import State
from reconciler.ports.clock import Clock, SystemClock, rfc3339
from reconciler.ports.store import KEEPS, Entry, Holder, Keeps, Mended, Snapshot
from reconciler.stores import document, journal, retention
from reconciler.stores.cipher import PLAIN, Cipher
from reconciler.stores.document import ELSEWHERE
from reconciler.stores.files import Disk, Files, write_atomically
from reconciler.stores.history import History
from reconciler.stores.holding import Writer, process_started
from reconciler.stores.lock import FolderLock
from reconciler.stores.reader import Reader
from reconciler.stores.records import Records
from reconciler.stores.runs import Runs, id_of, name_of
from reconciler.stores.succession import OUR_BUG, check_empty, check_succession, encoded, present


@dataclass(frozen=True, slots=True)
class _Position:
    """Where the next journal line goes, as long as nobody else writes."""

    serial: int
    journal_bytes: int


class LocalStore:
    """A `StateStore` in one folder. Safe to use from several threads; several processes agree by the lock."""

    def __init__(
        self,
        folder: Path,
        environment: str,
        *,
        project: str = "",
        clock: Clock | None = None,
        writer: Writer | None = None,
        files: Files | None = None,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
        started: Callable[[int], str | None] = process_started,
        cipher: Cipher = PLAIN,
        keeps: Keeps = KEEPS,
    ) -> None:
        """Use *folder* for the state of *environment*; nothing is read or written yet.

        project: whose state it must be; "" takes any.
        writer: who shows in the lock and in the document; this process when left out.
        started: tells when a process of this machine began, as `lock.process_started` does.
        """
        self.where = str(folder)
        self.caveat = ""
        self._folder = folder
        self._document = folder / "state.json"
        self._journal = folder / "journal.jsonl"
        self._environment = environment
        self._project = project
        self._clock = clock or SystemClock()
        self._writer = writer or Writer.here()
        self._files: Files = files or Disk()
        self._new_id = new_id
        self._cipher = cipher
        self.keeps = keeps
        self._history = History(folder / "history", self._files, cipher, keeps.states)
        self._runs = Runs(folder / "runs", self._files, cipher)
        self._reader = Reader(self._document, self._journal, self._history, environment, project, cipher)
        self._lock = FolderLock(
            folder, clock=self._clock, writer=self._writer, files=self._files, new_id=new_id, started=started
        )
        self._mutex = threading.RLock()
        self._holder: Holder | None = None
        self._position: _Position | None = None
        self._unsaved: State | None = None

    def read(self) -> Snapshot:
        """One consistent snapshot, without a lock; of an empty folder, a new state that is saved if the folder allows it."""
        return present(self.last(), self.where)

    def last(self) -> Snapshot:
        """As `read`, also of a folder that says that the state is elsewhere."""
        with self._mutex:
            if self._reader.is_empty():
                try:
                    self._create()
                except OSError:
                    # Planning must be possible in a folder that cannot be written; applying is not.
                    self._unsaved = self._unsaved or State(self._new_id(), self._environment, project=self._project)
                    return Snapshot(self._unsaved)
            return self._reader.load().snapshot

    def ensure(self) -> None:
        """Make sure that the state exists, so that its lineage outlives this process.

        Raises:
            StateError: the folder cannot be written.
        """
        with self._mutex:
            if self._reader.is_empty():
                with _writing(self._document):
                    self._create()

    @contextmanager
    def lock(self, operation: str, run: str, timeout_s: float) -> Iterator[Holder]:
        """Hold the only right to write."""
        with self._lock.hold(operation, run, timeout_s) as holder:
            self.ensure()
            with self._mutex:
                self._holder, self._position = holder, None
            try:
                yield holder
            finally:
                with self._mutex:
                    self._holder, self._position = None, None

    def holder(self) -> Holder | None:
        """Who holds the lock now."""
        return self._lock.holder()

    def release(self, lock_id: str) -> None:
        """Take the lock away from a holder that cannot give it back."""
        self._lock.release(lock_id)

    def append(self, entry: Entry) -> None:
        """Add a line to the journal: one durable write, however large the state is."""
        with self._mutex:
            self._confirm_lock()
            position = self._position or self._locate()
            serial = position.serial + (1 if entry.remembers else 0)
            line = encoded(lambda: journal.encode(journal.Line(entry, serial), self._cipher))
            self._position = None  # a write that fails leaves an unknown end; the next one looks
            with _writing(self._journal):
                if self._journal.stat().st_size != position.journal_bytes:
                    raise StateError(f"{self._journal} was written by somebody else", hint="plan again")
                self._files.append(self._journal, line)
            self._position = _Position(serial, position.journal_bytes + len(line))

    def checkpoint(self, state: State, expected_serial: int) -> None:
        """Write the whole state as a new document; what is unfinished goes on in a new journal."""
        with self._mutex:
            holder = self._confirm_lock()
            loaded = self._reader.load()
            check_succession(present(loaded.snapshot, self.where).state, state, expected_serial)
            new_document = self._encode_document(state, run=holder.run)
            new_journal = journal.begin(state.lineage, loaded.snapshot.unfinished, state.serial, self._cipher)
            with _writing(self._document):
                if loaded.document_serial != state.serial:
                    self._history.keep(loaded.document_serial, self._document.read_bytes())
                self._replace_both(new_document, new_journal)
            self._history.prune()

    def history(self) -> Sequence[int]:
        """Serials of the states kept, oldest first."""
        return self._history.serials()

    def past(self, serial: int) -> State:
        """A state kept in history."""
        return self._history.past(serial)

    def restore(self, serial: int) -> State:
        """Go on from the state kept as *serial*, which is given a new serial. Only under the lock.

        The present document, damaged or not, is kept under another name. What the journal remembers stays remembered, and
        what it left unfinished stays unfinished.

        Raises:
            StateError: that state is not kept or damaged, or nothing can be written.
        """
        with self._mutex:
            holder = self._confirm_lock()
            there = self._reader.document_or_none()
            is_last = (
                there is not None and ELSEWHERE in there.by and self._reader.load().snapshot.state.serial == serial
            )
            base = there.state if there and is_last else self._history.past(serial)
            said = self._reader.journal_alone(base.lineage)
            records = Records(base.records).after(line.entry for line in said.lines)
            seen = [line.serial for line in said.lines] + [*self.history(), there.state.serial if there else 0]
            state = replace(base, records=records, serial=max(seen) + 1)
            new_document = self._encode_document(state, run=holder.run)
            new_journal = journal.begin(state.lineage, journal.unfinished(said.lines), state.serial, self._cipher)
            with _writing(self._document):
                if self._document.exists():
                    aside = self._folder / f"state.replaced-by-{state.serial}.json"
                    write_atomically(self._files, aside, self._document.read_bytes())
                self._replace_both(new_document, new_journal)
            return state

    def point_to(self, where: str) -> None:
        """Say that the state is at *where* from now on ("": here)."""
        with self._mutex:
            holder = self._confirm_lock()
            written = self._reader.document_alone()
            if written.by.get(ELSEWHERE, "") == where:
                return
            data = self._encode_document(written.state, run=holder.run, elsewhere=where)
            self._position = None
            with _writing(self._document):
                write_atomically(self._files, self._document, data)

    def begin_with(
        self, state: State, unfinished: Sequence[Entry], past: Sequence[State], *, elsewhere: str = ""
    ) -> None:
        """Make *state* the first of a folder that holds nothing yet."""
        with self._mutex:
            holder = self._confirm_lock()
            check_empty(self._reader.load().snapshot, self.where, state.lineage)
            with _writing(self._document):
                for earlier in past[-self.keeps.states :]:
                    self._history.keep(earlier.serial, self._encode_document(earlier, run=holder.run))
                new_journal = journal.begin(state.lineage, unfinished, state.serial, self._cipher)
                self._replace_both(self._encode_document(state, run=holder.run, elsewhere=elsewhere), new_journal)

    def mend(self) -> Mended:
        """Set a damaged journal aside and go on from its last good line."""
        with self._mutex:
            holder = self._confirm_lock()
            there, data = self._reader.document_alone(), self._reader.journal_data() or b""
            state = there.state
            present(Snapshot(state, elsewhere=there.by.get(ELSEWHERE, "")), self.where)
            good, lost = journal.salvage(data, state, self._cipher)
            snapshot = journal.replay(state, good)
            if not lost and len(data) == good.size_bytes:
                return Mended(snapshot.state, 0, "")
            mended = replace(snapshot.state, serial=snapshot.state.serial + 1)
            aside = self._folder / f"journal.damaged-{mended.serial}.jsonl"
            new_journal = journal.begin(mended.lineage, snapshot.unfinished, mended.serial, self._cipher)
            with _writing(self._journal):
                write_atomically(self._files, aside, data)
                self._history.keep(state.serial, self._document.read_bytes())
                self._replace_both(self._encode_document(mended, run=holder.run), new_journal)
            return Mended(mended, lost, str(aside))

    def keep_run(self, run_id: str, document: Mapping[str, Json]) -> None:
        """Keep what a run did."""
        with self._mutex:
            self._confirm_lock()
            with _writing(self._folder / "runs"):
                self._runs.keep(name_of(run_id, document), document)
            if retention.is_due(len(self._runs.names()), self.keeps):
                remembered = {str(address) for address in self.last().state.records}
                self._runs.tidy(self.keeps, remembered, self._clock.now())

    def runs(self) -> Sequence[str]:
        """Ids of the runs kept, newest last."""
        return [id_of(name) for name in self._runs.names()]

    def run(self, run_id: str) -> Mapping[str, Json]:
        """What was kept of a run."""
        return self._runs.read(run_id)

    def _create(self) -> None:
        """Save a new state, unless somebody else has just done so: then theirs is the one. Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._unsaved = self._unsaved or State(self._new_id(), self._environment, project=self._project)
        staged = self._folder / f"state.{self._unsaved.lineage}.new"
        try:
            self._files.write(staged, self._encode_document(self._unsaved, run=""))
            with suppress(FileExistsError):
                self._files.link(staged, self._document)
        finally:
            with suppress(OSError):  # what matters has been said by then
                self._files.remove(staged)

    def _locate(self) -> _Position:
        """Find the end of the journal, cutting off what a crash left of its last line."""
        loaded = self._reader.load()
        state = present(loaded.snapshot, self.where).state
        with _writing(self._journal):
            if loaded.journal_bytes is None:
                data = journal.begin(state.lineage, (), state.serial, self._cipher)
                write_atomically(self._files, self._journal, data)
                return _Position(state.serial, len(data))
            if self._journal.stat().st_size > loaded.journal_bytes:
                self._files.truncate(self._journal, loaded.journal_bytes)
        return _Position(state.serial, loaded.journal_bytes)

    def _replace_both(self, new_document: bytes, new_journal: bytes) -> None:
        """The document first: its serial makes the lines of the old journal void."""
        self._position = None
        staged_document, staged_journal = self._folder / "state.json.new", self._folder / "journal.jsonl.new"
        self._files.write(staged_document, new_document)
        self._files.write(staged_journal, new_journal)
        self._files.rename(staged_document, self._document)
        self._files.rename(staged_journal, self._journal)

    def _encode_document(self, state: State, *, run: str, elsewhere: str = "") -> bytes:
        written_by = {"tdr": __version__, "run": run, "who": self._writer.who, "host": self._writer.host}
        if elsewhere:
            written_by[ELSEWHERE] = elsewhere
        written_at = rfc3339(self._clock.now())
        return encoded(
            lambda: document.encode(state, written_by=written_by, written_at=written_at, cipher=self._cipher)
        )

    def _confirm_lock(self) -> Holder:
        if self._holder is None:
            raise StateError(f"{self._folder} is written only under its lock", hint=OUR_BUG)
        self._lock.confirm(self._holder)
        return self._holder


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StateError(
            f"{path} cannot be written: {error.strerror}",
            hint="what was saved before is untouched; free space or check permissions, then run again",
        ) from error
