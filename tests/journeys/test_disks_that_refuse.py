"""A disk that is full or read-only is said so, and what was saved before is still there."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest
from stage import BUYERS, TDR, Stage, ended

LIMITED = "import resource, os, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0})); os.execv(sys.argv[1], sys.argv[1:])"


@pytest.fixture
def read_only(applied: Stage) -> Stage:
    """The state's files may be read by us and written by nobody."""
    if os.geteuid() == 0:
        pytest.skip("root writes where nobody may")
    for path in [applied.state, *(one for one in applied.state.rglob("*") if one.is_dir())]:
        path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    return applied


def test_a_state_folder_that_cannot_be_written_stops_an_apply_and_no_plan(read_only: Stage) -> None:
    try:
        read_only.tdr("state", "list")
        said = read_only.tdr("apply", "--yes", expect=1)
        assert "cannot be" in said.err
        assert "Traceback" not in said.err
    finally:
        for path in [read_only.state, *(one for one in read_only.state.rglob("*") if one.is_dir())]:
            path.chmod(stat.S_IRWXU)
    read_only.tdr("plan", "--detailed-exitcode")


@pytest.mark.parametrize(
    "limit_bytes",
    [3_000, 60_000, *(pytest.param(limit, marks=pytest.mark.slow) for limit in (0, 1_000, 20_000, 100_000))],
)
def test_a_disk_that_fills_up_in_an_apply_loses_and_doubles_nothing(loaded: Stage, limit_bytes: int) -> None:
    process = loaded.start(
        [sys.executable, "-c", LIMITED.format(limit_bytes), str(TDR), "apply", "--yes"], PYTHONDONTWRITEBYTECODE="1"
    )
    out, err = ended(process)

    assert process.returncode in {0, 1, 6}, out + err
    assert "Traceback" not in err
    if process.returncode:
        assert "error: " in err + out or "failed" in out
    loaded.tdr("apply", "--yes")
    assert (len(loaded.audiences()), len(loaded.control.lists())) == (1, 1)
    assert loaded.members() == loaded.shop_of(range(BUYERS))
    loaded.tdr("plan", "--detailed-exitcode")


def test_a_plan_that_cannot_be_saved_says_so_and_leaves_nothing_half_written(applied: Stage) -> None:
    said = applied.tdr("plan", "--out", "no/such/folder/plan.json", expect=1)

    assert "cannot be saved" in said.err
    assert not list(Path(applied.folder).rglob("*.partial"))


@pytest.mark.parametrize("damage", [b"", b"\x00" * 400, b"[]", b'{"format": "tdr.state"'])
def test_a_damaged_state_is_never_taken_for_none(applied: Stage, damage: bytes) -> None:
    applied.edit("manifests/shop.yaml", "mode: replace_on_new_data", "mode: append")
    applied.tdr("apply", "--yes")
    path = applied.state / "state.json"
    path.write_bytes(damage)
    journal = (applied.state / "journal.jsonl").read_bytes()

    said = applied.tdr("apply", "--yes", expect=1)

    assert "state.json" in said.err
    assert path.read_bytes() == damage
    assert (applied.state / "journal.jsonl").read_bytes() == journal
    assert len(applied.audiences()) == 1


def test_a_service_whose_files_cannot_be_used_says_which(applied: Stage) -> None:
    (applied.state / "service/service.sqlite").write_bytes(b"no database at all" * 100)

    said = applied.tdr("plan", expect=1)

    assert said.err.startswith(f"error: {applied.state / 'service/service.sqlite'} is damaged")
