"""Reading a shared place without a lock, while others may write to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from reconciler.errors import NotKept, StateError
from reconciler.model.json import Json
from reconciler.model.record import State
from reconciler.ports.store import Keeps, Snapshot
from reconciler.stores import document, journal, runs
from reconciler.stores.cipher import Cipher
from reconciler.stores.document import ELSEWHERE, UnusableError, Written
from reconciler.stores.reader import mending
from reconciler.stores.shelf import DOCUMENT, Kept, Shelf

_ATTEMPTS = 200


def slot_key(generation: str, slot: int) -> str:
    """Key of a journal line."""
    return f"journal/{generation}/{slot:08}"


def history_key(serial: int) -> str:
    """Key of an earlier document."""
    return f"history/{serial:012}.json"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What is there. *base* is the document *data* of *version*; *slots* objects of *generation* came since.

    is_begun: whether the journal has its first line, which names the lineage.
    """

    snapshot: Snapshot
    base: State
    data: bytes
    version: str
    generation: str
    slots: int
    lines: tuple[journal.Line, ...]
    is_begun: bool


@dataclass(frozen=True, slots=True)
class Raw:
    """What can be told of a place whose document may be damaged; *written* is None then."""

    version: str
    generation: str
    written: Written | None
    lines: tuple[journal.Line, ...]


