"""Kinds of objects that Treasure Data treats alike, and what looking for them by name has in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol, TypeAlias

from reconciler.diagnostics import Diagnostic
from reconciler.errors import NotFound, Permanent, ProviderError
from reconciler.model.address import Address
from reconciler.model.json import Json
from reconciler.model.observation import Finding, Observation, Seen, Unreadable
from reconciler.model.resource import Resource
from reconciler.model.secret import Secret
from reconciler.model.unknown import Unknown
from reconciler.ports.provider import Context, KindTraits, Wanted
from reconciler.providers.treasure_data.names import name_of
from reconciler.providers.treasure_data.wire import Raw

Leaf: TypeAlias = "Json | Secret | Unknown"
Attributes: TypeAlias = "Mapping[str, Leaf | Mapping[str, Leaf]]"


class Family(Protocol):
    """The verbs of `ports.provider.Provider` for a few kinds."""

    kinds: Mapping[str, KindTraits]

    def check(self, resource: Resource, context: Context) -> Iterator[Diagnostic]:
        """What can be said without any call."""
        ...

    def attributes(self, resource: Resource, context: Context) -> Attributes:
        """What is wanted, normalised as observations are."""
        ...

    def observe(self, wanted: Sequence[Wanted], context: Context) -> Mapping[Address, Seen]:
        """Look at all of *wanted*."""
        ...

    def create(self, resource: Resource, attributes: Attributes) -> Observation:
        """Make it."""
        ...

    def update(
        self, resource: Resource, remote_id: str, attributes: Attributes, changed: frozenset[str]
    ) -> Observation:
        """Change the top-level fields *changed*; *attributes* has a value for each of them."""
        ...

    def delete(self, address: Address, remote_id: str) -> None:
        """Remove it; NotFound when it is gone already."""
        ...

    def disable(self, address: Address, remote_id: str) -> None:
        """Leave it there, doing nothing."""
        ...


def look(
    wanted: Sequence[Wanted],
    context: Context,
    listed: Callable[[], Iterable[tuple[str, Raw]]],
    observed: Callable[[Address, Raw], Observation],
) -> dict[Address, Seen]:
    """Find *wanted* in one list of the vendor; what the vendor would not list is unreadable, each of it.

    listed: fetches (name or id, object) pairs. An object that nobody wants is not looked into.
    """
    try:
        objects = dict(listed())
    except NotFound:
        objects = {}  # what holds them is not there, so they are not
    except ProviderError as error:
        return unreadable(wanted, error)
    return {question.address: finding(question, context, objects, observed) for question in wanted}


def finding(
    question: Wanted,
    context: Context,
    objects: Mapping[str, Raw],
    observed: Callable[[Address, Raw], Observation],
) -> Seen:
    """What of *objects* (name or id -> object) is meant by one question."""
    remembered = objects.get(question.record.remote_id) if question.record else None
    named = objects.get(name_of(question.resource, context)) if question.resource else None
    try:
        by_id = None if remembered is None else observed(question.address, remembered)
        if named is None:
            return Finding(by_id)
        return Finding(by_id, (by_id if by_id and named is remembered else observed(question.address, named),))
    except ProviderError as error:
        return Unreadable(error)


def unreadable(wanted: Iterable[Wanted], error: ProviderError) -> dict[Address, Seen]:
    """The same failure for all that one call was to tell."""
    return {question.address: Unreadable(error) for question in wanted}


def settled(attributes: Mapping[str, object], resource: Resource) -> None:
    """Refuse to send what waits for something else.

    Raises:
        Permanent: a value is known only after another apply; the engine should have asked again.
    """
    for value in attributes.values():
        if isinstance(value, Unknown):
            raise Permanent(f"{resource.address} waits for {value.waits_for}", hint="apply again once that exists")
        if isinstance(value, Mapping):
            settled(value, resource)
