"""Columns of rows that came in several parts are those of all of them together, or are left to another look."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.dataplane.columns import Keys, columns, joined

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.sampled_from([0, 1, -7, 2**53, 2**53 + 1, 2**63, 0.5, 2.0, 1e300, Decimal("1.50"), Decimal("0.1" + "0" * 20)])
    | st.text("ab1", max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "b", "a.b"]), inner, max_size=3),
    max_leaves=6,
)
ROWS = st.lists(st.dictionaries(st.sampled_from(["a", "b", "c"]), VALUES, max_size=3), min_size=1, max_size=4)


def in_parts(*parts: list[dict[str, Any]]) -> dict[Any, Any] | None:
    keys: Keys = {}
    return joined([columns(part, keys) for part in parts], keys)


@given(st.lists(ROWS, min_size=1, max_size=4))
def test_parts_give_what_their_rows_give_together(parts: list[list[dict[str, Any]]]) -> None:
    found = in_parts(*parts)

    if found is not None:
        whole = columns([row for part in parts for row in part], {}).arrays
        assert list(found) == list(whole), "the order, too"
        assert {way: str(array.type) for way, array in found.items()} == {
            way: str(array.type) for way, array in whole.items()
        }
        assert {way: array.to_pylist() for way, array in found.items()} == {
            way: array.to_pylist() for way, array in whole.items()
        }


@pytest.mark.parametrize(
    "rows",
    [
        [{"a": 1, "b": {"c": "x"}, "d": [1]}, {"a": 2, "b": {"c": "y"}, "d": []}],
        [{"a": 1}, {"b": None}, {"b": "x", "a": None}],
        [{"a": 1}, {"a": 0.5}],
        [{"a": {"b": 1}}, {"a": {"c": 2, "b": 3}}, {"a": "text"}],
    ],
    ids=["the same keys", "keys that come and go", "whole numbers and fractions", "objects and texts"],
)
def test_what_is_common_needs_no_other_look(rows: list[dict[str, Any]]) -> None:
    assert in_parts(*([row] for row in rows)) is not None


@pytest.mark.parametrize(
    "values",
    [[1, "x"], [True, 1], [2**53 + 1, 0.5], [Decimal("1.50"), Decimal("12.5")]],
    ids=["numbers and texts", "truths and numbers", "numbers that a fraction does not hold", "different digits"],
)
def test_what_depends_on_values_is_looked_at_again(values: list[Any]) -> None:
    assert in_parts(*([{"a": value}] for value in values)) is None
