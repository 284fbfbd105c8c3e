"""What was sent to a target whose members cannot be read back.

Per target two sets of keys are known: *confirmed*, which the vendor said it stored, and *uncertain*, which were about to be
sent when a run ended. A run makes its difference against both, and its keys are on disk before the first of them travels:

    to add    = wanted, less confirmed
    to remove = confirmed and uncertain, less wanted

so that whatever happened to an uncertain key, the next run sets it right. A kill at any instruction leaves either the
state before the run or a run whose progress can be counted. Requests are repeatable because adding and removing are set
operations at the vendor.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from reconciler.dataplane.durable import keeping, read_document, write_bytes
from reconciler.dataplane.keyfile import count_keys
from reconciler.dataplane.ledger_book import Book, OpenRun
from reconciler.dataplane.slices import Slice, apart, distinct_union, subtract, total
from reconciler.durable import sync_folder
from reconciler.errors import Transient
from reconciler.model.kinds import Membership

_NAME = re.compile(r"[A-Za-z0-9._-]{1,200}")
_BOOK = "book.json"

MOST_PARTS = 16
"""Every run that only adds leaves one file more; beyond this many they are made one."""


class Ledger:
    """All targets, one folder each below *folder*."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def covers(self, name: str) -> bool:
        """Whether every member that the target *name* may have is known here."""
        return Book.of(read_document(self._folder / name / _BOOK)).complete

    @contextmanager
    def target(self, name: str) -> Iterator[Target]:
        """Hold the only right to write to the target *name*: letters, digits, ``.``, ``_`` and ``-``.

        Raises:
            Transient: another run holds it.
            StateError: what is on disk is damaged.
        """
        if not _NAME.fullmatch(name) or name.startswith("."):
            raise ValueError(name)
        folder = self._folder / name
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Transient(
                    f"another export is writing to `{name}`",
                    hint="one list has one writer at a time; wait until it is done",
                ) from None
            yield Target(folder)
        finally:
            os.close(descriptor)


class Target:
    """One target, locked. Made by `Ledger.target`; a run that ended badly is counted up at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._book = Book.of(read_document(folder / _BOOK))
        if self._book.run is not None:
            self._settle(self._book.run, *self._progress(self._book.run))
        self._sweep()

    @property
    def is_complete(self) -> bool:
        """Whether every member the target may have is known here: it was empty when this ledger began."""
        return self._book.complete

    @property
    def confirmed(self) -> int:
        """Number of keys the vendor has for certain."""
        return total(self._book.confirmed)

    @property
    def uncertain(self) -> int:
        """Number of keys the vendor may have."""
        return total(self._book.uncertain)

    def begin_with(self, first: Path, *, certain: bool) -> None:
        """Start the ledger of a target that was just made with the keys of *first*; of the file a copy is kept.

        certain: whether the target was made with exactly these; else it may have none or some of them.

        Raises:
            Permanent: the disk refuses.
        """
        with keeping(self._folder, "the list is there, and a new run of the same job goes on with it"):
            copy = self._folder / f"{self._free_name()}.copy"
            write_bytes(copy, first.read_bytes())
            kept = self._take(copy)
            self._write(Book(confirmed=kept if certain else (), uncertain=() if certain else kept, complete=True))

    def begin(self, membership: Membership, wanted: Path | None, job_id: str) -> Run:
        """Make the difference and put it on disk, before anything of it is sent.

        wanted: file of distinct keys, taken over; None for `clear`.
        job_id: a removal that is begun again by the same job leaves out what it removed before.

        Raises:
            Permanent: the disk refuses; nothing was sent.
        """
        with keeping(self._folder, "nothing was sent"):
            return self._begun(membership, wanted, job_id)

    def _begun(self, membership: Membership, wanted: Path | None, job_id: str) -> Run:
        book = self._book
        possible = (*book.confirmed, *book.uncertain)
        target = self._take(wanted) if wanted is not None else ()
        add: tuple[Slice, ...] = ()
        remove: tuple[Slice, ...] = ()
        match membership:
            case Membership.REPLACE if book.uncertain:
                # What is uncertain is added again, so what is added and what goes are not told from the same two sets.
                add = self._subtract(target, book.confirmed)
                remove = self._subtract(possible, target)
            case Membership.REPLACE:
                add, remove = self._apart(target, book.confirmed)
            case Membership.ADD:
                add = self._subtract(target, book.confirmed)
            case Membership.REMOVE:
                # Everything asked for is removed, known or not: a member of unknown origin may be among them.
                remove = self._subtract(target, book.removed if book.removed_by == job_id else ())
            case Membership.CLEAR:
                remove = self._distinct(possible)
        opened = OpenRun(
            number=book.next_number,
            job_id=job_id,
            add=add,
            remove=remove,
            final=target if membership in (Membership.REPLACE, Membership.CLEAR) else None,
        )
        self._write(book.opened(opened))
        return Run(self, opened, self._progress_path(opened))

    def close(self, run: OpenRun) -> None:
        """Count the finished *run* into what is known."""
        self._settle(run, total(run.add), total(run.remove))
        self._sweep()

    def path_of(self, part: Slice) -> Path:
        """Where the keys of *part* are."""
        return self._folder / part.file

    def _settle(self, run: OpenRun, added: int, removed: int) -> None:
        """Move what *run* is known to have done into the book, and what it may have done into *uncertain*."""
        book = self._book
        if run.final is not None and added == total(run.add) and removed == total(run.remove):
            self._write(Book(confirmed=run.final, complete=book.complete, next_number=run.number + 1))
            return
        has, may_have = _split(run.add, added)
        gone, may_be_gone = _split(run.remove, removed)
        # A key is on one side only: what was proven, or might have been touched, leaves the set it was in.
        confirmed = (*self._subtract(book.confirmed, (*run.remove, *run.add)), *has)
        uncertain = (*self._subtract(book.uncertain, (*run.remove, *run.add)), *may_have, *may_be_gone)
        if len(confirmed) > MOST_PARTS:
            confirmed = self._distinct(confirmed)
        before = book.removed if book.removed_by == run.job_id else ()
        self._write(
            Book(
                confirmed=confirmed,
                uncertain=uncertain,
                complete=book.complete,
                next_number=run.number + 1,
                removed=(*before, *gone) if removed < total(run.remove) else (),
                removed_by=run.job_id,
            )
        )

    def _take(self, source: Path) -> tuple[Slice, ...]:
        """Move a file of keys into the ledger's folder, under a name nothing refers to yet."""
        name = self._free_name()
        count = count_keys(source)
        source.replace(self._folder / name)
        sync_folder(self._folder)
        return (Slice(name, 0, count),) if count else ()

    def _subtract(self, parts: tuple[Slice, ...], without: tuple[Slice, ...]) -> tuple[Slice, ...]:
        if not parts or not without:
            return parts
        return subtract(self._folder, parts, without, self._free_name())

    def _apart(
        self, parts: tuple[Slice, ...], others: tuple[Slice, ...]
    ) -> tuple[tuple[Slice, ...], tuple[Slice, ...]]:
        if not parts or not others:
            return parts, others
        return apart(self._folder, parts, others, (self._free_name(), self._free_name(1)))

    def _distinct(self, parts: tuple[Slice, ...]) -> tuple[Slice, ...]:
        if len(parts) < 2:
            return parts
        return distinct_union(self._folder, parts, self._free_name())

    def _free_name(self, after: int = 0) -> str:
        """A name that no file has; the one after it, and so on."""
        taken = {path.name for path in self._folder.iterdir()}
        names = (f"{number:08d}.keys" for number in itertools.count(self._book.next_number))
        return next(itertools.islice((name for name in names if name not in taken), after, None))

    def _progress_path(self, run: OpenRun) -> Path:
        return self._folder / f"{run.number:08d}.progress"

    def _progress(self, run: OpenRun) -> tuple[int, int]:
        """(added, removed) of the last whole line that makes sense; a line that is lost only costs a repetition."""
        try:
            lines = self._progress_path(run).read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            return 0, 0
        for line in reversed(lines):
            words = line.split()
            if len(words) == 2 and all(word.isdigit() for word in words):
                return min(int(words[0]), total(run.add)), min(int(words[1]), total(run.remove))
        return 0, 0

    def _write(self, book: Book) -> None:
        book.save(self._folder / _BOOK)
        self._book = book

    def _sweep(self) -> None:
        """Delete files the book does not refer to: leftovers of a run that ended before its book was written."""
        kept = self._book.files() | {_BOOK, "lock"}
        for path in self._folder.iterdir():
            if path.name not in kept:
                path.unlink()


