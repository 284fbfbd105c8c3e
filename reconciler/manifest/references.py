"""Names that fields give to other resources: which document each one means, and whether they run in circles."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import TypeVar

from reconciler.diagnostics import did_you_mean
from reconciler.manifest.shapes import Named
from reconciler.model.address import Address
from reconciler.model.resource import Reference

Node = TypeVar("Node", bound=object)

_DIGITS = re.compile("[0-9]")
_ALIKE = 0.75
"""Share of letters in common: one wrong letter in a name of four, two in one of eight."""
_NONE: Mapping[str, Address] = {}


class Names:
    """All declared addresses, for answering what a name means."""

    def __init__(self, declared: Iterable[Address]) -> None:
        """Know the addresses *declared*."""
        self._declared: dict[str, dict[str, Address]] = {}
        self._lookalikes: dict[tuple[str, str], str] = {}
        for address in declared:
            self._declared.setdefault(address.kind, {})[address.name] = address

    def target(self, named: Named) -> Address | None:
        """The address of the document that *named* means, or None."""
        return self._declared.get(named.refers_to.kind, _NONE).get(named.name)

    def lookalike(self, named: Named) -> str:
        """A declared name so near to one that may be undeclared that it was probably meant, or "".

        Names that differ in digits only, such as those of years, are many of one family and mistaken for nothing.
        """
        kind, name = named.refers_to.kind, named.name
        if (kind, name) not in self._lookalikes:
            family = _DIGITS.sub("", name)
            others = [other for other in self._declared.get(kind, _NONE) if _DIGITS.sub("", other) != family]
            near = difflib.get_close_matches(name, others, n=1, cutoff=_ALIKE)
            self._lookalikes[kind, name] = near[0] if near else ""
        return self._lookalikes[kind, name]

    def suggestion(self, named: Named) -> str:
        """What may have been meant instead."""
        kind = named.refers_to.kind
        names = self._declared.get(kind, _NONE)
        if near := did_you_mean(named.name, names):
            return near
        elsewhere = sorted(declared for declared, others in self._declared.items() if named.name in others)
        if elsewhere:
            return f"`{named.name}` is declared as {elsewhere[0]}, and this field names {_article(kind)}"
        return f"declare {_article(kind)} `{named.name}`" + (
            f", or name one of: {', '.join(sorted(names)[:5])}" if names else ""
        )


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def cycles(references: Mapping[Address, Iterable[Reference]]) -> list[tuple[Address, ...]]:
    """Circles in which resources name each other, each from one back to itself; none is in two of them.

    Kinds are looked at first: when they do not run in circles, resources cannot.
    """
    kinds: dict[str, set[str]] = {}
    for source, named in references.items():
        kinds.setdefault(source.kind, set()).update([reference.target.kind for reference in named])
    if _cycle(kinds) is None:
        return []
    remaining = {source: {reference.target for reference in named} for source, named in references.items()}
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
