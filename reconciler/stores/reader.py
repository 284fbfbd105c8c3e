"""Reading a state folder without a lock, while others may write to it."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.errors import StateError
from reconciler.ports.store import Snapshot
from reconciler.stores import document, journal
from reconciler.stores.cipher import Cipher
from reconciler.stores.document import ELSEWHERE, UnusableError, Written
from reconciler.stores.history import History

# A reader meets at most one checkpoint every few milliseconds; this many in a row is no coincidence.
_ATTEMPTS = 1000


@dataclass(frozen=True, slots=True)
class Loaded:
    """What is on disk: the snapshot, and where the journal's good lines end (None: there is no journal yet)."""

    snapshot: Snapshot
    document_serial: int
    journal_bytes: int | None


class Reader:
    """Reads one folder. Keeps the last document it decoded, so that reading on costs only the journal."""

    def __init__(
        self, document_path: Path, journal_path: Path, history: History, environment: str, project: str, cipher: Cipher
    ) -> None:
        """Read the state of *environment* of *project* from these files."""
        self._document = document_path
        self._journal = journal_path
        self._history = history
        self._environment = environment
        self._project = project
        self._cipher = cipher
        self._decoded: tuple[tuple[int, ...], Written] | None = None

    def is_empty(self) -> bool:
        """Whether there was never a state here. A document that is gone while its journal or history is there is damage.

        Raises:
            StateError: the folder does not let us look; that is not the same as empty.
        """
        try:
            return _is_absent(self._document) and _is_absent(self._journal) and not self._history.serials()
        except OSError as error:
            raise StateError(f"{self._document} cannot be read: {error.strerror}", hint="check the folder") from error

    def load(self) -> Loaded:
        """One consistent pair of document and journal.

        Raises:
            StateError: a file is damaged, missing, of another environment or of a newer tdr.
        """
        damaged: bytes | None = None
        for _ in range(_ATTEMPTS):
            signature, written = self._load_document()
            base, elsewhere = written.state, written.by.get(ELSEWHERE, "")
            data = self.journal_data()
            if _signature(self._document) != signature:
                continue  # a checkpoint came between the two reads
            if data is None:
                return Loaded(Snapshot(base, elsewhere=elsewhere), base.serial, None)
            try:
                read = journal.decode(data, self._cipher)
                snapshot = replace(journal.replay(base, read), elsewhere=elsewhere)
                return Loaded(snapshot, base.serial, read.size_bytes)
            except UnusableError as error:
                if data == damaged:
                    raise StateError(
                        f"{self._journal} {error.why}", hint=error.remedy or mending(str(self._document))
                    ) from error
                damaged = data  # perhaps read while its torn end was cut off: look again
        raise StateError(f"{self._document} is replaced again and again", hint="wait until the other run has ended")

    def document_alone(self) -> Written:
        """The document, whatever the journal is like.

        Raises:
            StateError: it is damaged.
        """
        return self._load_document()[1]

    def journal_alone(self, lineage: str) -> journal.Journal:
        """The journal, whatever the document is like; empty when there is none.

        Raises:
            StateError: it is damaged, too.
        """
        data = self.journal_data()
        if data is None:
            return journal.Journal(lineage, (), 0)
        try:
            return journal.decode(data, self._cipher)
        except UnusableError as error:
            raise StateError(
                f"{self._journal} {error.why}",
                hint="mend the journal first: `tdr state mend` keeps what is damaged under another name",
            ) from error

    def document_or_none(self) -> Written | None:
        """The present document, or None when it cannot be read."""
        try:
            return document.read(self._document.read_bytes(), self._cipher)
        except (OSError, StateError, UnusableError):
            return None

    def _load_document(self) -> tuple[tuple[int, ...], Written]:
        try:
            with self._document.open("rb") as file:
                signature = _signature(file.fileno())
                if self._decoded is not None and self._decoded[0] == signature:
                    return self._decoded
                written = document.read(file.read(), self._cipher)
        except UnusableError as error:
            raise self._unusable(self._document, error) from error
        except FileNotFoundError as error:
            raise StateError(
                f"{self._document} is missing, but its journal or history is there", hint=self._history.way_out()
            ) from error
        except OSError as error:
            raise StateError(
                f"{self._document} cannot be read: {error.strerror}", hint="check its permissions"
            ) from error
        state = document.owned(written.state, self._environment, self._project, str(self._document))
        self._decoded = signature, replace(written, state=state)
        return self._decoded

    def journal_data(self) -> bytes | None:
        """The journal's bytes, or None when there is none; raises StateError."""
        try:
            return self._journal.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateError(
                f"{self._journal} cannot be read: {error.strerror}", hint="check its permissions"
            ) from error

    def _unusable(self, path: Path, error: UnusableError) -> StateError:
        return StateError(f"{path} {error.why}", hint=error.remedy or self._history.way_out())


def mending(intact: str) -> str:
    """The way on from a damaged journal, as a hint, where the document *intact* is."""
    return (
        f"{intact} is intact; `tdr state mend` sets the damaged journal aside, under another name, "
        "and goes on from its last good line"
    )


def _is_absent(path: Path) -> bool:
    """Whether *path* is known not to be there; `Path.exists` takes "not allowed to look" for that."""
    try:
        path.lstat()
    except FileNotFoundError:
        return True
    return False


def _signature(file: Path | int) -> tuple[int, ...]:
    """Equal as long as it is the same file with the same content."""
    found = os.stat(file)  # noqa: PTH116 - takes an open file, too
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
