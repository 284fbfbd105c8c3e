from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "journeys"))

from stage import Stage, environment


@pytest.fixture
def project(tmp_path: Path) -> Stage:
    """What `tdr init` writes, in a folder of its own; it needs no vendor."""
    folder = tmp_path / "project"
    folder.mkdir()
    project = Stage(folder, None, environment(folder))
    project.tdr("init", "--name", "shop")
    return project
