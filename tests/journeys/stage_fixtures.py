"""Stages as far as a test needs them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from stage import PLANTED, Stage, stage_in

from reconciler.emulators.pinterest.knobs import Knobs
from reconciler.emulators.sandbox import Sandbox


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    with Sandbox(PLANTED, knobs=Knobs(rate_tier="off")) as sandbox:
        yield sandbox


@pytest.fixture
def stage(tmp_path: Path, running_sandbox: Sandbox) -> Stage:
    """A project of which nothing is applied yet, and 200 customers in a file, 120 of them buyers."""
    running_sandbox.control.reset()
    return stage_in(tmp_path / "shop", running_sandbox)


@pytest.fixture(scope="session")
def filled_state(tmp_path_factory: pytest.TempPathFactory, running_sandbox: Sandbox) -> Path:
    """The state of a project whose customers are in the table; of the vendor it knows nothing yet."""
    stage = stage_in(tmp_path_factory.mktemp("filled") / "shop", running_sandbox)
    stage.tdr("apply", "--yes", "--target", "import/customers")
    stage.tdr("run", "import/customers")
    return stage.folder / "state"


@pytest.fixture
def loaded(stage: Stage, filled_state: Path) -> Stage:
    """The customers are in the table; the audience does not exist."""
    # Tokens are of the vendor as it was before it was reset.
    shutil.copytree(filled_state, stage.folder / "state", ignore=shutil.ignore_patterns("tokens"))
    return stage


@pytest.fixture
def applied(loaded: Stage) -> Stage:
    """Everything is applied."""
    loaded.tdr("apply", "--yes")
    return loaded
