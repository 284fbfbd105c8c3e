"""In which order things are done."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping

from reconciler.errors import TdrError
from reconciler.model.address import Address

Edges = Mapping[Address, Iterable[Address]]
"""Address -> the addresses that must be done before it."""


def ordered(edges: Edges) -> list[Address]:
    """Every address after those it needs; among the free ones in alphabetical order, so that plans print the same.

    Needs that are no keys of *edges* are ignored: they are nothing to wait for.

    Raises:
        TdrError: the needs go round in a circle; the message prints it.
    """
    waiting = {address: {need for need in needs if need in edges} for address, needs in edges.items()}
    dependents: dict[Address, list[Address]] = {}
    for address, needs in waiting.items():
        for need in needs:
            dependents.setdefault(need, []).append(address)
    free = [address for address, needs in waiting.items() if not needs]
    heapq.heapify(free)
    order: list[Address] = []
    while free:
        address = heapq.heappop(free)
        order.append(address)
        for dependent in dependents.get(address, ()):
            waiting[dependent].discard(address)
            if not waiting[dependent]:
                heapq.heappush(free, dependent)
    if len(order) < len(waiting):
        circle = _circle({address: needs for address, needs in waiting.items() if needs})
        raise TdrError(f"references go round in a circle: {' -> '.join(map(str, circle))}")
    return order


def _circle(waiting: Mapping[Address, set[Address]]) -> list[Address]:
    """One circle in what is left over, first address repeated at its end."""
    path = [min(waiting)]
    while True:
        following = min(need for need in waiting[path[-1]] if need in waiting)
        if following in path:
            return [*path[path.index(following) :], following]
        path.append(following)


def dependents_of(edges: Edges, address: Address) -> set[Address]:
    """Everything that needs *address*, directly or by way of others."""
    found: set[Address] = set()
    fresh = {address}
    while fresh:
        fresh = {other for other, needs in edges.items() if other not in found and fresh & set(needs)}
        found |= fresh
    return found
