"""Names that fields give to other resources: which document each one means, and whether they run in circles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import TypeVar

from reconciler.diagnostics import did_you_mean
from reconciler.manifest.shapes import Named
from reconciler.model.address import Address

Node = TypeVar("Node", bound=object)


class Names:
    """All declared addresses, for answering what a name means."""

    def __init__(self, declared: Iterable[Address]) -> None:
        """Know the addresses *declared*."""
        self._declared = {(address.kind, address.name): address for address in declared}

    def target(self, named: Named) -> Address | None:
        """The address of the document that *named* means, or None."""
        return self._declared.get((named.refers_to.kind, named.name))

    def suggestion(self, named: Named) -> str:
        """What may have been meant instead."""
        kind = named.refers_to.kind
        names = [name for declared, name in self._declared if declared == kind]
        if near := did_you_mean(named.name, names):
            return near
        elsewhere = sorted(declared for declared, name in self._declared if name == named.name)
        if elsewhere:
            return f"`{named.name}` is declared as {elsewhere[0]}, and this field names {_article(kind)}"
        return f"declare {_article(kind)} `{named.name}`" + (
            f", or name one of: {', '.join(sorted(names)[:5])}" if names else ""
        )


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def cycles(edges: Mapping[Address, Iterable[Address]]) -> list[tuple[Address, ...]]:
    """Circles in *edges*, each from a resource back to itself; resources of one circle are not reported in another.

    Kinds are looked at first: when they do not run in circles, resources cannot.
    """
    kinds: dict[str, set[str]] = {}
    for source, targets in edges.items():
        kinds.setdefault(source.kind, set()).update(target.kind for target in targets)
    if _cycle(kinds) is None:
        return []
    remaining = {source: set(targets) for source, targets in edges.items()}
    found = []
    while (circle := _cycle(remaining)) is not None:
        # graphlib walks from a node to those that depend on it; people read "names" from left to right.
        path = tuple(reversed(circle))
        start = path.index(min(path[:-1], key=str))
        found.append((*path[start:-1], *path[:start], path[start]))
        for address in path:
            remaining.pop(address, None)
    return found


def _cycle(edges: Mapping[Node, Iterable[Node]]) -> list[Node] | None:
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        cycle: list[Node] = error.args[1]
        return cycle
    return None
