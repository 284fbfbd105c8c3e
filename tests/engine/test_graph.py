"""In which order things are done."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.engine.graph import dependents_of, ordered
from reconciler.errors import TdrError
from reconciler.model.address import Address


def at(name: str) -> Address:
    return Address("query", name)


def test_needs_come_first_and_the_free_ones_in_alphabetical_order() -> None:
    edges = {at("a"): [at("z")], at("b"): [], at("z"): [], at("c"): [at("a"), at("b")]}

    assert ordered(edges) == [at("b"), at("z"), at("a"), at("c")]


def test_a_circle_is_printed() -> None:
    with pytest.raises(TdrError, match=r"query/a -> query/b -> query/a"):
        ordered({at("a"): [at("b")], at("b"): [at("a")], at("c"): [at("a")]})


def test_everything_downstream_is_found() -> None:
    edges = {at("a"): [], at("b"): [at("a")], at("c"): [at("b")], at("d"): []}

    assert dependents_of(edges, at("a")) == {at("b"), at("c")}


@given(st.dictionaries(st.integers(0, 30), st.sets(st.integers(0, 30))))
def test_order_keeps_every_need_and_does_not_depend_on_insertion(needs: dict[int, set[int]]) -> None:
    edges = {at(f"n{key:02}"): [at(f"n{need:02}") for need in below if need < key] for key, below in needs.items()}

    order = ordered(edges)

    assert sorted(order) == sorted(edges)
    assert all(order.index(need) < order.index(key) for key, below in edges.items() for need in below if need in edges)
    assert ordered(dict(reversed(edges.items()))) == order
