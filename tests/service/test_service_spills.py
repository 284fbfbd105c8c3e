"""Folders of rows on their way: nobody's outlive their process, and nobody's are taken from a process that lives."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from service_world import OpenWorld

from reconciler.service import spills

DYING = (
    "import os, signal, sys; from pathlib import Path; from reconciler.service import spills\n"
    "made = spills.make(Path(sys.argv[1])); (made.folder / 'rows.parquet').write_bytes(b'FAKE')\n"
    "os.kill(os.getpid(), signal.SIGKILL)"
)


def left_behind(root: Path) -> None:
    done = subprocess.run([sys.executable, "-c", DYING, str(root)], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL


def test_what_a_killed_process_left_is_removed_and_what_is_held_stays(tmp_path: Path) -> None:
    left_behind(tmp_path)
    (dead,) = tmp_path.iterdir()
    held = spills.make(tmp_path)
    (tmp_path / "tdr-spill-new").mkdir()  # made, and not locked yet
    (tmp_path / "theirs").mkdir()

    spills.sweep(tmp_path)

    assert not dead.exists()
    assert {path.name for path in tmp_path.iterdir()} == {held.folder.name, "tdr-spill-new", "theirs"}
    held.remove()
    assert not held.folder.exists()


def test_a_link_with_such_a_name_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    left_behind(outside)
    (dead,) = outside.iterdir()
    root = tmp_path / "root"
    root.mkdir()
    (root / "tdr-spill-link").symlink_to(dead)

    spills.sweep(root)

    assert (dead / "rows.parquet").exists()


def test_a_service_removes_them_when_it_first_moves_rows(tmp_path: Path, open_world: OpenWorld) -> None:
    root = tmp_path / "spill"
    root.mkdir()
    left_behind(root)
    world = open_world(spill_root=root)
    world.post("/v3/database/create/sales")

    assert world.rows("SELECT 1") == [[1]]

    world.service.close()
    assert list(root.iterdir()) == []
