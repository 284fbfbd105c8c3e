"""Which resources a run is about: what is meant, and what goes along because of the needs between resources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.diagnostics import closest
from reconciler.engine.graph import dependents_of
from reconciler.engine.world import World
from reconciler.errors import TdrError, UsageError
from reconciler.model.address import Address
from reconciler.model.record import State
from reconciler.model.scope import Labels, Scope, Selector, matching

Edges = Mapping[Address, Sequence[Address]]
"""Address -> the addresses that it needs."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of everything: *meant* by name, glob or label, without what is *excluded*. *asked* is how it was written."""

    meant: frozenset[Address]
    excluded: frozenset[Address]
    asked: Scope


def exactly(addresses: Iterable[Address]) -> Part:
    """The part of *addresses* and what they need."""
    meant = frozenset(addresses)
    return Part(meant, frozenset(), Scope(targets=tuple(map(str, sorted(meant)))))


def part_of_all(scope: Scope, world: World, state: State) -> Part | None:
    """What *scope* means among all that is declared or in *state*; None when it means everything.

    Raises:
        UsageError: a pattern or a selector means nothing; with what is like it.
    """
    if scope.is_everything:
        return None
    known = {address for address in world.resources if world.provider(address) is not None} | set(state.records)
    idle = frozenset(set(world.resources) - known)
    return _part(scope, Known(frozenset(known), "in the manifests or the state", idle), _labels(world))


def part_of_remembered(scope: Scope, world: World, state: State) -> Part | None:
    """As `part_of_all`, among what is in *state* alone."""
    if scope.is_everything:
        return None
    return _part(scope, Known(frozenset(state.records), "in the state"), _labels(world))


@dataclass(frozen=True, slots=True)
class Known:
    """What patterns are matched with. *where* it is, for people; *idle* is what is declared and nothing at any vendor."""

    addresses: frozenset[Address]
    where: str
    idle: frozenset[Address] = frozenset()

    def named(self, flag: str, pattern: str) -> set[Address]:
        """Those that *pattern* names.

        Raises:
            UsageError: it names none.
        """
        found = matching(pattern, self.addresses)
        if found:
            return found
        if idle := matching(pattern, self.idle):
            raise UsageError(
                f"{flag} {pattern!r}: {min(idle)} is nothing at any vendor, so there is nothing to do with it alone",
                hint="name what uses it",
            )
        near = closest(pattern, sorted(map(str, self.addresses)))
        raise UsageError(f"{flag} {pattern!r} matches nothing {self.where}", hint=_or_all(near))


def _labels(world: World) -> Labels:
    return {address: resource.labels for address, resource in world.resources.items()}


def _part(scope: Scope, known: Known, labels: Labels) -> Part:
    meant = set(known.addresses)
    if scope.targets:
        meant = {address for pattern in scope.targets for address in known.named("--target", pattern)}
    excluded = {address for pattern in scope.excludes for address in known.named("--exclude", pattern)}
    for text in scope.selectors:
        meant &= _selected(text, labels)
    if not meant:
        raise UsageError(
            f"nothing {known.where} meets all that is asked for", hint="leave a --target or --selector out"
        )
    if not meant - excluded:
        raise UsageError("all that is meant is excluded", hint="leave an --exclude out")
    return Part(frozenset(meant), frozenset(excluded), scope)


def _selected(text: str, labels: Labels) -> set[Address]:
    selector = Selector.parse(text)
    found = {address for address, own in labels.items() if selector.meets(own)}
    if not found:
        written = {f"{key}={value}" for own in labels.values() for key, value in own.items()}
        near = closest(text, sorted(written))
        raise UsageError(f"--selector {text!r}: no document has such labels", hint=_or_all(near))
    return found


def _or_all(near: str) -> str:
    if near:
        return f"did you mean `{near}`?"
    return "`tdr graph` shows all that is declared, `tdr state list` all that is remembered"


def narrowed(part: Part, edges: Edges, together: Mapping[Address, Address]) -> tuple[set[Address], Scope]:
    """What *part* comes to by the needs in *edges*, and the scope as a reader is told it.

    together: address -> what is never done without it, such as an audience and the activation whose first run makes it.

    What is meant takes along all that it needs. What is excluded takes out all that needs it, so nothing is ever done
    whose need was left out.

    Raises:
        TdrError: something is meant that nobody knows.
    """
    if unknown := sorted(part.meant - set(edges)):
        raise TdrError(f"{unknown[0]} is neither in the manifests nor in the state", hint="see `tdr state list`")
    needs = {address: set(own) for address, own in edges.items()}
    for one, other in together.items():
        for address, companion in ((one, other), (other, one)):
            needs.setdefault(address, set()).add(companion)
    left_out: dict[Address, Address] = {}
    for excluded in sorted(part.excluded):
        for address in dependents_of(needs, excluded) - part.excluded:
            left_out.setdefault(address, excluded)
    chosen: set[Address] = set()
    fresh = set(part.meant) - part.excluded - left_out.keys()
    if not fresh:
        lost, need = min(left_out.items())
        raise UsageError(
            f"all that is meant needs what is excluded: {lost} needs {need}", hint="leave an --exclude out"
        )
    while fresh:
        chosen |= fresh
        fresh = {need for address in fresh for need in needs[address] if need in edges} - chosen
    told = sorted((address, need) for address, need in left_out.items() if address in part.meant)
    return chosen, replace(part.asked, left_out=tuple(told))
