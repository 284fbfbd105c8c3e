"""The family of activations. Some are saved queries with an export, others belong to a segment, others are steps of a journey:
a document's `from` says which.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, TypeAlias

from reconciler.diagnostics import Diagnostic
from reconciler.errors import Permanent
from reconciler.model.address import Address
from reconciler.model.kinds import ActivationSpec
from reconciler.model.observation import Observation, Seen, Unreadable
from reconciler.model.resource import Resource
from reconciler.ports.provider import Context, KindTraits, Wanted
from reconciler.providers.treasure_data.activations import is_of_segment
from reconciler.providers.treasure_data.family import Attributes
from reconciler.providers.treasure_data.journey_activations import is_of_journey
from reconciler.providers.treasure_data.queries import SavedQueries


class Observes(Protocol):
    """What looks at objects."""

    def observe(self, wanted: Sequence[Wanted], context: Context) -> Mapping[Address, Seen]:
        """A look at all of *wanted*."""
        ...


class _Verbs(Observes, Protocol):
    """The verbs of a family, for activations of one source."""

    def check(self, resource: Resource, context: Context) -> Iterator[Diagnostic]: ...
    def attributes(self, resource: Resource, context: Context) -> Attributes: ...
    def create(self, resource: Resource, attributes: Attributes) -> Observation: ...
    def update(
        self, resource: Resource, remote_id: str, attributes: Attributes, changed: frozenset[str]
    ) -> Observation: ...
    def delete(self, address: Address, remote_id: str) -> None: ...
    def disable(self, address: Address, remote_id: str) -> None: ...


Source: TypeAlias = str
"""``query``, ``segment`` or ``journey``: the key of `from`."""


class Activations:
    """The verbs for all, each handed to the one whose object it is."""

    def __init__(self, queries: SavedQueries, others: Mapping[Source, _Verbs]) -> None:
        """Hand on to *queries* and *others*, which is empty where nobody answers for segments and journeys."""
        self._verbs: Mapping[Source, _Verbs] = {"query": queries, **others}
        self.kinds: Mapping[str, KindTraits] = {"activation": queries.kinds["activation"]}

    def check(self, resource: Resource, context: Context) -> Iterator[Diagnostic]:
        """What can be said without any call."""
        return self._of(source_of(resource)).check(resource, context)

    def attributes(self, resource: Resource, context: Context) -> Attributes:
        """What is wanted, normalised as observations are."""
        return self._of(source_of(resource)).attributes(resource, context)

    def observe(self, wanted: Sequence[Wanted], context: Context) -> Mapping[Address, Seen]:
        """A look at those of each source of which something is asked."""
        by_verbs: dict[Observes, list[Wanted]] = defaultdict(list)
        seen: dict[Address, Seen] = {}
        for question in wanted:
            answering = self.answering(question)
            if isinstance(answering, Unreadable):
                seen[question.address] = answering
            else:
                by_verbs[answering].append(question)
        for verbs, questions in by_verbs.items():
            seen |= verbs.observe(questions, context)
        return seen

    def answering(self, question: Wanted) -> Observes | Unreadable:
        """Who looks at what one question asks for: for an export of a query the family of queries, which need one list then."""
        remembered = None if question.record is None else source_told(question.record.remote_id)
        source = remembered or "query" if question.resource is None else source_of(question.resource)
        if remembered in {None, source}:
            return self._of(source)
        message = f"{question.address}: it was made of a {remembered}, and its document names a {source} now"
        hint = f"give the activation of the {source} another document name"
        return Unreadable(Permanent(message, hint=hint))

    def create(self, resource: Resource, attributes: Attributes) -> Observation:
        """Make it."""
        return self._of(source_of(resource)).create(resource, attributes)

    def update(
        self, resource: Resource, remote_id: str, attributes: Attributes, changed: frozenset[str]
    ) -> Observation:
        """Change the top-level fields *changed*."""
        return self._of(source_of(resource)).update(resource, remote_id, attributes, changed)

    def delete(self, address: Address, remote_id: str) -> None:
        """Remove it; NotFound when it is gone already."""
        self._of(source_told(remote_id)).delete(address, remote_id)

    def disable(self, address: Address, remote_id: str) -> None:
        """Take its schedule off."""
        self._of(source_told(remote_id)).disable(address, remote_id)

    def _of(self, source: Source) -> _Verbs:
        if source not in self._verbs:
            raise Permanent("nobody here answers for segments and journeys")
        return self._verbs[source]


def source_of(resource: Resource) -> Source:
    """Where the rows of *resource* come from."""
    spec = resource.spec
    if not isinstance(spec, ActivationSpec) or spec.from_.query is not None:
        return "query"
    return "journey" if spec.from_.journey is not None else "segment"


def source_told(remote_id: str) -> Source:
    """Where the rows of the activation *remote_id* come from."""
    if is_of_segment(remote_id):
        return "segment"
    return "journey" if is_of_journey(remote_id) else "query"
