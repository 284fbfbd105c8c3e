"""Digests that an export is about to send are on disk for as long as it runs, also when it is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from export_world import Exports, settings_of

HERE = Path(__file__).parent
ADD = "add_people_to_current_audience"
DYING = """
import os, signal, sys, threading
from pathlib import Path
from export_world import rows_of, settings_of
from reconciler.connectors.destinations.pinterest import PinterestDestination
from reconciler.ports.exports import ExportRequest

def connect(settings, cancelled):  # all rows were looked at by now
    os.kill(os.getpid(), signal.SIGKILL)

request = ExportRequest("pinterest", settings_of(sys.argv[2], "2"), "job")
rows = rows_of(["one@example.com", "two@example.com"])
PinterestDestination(connect, Path(sys.argv[1])).export(request, rows, lambda *_: None, threading.Event())
"""


def test_the_next_export_removes_what_a_killed_one_left(exports: Exports) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DYING, str(exports.folder / "ledger"), ADD],
        env={**os.environ, "PYTHONPATH": str(HERE)},
        check=False,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL
    [left] = (exports.folder / "ledger" / "work").rglob("*.keys")
    assert left.stat().st_size == 2 * 32

    exports.run(["three@example.com"], settings_of(ADD, exports.api.with_audience()))

    assert list((exports.folder / "ledger" / "work").iterdir()) == []
