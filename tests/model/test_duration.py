"""Durations as people write them."""

from __future__ import annotations

import pytest

from reconciler.model.duration import whole_seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), (" 5 m ", 300), ("1h", 3600), ("2d", 172_800), ("0s", 0)],
)
def test_a_number_with_or_without_a_unit_is_whole_seconds(text: str, seconds: int) -> None:
    assert whole_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-1", "1.5h", "1h30m", "5w", "٣m", "9" * 5000])
def test_anything_else_is_no_duration(text: str) -> None:
    assert whole_seconds(text) is None
