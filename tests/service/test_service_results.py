"""Kept rows: what a killed process leaves of them is in nobody's way and does not stay."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from service_world import NOW, FakeClock, XorSealer

from reconciler.service.results import Results

DYING = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from service_world import FakeClock, XorSealer
from reconciler.service.results import Results

def batches():
    yield [(number, "x" * 100) for number in range(10_000)]
    os.kill(os.getpid(), signal.SIGKILL)

Results(Path(sys.argv[1]), XorSealer(), FakeClock(), 60).write(7, batches())
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a process was killed while it kept the rows of job 7."""
    folder = tmp_path / "results"
    command = [sys.executable, "-c", DYING, str(folder), str(Path(__file__).parent)]
    done = subprocess.run(command, check=False)
    assert done.returncode == -signal.SIGKILL
    assert [path.name for path in folder.iterdir()] == ["7.partial"]
    return folder


def test_a_leftover_does_not_refuse_the_next_rows_of_its_job(folder: Path) -> None:
    results = Results(folder, XorSealer(), FakeClock(), 60)

    count, _ = results.write(7, iter([[(1, "a")], [(2, "b")]]))

    assert (count, list(results.rows(7))) == (2, [[[1, "a"]], [[2, "b"]]])
    assert [(path.name, path.stat().st_mode & 0o777) for path in folder.iterdir()] == [("7.rows", 0o600)]


@pytest.mark.parametrize(("age_s", "left"), [(59, ["7.partial"]), (61, [])])
def test_a_leftover_is_forgotten_as_late_as_kept_rows(folder: Path, age_s: int, left: list[str]) -> None:
    os.utime(folder / "7.partial", (NOW - age_s, NOW - age_s))

    Results(folder, XorSealer(), FakeClock(NOW), 60).remove_expired()

    assert [path.name for path in folder.iterdir()] == left


def test_rows_that_fail_halfway_leave_nothing(tmp_path: Path) -> None:
    results = Results(tmp_path / "results", XorSealer(), FakeClock(), 60)

    with pytest.raises(ZeroDivisionError):
        results.write(7, ([(1 // divisor,)] for divisor in (1, 0)))

    assert list((tmp_path / "results").iterdir()) == []
