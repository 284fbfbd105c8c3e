from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from export_world import Exports


@pytest.fixture
def exports(tmp_path: Path) -> Exports:
    return Exports(tmp_path)


@pytest.fixture
def make_exports(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Exports]:
    return lambda: Exports(tmp_path_factory.mktemp("exports"))
