"""What a rule is, whoever wrote it, and what it may look at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from reconciler.model.address import Address
from reconciler.model.policy import Level
from reconciler.model.resource import Resource


@dataclass(frozen=True, slots=True)
class Found:
    """Where in a document a rule is broken. *path* is a JSON pointer, *message* one sentence without a full stop."""

    path: str
    message: str


class Declared:
    """All that is declared, and who names whom; the latter is worked out when a rule asks."""

    def __init__(self, resources: Mapping[Address, Resource]) -> None:
        """Look at *resources*."""
        self.resources = resources

    @cached_property
    def users(self) -> Mapping[Address, tuple[Address, ...]]:
        """Address -> who names it, sorted."""
        found: dict[Address, list[Address]] = defaultdict(list)
        for address, resource in self.resources.items():
            for need in resource.depends_on:
                found[need].append(address)
        return {address: tuple(sorted(users)) for address, users in found.items()}


Check = Callable[[Resource, Declared], Iterable[Found]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule.

    kinds: those it is about, as in addresses; empty for all.
    level: what breaking it does unless the policy says otherwise.
    summary: what it asks for, in one sentence, for the documentation.
    """

    id: str
    level: Level
    kinds: frozenset[str]
    summary: str
    hint: str
    check: Check
