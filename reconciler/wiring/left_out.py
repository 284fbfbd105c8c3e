"""Rows that did not arrive: how many of an activation's newest run, why, and how many wait for `tdr retry`. Numbers only.

They are counted where the embedded service's destinations list them on this machine; Treasure Data itself tells of none.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import orjson

from reconciler.errors import Permanent


@dataclass(frozen=True, slots=True)
class LeftOut:
    """*counts*: reason -> rows, of the newest run. *waiting*: rows kept for `tdr retry`.

    is_all: whether that is every row; the longest lists break off. is_broken_off: whether the run ended before its rows did.
    """

    counts: Mapping[str, int]
    waiting: int = 0
    is_all: bool = True
    is_broken_off: bool = False

    @property
    def rows(self) -> int:
        """Rows that were left out, whatever the reason."""
        return sum(self.counts.values())


def left_out(exports: Path, job_id: str) -> LeftOut | None:
    """What is known of the run *job_id* and of the retries that finished it; None where nothing is kept of it.

    exports: folder of the embedded service's destinations.

    Raises:
        OSError: a file cannot be read.
        StateError: a journal is damaged.
        ValueError: a list is damaged.
    """
    from reconciler.connectors.destinations.salesforce_journal import Journal  # noqa: PLC0415 - builds models

    work, lists = exports / "salesforce" / "work", exports / "quarantine"
    last, number = job_id, 1
    journal = Journal(work / _named(last))
    if not journal.is_known:
        return _listed(lists / f"{_named(last)}.jsonl")
    while (following := Journal(work / _named(f"{job_id}/retry-{number}"))).is_known:
        journal, last, number = following, f"{job_id}/retry-{number}", number + 1
    waiting = journal.kept.rows if journal.kept is not None else 0
    try:
        report = journal.finished
    except Permanent:  # what ended the run is told by its log; its list has what was left out by then
        report = None
    if report is not None:
        return LeftOut(report.rejected, waiting)
    listed = _listed(lists / f"{_named(last)}.jsonl") or LeftOut({})
    return replace(listed, waiting=waiting, is_broken_off=journal.is_open)


def _named(job_id: str) -> str:
    """What destinations call the files of a run."""
    return hashlib.sha256(job_id.encode()).hexdigest()[:32]


def _listed(file: Path) -> LeftOut | None:
    from reconciler.dataplane.quarantine import LISTED_ROWS  # noqa: PLC0415 - only where something is looked at

    try:
        lines = file.read_bytes().splitlines()
    except FileNotFoundError:
        return None
    try:
        counts = Counter(str(orjson.loads(line)["reason"]) for line in lines)
    except (KeyError, TypeError) as error:
        raise ValueError("a line is no row that was left out") from error
    return LeftOut(dict(counts), is_all=len(lines) < LISTED_ROWS)
