"""What every test is given: a process that knows no secret of the tests before it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reconciler import known_secrets


@pytest.fixture(autouse=True)
def _forgotten_secrets() -> Iterator[None]:
    """Secrets of shared fixtures are made before this one, and stay known."""
    with known_secrets.OF_PROCESS.scope():
        yield
