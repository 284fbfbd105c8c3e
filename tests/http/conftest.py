"""What every test of this folder gets."""

from __future__ import annotations

import pytest
from http_doubles import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
