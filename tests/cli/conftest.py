from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "journeys"))

from stage import Stage, environment


@pytest.fixture
def project(tmp_path: Path) -> Stage:
    """What `tdr init` writes, in a folder of its own; it needs no vendor."""
    return begun(tmp_path)


@pytest.fixture(scope="session")
def applied_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state of such a project, applied."""
    project = begun(tmp_path_factory.mktemp("applied"))
    project.tdr("apply", "--yes")
    return project.folder / "state"


@pytest.fixture
def applied(project: Stage, applied_state: Path) -> Stage:
    """The same project, applied."""
    shutil.copytree(applied_state, project.folder / "state")
    return project


def begun(place: Path) -> Stage:
    folder = place / "project"
    folder.mkdir()
    project = Stage(folder, None, environment(folder))
    project.tdr("init", "--name", "shop")
    return project
