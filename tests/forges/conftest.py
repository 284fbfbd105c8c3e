from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "journeys"))
sys.path.insert(0, str(Path(__file__).parents[1] / "reports"))

from forge_doors import at_forge
from forge_world import World

from reconciler.ports.forge import Forge


@pytest.fixture
def world(tmp_path: Path) -> World:
    git = tmp_path / "shop.git"
    git.mkdir()
    world = World(git)
    world.in_git("init", "--quiet", "--bare", "--initial-branch", "main")
    tree = world.in_git("hash-object", "-t", "tree", "-w", "/dev/null")
    commit = world.in_git("-c", "user.name=a", "-c", "user.email=a@localhost", "commit-tree", tree, "-m", "x")
    world.in_git("update-ref", "refs/heads/main", commit)
    world.in_git("update-ref", "refs/heads/topic", commit)
    return world


@pytest.fixture
def forge(world: World) -> Iterator[Forge]:
    with at_forge("github", world) as forge:
        yield forge


@pytest.fixture(params=["github", "gitlab"])
def either(request: pytest.FixtureRequest, world: World) -> Iterator[Forge]:
    with at_forge(request.param, world) as forge:
        yield forge
