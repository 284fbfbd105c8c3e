"""What `--out` may name: a file, a link to one, a pipe; and what it may not."""

from __future__ import annotations

import json
import os
import stat
import threading
from pathlib import Path

import pytest
from stage import Stage


@pytest.mark.parametrize("place", [".", "manifests", "", "nowhere/plan.json"])
def test_what_is_no_place_for_a_file_is_told(project: Stage, place: str) -> None:
    said = project.tdr("plan", "--out", place, expect=1)

    assert said.err.startswith(f"error: the plan cannot be saved to {place or '.'!r}: ")
    assert "hint: name a file in a folder that is there\n" in said.err


def test_a_pipe_stays_a_pipe(project: Stage) -> None:
    pipe = project.folder / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()

    project.tdr("plan", "--out", "pipe")

    reader.join()
    assert json.loads(read[0])["format"] == "tdr.plan"
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_link_stays_a_link(project: Stage, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere.json"
    target.write_text("old")
    (project.folder / "link.json").symlink_to(target)

    project.tdr("plan", "--out", "link.json")

    assert (project.folder / "link.json").is_symlink()
    assert json.loads(target.read_text())["format"] == "tdr.plan"
