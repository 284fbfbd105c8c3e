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
    # Numbers in alphabetical order in place of addresses: comparing and hashing those is most of the work.
    alphabetical = sorted(edges)
    numbers = {address: number for number, address in enumerate(alphabetical)}
    waiting = [{numbers[need] for need in edges[address] if need in numbers} for address in alphabetical]
    dependents: list[list[int]] = [[] for _ in alphabetical]
    for number, needs in enumerate(waiting):
        for need in needs:
            dependents[need].append(number)
    free = [number for number, needs in enumerate(waiting) if not needs]  # sorted, so it is a heap
    order: list[Address] = []
    while free:
        number = heapq.heappop(free)
        order.append(alphabetical[number])
        for dependent in dependents[number]:
            waiting[dependent].discard(number)
            if not waiting[dependent]:
                heapq.heappush(free, dependent)
    if len(order) < len(alphabetical):
        circle = _circle(
            {
                alphabetical[number]: {alphabetical[need] for need in needs}
                for number, needs in enumerate(waiting)
                if needs
            }
        )
        raise TdrError(
            f"references go round in a circle: {' -> '.join(map(str, circle))}", hint="take one of these references out"
        )
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
