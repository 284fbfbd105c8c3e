"""The family of activations. Some are saved queries with an export, others belong to a segment: a document's `from` says which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.diagnostics import Diagnostic
from reconciler.errors import Permanent
from reconciler.model.address import Address
from reconciler.model.kinds import ActivationSpec
from reconciler.model.observation import Observation, Seen, Unreadable
from reconciler.model.resource import Resource
from reconciler.ports.provider import Context, KindTraits, Wanted
from reconciler.providers.treasure_data.activations import SegmentActivations, is_of_segment
from reconciler.providers.treasure_data.family import Attributes
from reconciler.providers.treasure_data.queries import SavedQueries


class Activations:
    """The verbs for both, each handed to the one whose object it is."""

    def __init__(self, queries: SavedQueries, of_segments: SegmentActivations | None) -> None:
        """Hand on to *queries* and *of_segments*; None where nobody answers for segments."""
        self._queries = queries
        self._of_segments = of_segments
        self.kinds: Mapping[str, KindTraits] = {"activation": queries.kinds["activation"]}

    def check(self, resource: Resource, context: Context) -> Iterator[Diagnostic]:
        """What can be said without any call."""
        return (self._segments() if of_segment(resource) else self._queries).check(resource, context)

    def attributes(self, resource: Resource, context: Context) -> Attributes:
        """What is wanted, normalised as observations are."""
        return (self._segments() if of_segment(resource) else self._queries).attributes(resource, context)

    def observe(self, wanted: Sequence[Wanted], context: Context) -> Mapping[Address, Seen]:
        """A look at the saved queries, and one at the activations of segments, where something is asked of them."""
        of_queries: list[Wanted] = []
        of_segments: list[Wanted] = []
        seen: dict[Address, Seen] = {}
        for question in wanted:
            remembered = question.record is not None and is_of_segment(question.record.remote_id)
            if question.resource is None:
                (of_segments if remembered else of_queries).append(question)
            elif of_segment(question.resource):
                of_segments.append(question)
            elif remembered:
                message = f"{question.address}: it was made of a segment, and its document says a query now"
                hint = "give the activation of the query another document name"
                seen[question.address] = Unreadable(Permanent(message, hint=hint))
            else:
                of_queries.append(question)
        if of_queries:
            seen |= self._queries.observe(of_queries, context)
        if of_segments:
            seen |= self._segments().observe(of_segments, context)
        return seen

    def create(self, resource: Resource, attributes: Attributes) -> Observation:
        """Make it."""
        return (self._segments() if of_segment(resource) else self._queries).create(resource, attributes)

    def update(
        self, resource: Resource, remote_id: str, attributes: Attributes, changed: frozenset[str]
    ) -> Observation:
        """Change the top-level fields *changed*."""
        family = self._segments() if of_segment(resource) else self._queries
        return family.update(resource, remote_id, attributes, changed)

    def delete(self, address: Address, remote_id: str) -> None:
        """Remove it; NotFound when it is gone already."""
        (self._segments() if is_of_segment(remote_id) else self._queries).delete(address, remote_id)

    def disable(self, address: Address, remote_id: str) -> None:
        """Take its schedule off."""
        (self._segments() if is_of_segment(remote_id) else self._queries).disable(address, remote_id)

    def _segments(self) -> SegmentActivations:
        if self._of_segments is None:
            raise Permanent("nobody here answers for segments")
        return self._of_segments


def of_segment(resource: Resource) -> bool:
    """Whether *resource* activates a segment."""
    return isinstance(resource.spec, ActivationSpec) and resource.spec.from_.segment is not None
