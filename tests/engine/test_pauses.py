"""Looks at a job are frequent at first and never stop."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.engine.pauses import AT_MOST_S, WATCHED_AT_MOST_S, pauses


@pytest.mark.parametrize(
    ("at_most_s", "first_nine"),
    [
        (AT_MOST_S, [0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 5.0, 5.0]),
        (WATCHED_AT_MOST_S, [0.05, 0.1, 0.2, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0]),
        (0.3, [0.05, 0.1, 0.2, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3]),
        (0.01, [0.01] * 9),
        (60.0, [0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 60.0, 60.0]),
    ],
)
def test_pauses_grow_up_to_the_longest_which_repeats(at_most_s: float, first_nine: list[float]) -> None:
    assert list(islice(pauses(at_most_s), 9)) == first_nine


@given(st.floats(min_value=0.001, max_value=100), st.integers(min_value=1, max_value=50))
def test_no_pause_is_longer_than_asked_nor_shorter_than_the_one_before(at_most_s: float, count: int) -> None:
    taken = list(islice(pauses(at_most_s), count))

    assert (max(taken) <= at_most_s, taken == sorted(taken), len(taken)) == (True, True, count)
