"""How many rows of a run did not arrive: from the lists and journals that destinations keep, and from nothing else."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow as pa
import pytest

from reconciler.connectors.destinations.salesforce_journal import Again, Journal
from reconciler.dataplane.quarantine import LISTED_ROWS, Rejections
from reconciler.dataplane.reasons import REASONS
from reconciler.errors import Permanent
from reconciler.ports.exports import ExportReport
from reconciler.wiring.left_out import LeftOut, left_out

JOB = "41"


def named(job: str) -> str:
    return hashlib.sha256(job.encode()).hexdigest()[:32]


def listed(exports: Path, rows: int) -> None:
    rejections = Rejections()
    rejections.add(pa.array(range(1, rows + 1), pa.int64()), pa.array([1] * rows, pa.uint8()))
    rejections.save(exports / "quarantine" / f"{named(JOB)}.jsonl")


def journal(exports: Path, job: str) -> Journal:
    found = Journal(exports / "salesforce" / "work" / named(job))
    found.folder.mkdir(parents=True)
    found.begin("org/Contact", "insert ", 50, {}, ["Email__c"])
    return found


def again(rows: int) -> Again:
    return Again(operation="insert", columns=["Email__c"], key="", rows=rows)


def test_nothing_is_known_of_a_run_that_kept_nothing(tmp_path: Path) -> None:
    assert left_out(tmp_path, JOB) is None


def test_rows_that_were_screened_are_counted_by_reason(tmp_path: Path) -> None:
    listed(tmp_path, 3)
    assert left_out(tmp_path, JOB) == LeftOut({REASONS[0].value: 3})
    assert left_out(tmp_path, "42") is None


def test_a_list_that_broke_off_says_at_least(tmp_path: Path) -> None:
    listed(tmp_path, LISTED_ROWS + 5)
    found = left_out(tmp_path, JOB)
    assert found is not None
    assert (found.rows, found.is_all) == (LISTED_ROWS, False)


def test_refused_rows_wait_and_those_left_out_before_do_not(tmp_path: Path) -> None:
    run = journal(tmp_path, JOB)
    run.hold(again(2))
    run.finish(ExportReport(rows=50, rejected={"duplicate_key": 4, "LOCKED": 2}, sent=44))
    assert left_out(tmp_path, JOB) == LeftOut({"duplicate_key": 4, "LOCKED": 2}, waiting=2)


def test_of_a_run_that_was_retried_the_last_retry_counts(tmp_path: Path) -> None:
    journal(tmp_path, JOB).finish(ExportReport(rows=50, rejected={"LOCKED": 3}, sent=47))
    retry = journal(tmp_path, f"{JOB}/retry-1")
    retry.hold(again(1))
    retry.finish(ExportReport(rows=3, rejected={"LOCKED": 1}, sent=2))
    assert left_out(tmp_path, JOB) == LeftOut({"LOCKED": 1}, waiting=1)


def test_a_run_that_failed_for_its_rows_is_counted_by_its_list(tmp_path: Path) -> None:
    listed(tmp_path, 3)
    run = journal(tmp_path, JOB)
    run.hold(again(3))
    run.end_with(Permanent("Salesforce refused 3 of 50 rows"))
    assert left_out(tmp_path, JOB) == LeftOut({REASONS[0].value: 3}, waiting=3)


def test_a_run_that_is_not_over_says_so(tmp_path: Path) -> None:
    journal(tmp_path, JOB)
    assert left_out(tmp_path, JOB) == LeftOut({}, is_broken_off=True)


@pytest.mark.parametrize("written", [b"[]\n", b'{"row": 1}\n', b"\xff\n"], ids=["list", "no reason", "no text"])
def test_a_damaged_list_is_no_number(tmp_path: Path, written: bytes) -> None:
    file = tmp_path / "quarantine" / f"{named(JOB)}.jsonl"
    file.parent.mkdir()
    file.write_bytes(written)
    with pytest.raises(ValueError):
        left_out(tmp_path, JOB)
