from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from export_world import Exports
from salesforce_world import Crm, World, running_crm


@pytest.fixture
def exports(tmp_path: Path) -> Exports:
    return Exports(tmp_path)


@pytest.fixture
def make_exports(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Exports]:
    return lambda: Exports(tmp_path_factory.mktemp("exports"))


@pytest.fixture(scope="module")
def crm() -> Iterator[Crm]:
    """An org of Salesforce, for one test after the other."""
    with running_crm() as running:
        yield running


@pytest.fixture
def world(tmp_path: Path, crm: Crm) -> World:
    """A destination in front of an org without records."""
    crm.begin()
    return World(tmp_path, crm)