class SharedReader:
    """Reads one place. Keeps the last document it decoded, so that reading on costs only the journal."""

    def __init__(self, shelf: Shelf, environment: str, project: str, cipher: Cipher) -> None:
        """Read the state of *environment* of *project* from *shelf*."""
        self._shelf = shelf
        self._environment = environment
        self._project = project
        self._cipher = cipher
        self._decoded: tuple[str, Written] | None = None

    def load(self) -> Loaded | None:
        """One consistent pair of document and journal; None when nothing was ever there.

        Raises:
            StateError: an object is damaged, missing, of another environment or project, or of a newer tdr.
        """
        problem: UnusableError | None = None
        for _ in range(_ATTEMPTS):
            kept = self._shelf.get(DOCUMENT)
            if kept is None:
                if self._shelf.sizes("journal/") or self._shelf.sizes("history/"):
                    raise StateError(
                        f"{self._name(DOCUMENT)} is missing, but its journal or history is there", hint=self.way_out()
                    )
                return None
            written = self._opened(kept)
            generation = document.generation(written.state.serial, written.by.get("lock", ""))
            slots = self._shelf.scan(f"journal/{generation}/")
            again = self._shelf.get(DOCUMENT)
            if again is None or again.version != kept.version:
                continue  # a checkpoint came between the reads
            try:
                lines = lines_of(slots, generation, written.state.lineage, self._cipher)
                replayed = journal.replay(written.state, journal.Journal(written.state.lineage, lines, 0))
                snapshot = replace(replayed, elsewhere=written.by.get(ELSEWHERE, ""))
            except UnusableError as error:
                if problem is not None and problem.why == error.why:
                    raise StateError(
                        f"{self._name(f'journal/{generation}')} {error.why}",
                        hint=error.remedy or mending(self._name(DOCUMENT)),
                    ) from error
                problem = error
                continue
            is_begun = any(data for _, data in slots)
            return Loaded(snapshot, written.state, kept.data, kept.version, generation, len(slots), lines, is_begun)
        raise StateError(
            f"{self._name(DOCUMENT)} is replaced again and again", hint="wait until the other run has ended"
        )

    def document_alone(self) -> tuple[Written, Kept, Sequence[tuple[str, bytes]]] | None:
        """The document and the objects of its journal, whatever those are like; None when there is no document.

        Raises:
            StateError: the document is damaged.
        """
        kept = self._shelf.get(DOCUMENT)
        if kept is None:
            return None
        written = self._opened(kept)
        generation = document.generation(written.state.serial, written.by.get("lock", ""))
        return written, kept, self._shelf.scan(f"journal/{generation}/")

    def left_at(self, serial: int) -> State | None:
        """The document of a place that points elsewhere, if it was left with *serial*."""
        kept = self._shelf.get(DOCUMENT)
        written = None
        with suppress(UnusableError):
            written = document.read(kept.data, self._cipher) if kept else None
        if written is None or ELSEWHERE not in written.by:
            return None
        loaded = self.load()
        return written.state if loaded and loaded.snapshot.state.serial == serial else None

    def raw(self, lineage: str) -> Raw:
        """What is there, for going on from an earlier state of *lineage*.

        Raises:
            StateError: the journal is damaged, too.
        """
        kept = self._shelf.get(DOCUMENT)
        written = None
        if kept is not None:
            with suppress(UnusableError):
                written = document.read(kept.data, self._cipher)
        generations = sorted({key.split("/")[1] for key in self._shelf.sizes("journal/")})
        if written is not None:
            generations = [document.generation(written.state.serial, written.by.get("lock", ""))]
        lines: tuple[journal.Line, ...] = ()
        for generation in generations[-1:]:
            try:
                lines = lines_of(self._shelf.scan(f"journal/{generation}/"), generation, lineage, self._cipher)
            except UnusableError as error:
                raise self._unusable(f"journal/{generation}", error) from error
        return Raw(
            kept.version if kept else "",
            generations[-1] if generations else "",
            written,
            lines,
        )

    def history(self) -> Sequence[int]:
        """Serials of the states kept, oldest first."""
        names = (key.removeprefix("history/").removesuffix(".json") for key in self._shelf.sizes("history/"))
        return sorted(int(name) for name in names if name.isdecimal())

    def past(self, serial: int) -> State:
        """The state kept as *serial*.

        Raises:
            NotKept: it is not there. StateError: it is damaged.
        """
        kept = self._shelf.get(history_key(serial))
        if kept is None:
            listed = ", ".join(str(known) for known in self.history()) or "none"
            raise NotKept(f"no state {serial} is kept", hint=f"kept are: {listed}")
        try:
            return document.decode(kept.data, self._cipher)
        except UnusableError as error:
            raise self._unusable(history_key(serial), error) from error

    def run_names(self) -> Sequence[str]:
        """Names of the runs kept, newest last."""
        return [key.removeprefix("runs/").removesuffix(".json") for key in self._shelf.sizes("runs/")]

    def runs_beyond(self, keeps: Keeps, now: float) -> Sequence[str]:
        """Keys of the reports that go, of which *keeps* says how many stay. *now*: Unix seconds."""
        loaded = self.load()
        remembered = {str(address) for address in loaded.snapshot.state.records} if loaded else set()
        found = ((key.removeprefix("runs/").removesuffix(".json"), data) for key, data in self._shelf.scan("runs/"))
        return [f"runs/{name}.json" for name in runs.beyond(found, self._cipher, keeps, remembered, now)]

    def run(self, run_id: str) -> Mapping[str, Json]:
        """What was kept of *run_id*.

        Raises:
            NotKept: it is not there. StateError: it is damaged.
        """
        for name in reversed(self.run_names()):
            if runs.id_of(name) == run_id:
                key = f"runs/{name}.json"
                kept = self._shelf.get(key)
                if kept is not None:
                    return runs.decode(kept.data, self._name(key), self._cipher)
        raise runs.not_kept(run_id, self.run_names())

    def way_out(self) -> str:
        """What to do about damage, as a hint: names the newest state that is good."""
        for serial in reversed(self.history()):
            kept = self._shelf.get(history_key(serial))
            with suppress(StateError, UnusableError):
                document.decode(kept.data if kept else b"", self._cipher)
                return f"the newest good state is {serial}; go on from it with `tdr state restore {serial}`"
        return "no good earlier state is kept; take the objects up again with `tdr import`"

    def _opened(self, kept: Kept) -> Written:
        if self._decoded is not None and self._decoded[0] == kept.version:
            return self._decoded[1]
        try:
            written = document.read(kept.data, self._cipher)
        except UnusableError as error:
            raise self._unusable(DOCUMENT, error) from error
        state = document.owned(written.state, self._environment, self._project, self._name(DOCUMENT))
        written = replace(written, state=state)
        self._decoded = kept.version, written
        return written

    def _name(self, key: str) -> str:
        return f"{key} at {self._shelf.where}"

    def _unusable(self, key: str, error: UnusableError) -> StateError:
        return StateError(f"{self._name(key)} {error.why}", hint=error.remedy or self.way_out())


def before_gap(slots: Sequence[tuple[str, bytes]]) -> Sequence[tuple[str, bytes]]:
    """The objects of a journal up to the first one that is missing."""
    count = 0
    while count < len(slots) and slots[count][0].endswith(f"/{count:08}"):
        count += 1
    return slots[:count]


def lines_of(
    slots: Sequence[tuple[str, bytes]], generation: str, lineage: str, cipher: Cipher
) -> tuple[journal.Line, ...]:
    """The journal lines of a generation.

    Raises:
        UnusableError: they are damaged, of another lineage, or one is missing.
    """
    for number, (key, _) in enumerate(slots):
        if key != slot_key(generation, number):
            raise UnusableError(f"goes on with {key.rpartition('/')[2]} where {number:08} should be; lines are missing")
    text = b"".join(data for _, data in slots)
    if not text:
        return ()
    read = journal.decode(text, cipher)
    if read.lineage != lineage:
        raise UnusableError(f"belongs to lineage {read.lineage}, the state is of lineage {lineage}")
    if read.size_bytes != len(text):
        raise UnusableError("has a torn line")
    return read.lines
