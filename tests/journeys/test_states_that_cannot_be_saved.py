"""The place of the state dies in the middle of an apply: nothing is lost, and the next run repairs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from stage import BUYERS, Stage

sys.path.insert(0, str(Path(__file__).parents[1] / "stores"))

import state_server
from server_fixtures import said

WRITES = 12
"""To a state at a server, of the first apply; `test_the_number_of_writes_is_what_it_was` keeps it true."""


@pytest.fixture
def server() -> Iterator[tuple[str, state_server.Memory]]:
    with state_server.serving("http-409") as serving:
        yield serving


@pytest.fixture
def shared(loaded: Stage, server: tuple[str, state_server.Memory]) -> tuple[Stage, state_server.Memory]:
    """A project of which nothing is applied yet and whose state is at a server, which has heard of no write."""
    address, memory = server
    state, environ = said("http", address, "")
    loaded.edit("manifests/environments/local.yaml", "endpoints:", f"state: {state}\nendpoints:")
    loaded.environ |= environ
    loaded.tdr("state", "migrate", "--from", "local")
    memory.writes = 0
    return loaded, memory


@pytest.mark.parametrize(
    ("when", "write"),
    [
        # Each takes some seconds.
        pytest.param(when, write, marks=() if (when, write) in {("before", 4), ("after", 7)} else pytest.mark.slow)
        for write in range(1, WRITES + 1)
        for when in ("before", "after")
    ],
)
def test_a_run_whose_state_cannot_be_saved_loses_nothing(
    shared: tuple[Stage, state_server.Memory], when: str, write: int
) -> None:
    stage, memory = shared
    memory.dies_before, memory.dies_after = (write, 0) if when == "before" else (0, write)
    before = _files(stage)

    failed = stage.process("apply", "--yes", expect=None)

    assert memory.is_dead
    assert failed.code in {1, 6}
    assert "cannot be reached" in failed.err + failed.out
    assert "bug" not in failed.err
    assert _files(stage) == before
    memory.dies_before, memory.dies_after, memory.is_dead = 0, 0, False
    lock = stage.tdr("lock", "status", "--format", "json").document
    if lock["locked"]:  # whose holder died before it could say who it is
        stage.tdr("lock", "release", lock["lock_id"])
    stage.tdr("apply", "--yes")
    stage.tdr("plan", "--detailed-exitcode")
    assert (len(stage.audiences()), len(stage.control.lists())) == (1, 1)
    assert stage.members() == stage.shop_of(range(BUYERS))


def test_the_number_of_writes_is_what_it_was(shared: tuple[Stage, state_server.Memory]) -> None:
    stage, memory = shared
    stage.tdr("apply", "--yes")

    assert memory.writes == WRITES


def _files(stage: Stage) -> set[str]:
    """Those of the project, without what the embedded service and the tokens are kept in."""
    kept = {"service", "tokens", ".cache"}
    paths = (path.relative_to(stage.folder) for path in stage.folder.rglob("*"))
    return {str(path) for path in paths if not kept.intersection(path.parts)}
