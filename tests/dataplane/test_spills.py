"""Folders of rows on their way: nobody's outlive their process for long, and nobody's are taken from a process that lives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler import spills
from reconciler.dataplane.workspace import open_workspace

DYING = """
import os, signal, sys
from pathlib import Path
from reconciler.dataplane.workspace import open_workspace

with open_workspace(Path(sys.argv[1])) as workspace:
    [(folder,)] = workspace.once(lambda one: one.sql("SELECT current_setting('temp_directory')").fetchall())
    (Path(folder) / "rows.parquet").write_bytes(b"FAKE")
    os.kill(os.getpid(), signal.SIGKILL)
"""

HOLDING = """
import sys
from pathlib import Path
from reconciler import spills

with spills.spilling(Path(sys.argv[1])) as folder:
    (folder / "rows.parquet").write_bytes(b"FAKE")
    print(folder.name, flush=True)
    sys.stdin.read()
"""

COMING_AND_GOING = """
import sys
from pathlib import Path
from reconciler import spills

for number in range(200):
    with spills.spilling(Path(sys.argv[1])) as folder:
        (folder / "rows.parquet").write_bytes(b"FAKE")
        spills.sweep(Path(sys.argv[1]))
        assert (folder / "rows.parquet").exists()
"""


def left_behind(root: Path) -> Path:
    """What a process left in *root* that was killed while it moved rows."""
    before = set(root.iterdir())
    done = subprocess.run([sys.executable, "-c", DYING, str(root)], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    (left,) = set(root.iterdir()) - before
    assert (left / "rows.parquet").exists()
    return left


def test_the_next_run_removes_what_a_killed_process_left(tmp_path: Path) -> None:
    dead = left_behind(tmp_path)

    with open_workspace(tmp_path):
        (own,) = tmp_path.iterdir()
        assert own != dead

    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_for_its_owner_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with spills.spilling(tmp_path) as folder:
            assert folder.stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(before)


def test_what_a_living_process_holds_stays_and_so_does_what_is_not_ours(tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", HOLDING, str(tmp_path)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        theirs = tmp_path / other.stdout.readline().strip()
        dead = left_behind(tmp_path)
        (tmp_path / "tdr-spill-notes").mkdir()
        (tmp_path / "tdr-spill-00000000-elsewhere").mkdir()  # of another machine, which alone knows who holds it
        (tmp_path / theirs.name.replace(theirs.name[-8:], "textfile")).write_text("no folder")
        others = set(tmp_path.iterdir()) - {theirs, dead}
        assert len(others) == 3

        with spills.spilling(tmp_path) as own:
            assert set(tmp_path.iterdir()) == {theirs, own, *others}
            assert (theirs / "rows.parquet").exists()
        other.stdin.close()
        assert other.wait(60) == 0
    assert set(tmp_path.iterdir()) == others


def test_one_that_was_made_and_never_locked_is_removed(tmp_path: Path) -> None:
    with spills.spilling(tmp_path) as folder:
        unlocked = tmp_path / folder.name.replace(folder.name[-8:], "unlocked")
    unlocked.mkdir()
    spills.sweep(tmp_path)
    assert not unlocked.exists()


def test_a_link_with_such_a_name_is_not_followed(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    outside.mkdir()
    root.mkdir()
    dead = left_behind(outside)
    (root / dead.name).symlink_to(dead)
    held = spills.make(root)
    (held.folder / "link").symlink_to(dead)
    os.close(held.descriptor)

    spills.sweep(root)

    assert [path.name for path in root.iterdir()] == [dead.name]
    assert (dead / "rows.parquet").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a folder to another user")
def test_a_folder_of_another_user_stays(tmp_path: Path) -> None:
    dead = left_behind(tmp_path)
    os.chown(dead, 65_534, 65_534)
    spills.sweep(tmp_path)
    assert (dead / "rows.parquet").exists()


def test_processes_that_make_and_sweep_at_once_take_nothing_from_each_other(tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", COMING_AND_GOING, str(tmp_path)]
    running = [subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    told = [process.communicate(timeout=100)[1] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], told
    assert list(tmp_path.iterdir()) == []
