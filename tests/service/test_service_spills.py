"""Rows that a service moves lie in folders that the next one removes when nobody holds them; see `reconciler.spills`."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from service_world import OpenWorld

DYING = (
    "import os, signal, sys; from pathlib import Path; from reconciler import spills\n"
    "made = spills.make(Path(sys.argv[1])); (made.folder / 'rows.parquet').write_bytes(b'FAKE')\n"
    "os.kill(os.getpid(), signal.SIGKILL)"
)


def test_a_service_that_opens_removes_them(tmp_path: Path, open_world: OpenWorld) -> None:
    root = tmp_path / "spill"
    root.mkdir()
    done = subprocess.run([sys.executable, "-c", DYING, str(root)], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert len(list(root.iterdir())) == 1

    world = open_world(spill_root=root)

    assert list(root.iterdir()) == []
    world.post("/v3/database/create/sales")
    assert world.rows("SELECT 1") == [[1]]
    world.service.close()
    assert list(root.iterdir()) == []
