"""A Pinterest of one's own, and the provider that looks at it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pinterest_scene import CREDENTIALS, Scene

from reconciler.emulators.sandbox import Sandbox


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with Sandbox(CREDENTIALS) as sandbox, Scene(sandbox, tmp_path) as running:
        yield running