def _split(parts: tuple[Slice, ...], count: int) -> tuple[tuple[Slice, ...], tuple[Slice, ...]]:
    """The first *count* keys of *parts*, and the rest."""
    done: list[Slice] = []
    rest: list[Slice] = []
    for part in parts:
        taken = min(count, len(part))
        count -= taken
        if taken:
            done.append(Slice(part.file, part.start, part.start + taken))
        if taken < len(part):
            rest.append(Slice(part.file, part.start + taken, part.stop))
    return tuple(done), tuple(rest)


class Run:
    """One run against a target: what to add, what to remove, and how far it got."""

    def __init__(self, target: Target, opened: OpenRun, progress: Path) -> None:
        self._target = target
        self._opened = opened
        self._added = 0
        self._removed = 0
        # Lines are not synced one by one: they survive a kill, and after a power failure a missing line means only that
        # some keys count as uncertain and travel again.
        self._path = progress
        self._progress: BinaryIO | None = None

    @property
    def add(self) -> list[tuple[Path, int, int]]:
        """Slices of key files: path, first key, key after the last one."""
        return [(self._target.path_of(part), part.start, part.stop) for part in self._opened.add]

    @property
    def remove(self) -> list[tuple[Path, int, int]]:
        """Slices of key files: path, first key, key after the last one."""
        return [(self._target.path_of(part), part.start, part.stop) for part in self._opened.remove]

    @property
    def to_add(self) -> int:
        """Keys to add."""
        return total(self._opened.add)

    @property
    def to_remove(self) -> int:
        """Keys to remove."""
        return total(self._opened.remove)

    def added(self, count: int) -> None:
        """The vendor said it stored the next *count* keys of `add`."""
        self._added += count
        self._note()

    def removed(self, count: int) -> None:
        """The vendor said it removed the next *count* keys of `remove`."""
        self._removed += count
        self._note()

    def _note(self) -> None:
        if self._progress is None:
            self._progress = self._path.open("ab", buffering=0)
        self._progress.write(b"%d %d\n" % (self._added, self._removed))

    def finish(self) -> None:
        """Everything was sent: from now on it is known for certain."""
        self.stop()
        self._target.close(self._opened)

    def stop(self) -> None:
        """Leave the run as far as it got; the next `Ledger.target` counts it up."""
        if self._progress is not None:
            self._progress.close()
