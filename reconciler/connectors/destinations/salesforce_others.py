"""Other runs to the same object: one that is alive is left alone, one that was killed must not write any more.

A run that was killed may have left jobs with Salesforce that are still at work. A run that replaces all records would see some of
theirs and not the others, so it ends those jobs, and that run, before it looks.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from reconciler.connectors.destinations.salesforce_desk import Desk
from reconciler.connectors.destinations.salesforce_journal import Journal, PartState
from reconciler.errors import Permanent, StateError, Transient

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.apis.salesforce import Salesforce


@contextmanager
def alone(journal: Journal) -> Iterator[None]:
    """While inside, nobody else carries out the run of *journal*; the system lets go of it when the process dies.

    Raises:
        Transient: somebody does.
    """
    path = journal.folder.with_suffix(".lock")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Transient("this run is under way already", hint="run again when it is over") from None
        yield
    finally:
        os.close(descriptor)


def siblings(journal: Journal) -> list[Journal]:
    """The journals of other runs to the same object of the same org.

    Raises:
        StateError: one of any object cannot be read.
    """
    return [other for other in map(Journal, _other_folders(journal)) if other.target == journal.target]


def readable_siblings(journal: Journal) -> list[Journal]:
    """As `siblings`, for those to whom one that cannot be read makes no difference."""
    found = []
    for folder in _other_folders(journal):
        with suppress(StateError):
            found.append(Journal(folder))
    return [other for other in found if other.target == journal.target]


def _other_folders(journal: Journal) -> list[Path]:
    return [path for path in sorted(journal.folder.parent.iterdir()) if path.is_dir() and path != journal.folder]


def end_broken_off(api: Salesforce, desk: Desk) -> None:
    """End the runs to the same object that broke off, and wait until Salesforce does nothing for them any more.

    Raises:
        Transient: one of them is alive.
    """
    for other in siblings(desk.journal):
        if not other.is_open:
            continue
        try:
            with alone(other):
                _give_up(api, desk, other)
        except Transient as error:
            raise Transient(
                f"another run to {desk.settings.object} is not over: {error.message}", hint="run again when it is"
            ) from error


def _give_up(api: Salesforce, desk: Desk, other: Journal) -> None:
    asked = [
        (one.api, part.job)
        for stage in other.stages
        for one in stage.rounds
        for part in one.parts
        if part.job and part.state is not PartState.DONE
    ]
    for kind, job in dict.fromkeys(asked):
        if kind == "bulk2":
            _give_up_job(api, desk, job)
        else:
            _give_up_batches(api, desk, job)
    other.end_with(
        Permanent("a later run replaced all records before this one was over", hint="the later run has newer rows")
    )


def _give_up_job(api: Salesforce, desk: Desk, job: str) -> None:
    from reconciler.apis.salesforce import ENDED  # noqa: PLC0415 - brings httpx's vocabulary along

    pauses = desk.pauses()
    with suppress(Permanent):  # it is over, or too far to be stopped
        api.abort(job)
    while api.job(job).state not in ENDED:
        next(pauses)


def _give_up_batches(api: Salesforce, desk: Desk, job: str) -> None:
    from reconciler.apis.salesforce_bulk1 import BATCH_ENDED  # noqa: PLC0415 - as above

    pauses = desk.pauses()
    with suppress(Permanent):  # as above
        api.bulk1.abort(job)
    while any(batch.state not in BATCH_ENDED for batch in api.bulk1.batches(job)):
        next(pauses)
