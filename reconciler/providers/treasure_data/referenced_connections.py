"""Connections of an account in which people make them, by consent in the console of Treasure Data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.errors import Permanent, ProviderError
from reconciler.model.address import Address
from reconciler.model.connections import (
    FilesConnection,
    IntercomConnection,
    PinterestConnection,
    RestConnection,
)
from reconciler.model.observation import Finding, Observation, Seen, Unreadable
from reconciler.model.resource import Resource
from reconciler.model.salesforce import SalesforceConnection
from reconciler.ports.provider import Context, KindTraits, Wanted
from reconciler.providers.treasure_data import object_exports
from reconciler.providers.treasure_data.family import Attributes
from reconciler.providers.treasure_data.lookups import Looked, Lookups
from reconciler.providers.treasure_data.names import name_of


class ReferencedConnections:
    """The family of connections that people make: at Treasure Data. They are looked up, and never written."""

    kinds: Mapping[str, KindTraits] = {"connection": KindTraits(referenced=True)}

    def __init__(self, lookups: Lookups) -> None:
        """Look through *lookups*."""
        self._lookups = lookups

    def check(self, resource: Resource, context: Context) -> Iterator[Diagnostic]:
        """Files of this project cannot be reached by the vendor, and its exports go to the address they always go to."""
        del context
        if isinstance(resource.spec, PinterestConnection) and resource.spec.base_url:
            yield Diagnostic(
                "address-not-settable",
                "Treasure Data sends to Pinterest's own address",
                Severity.ERROR,
                subject=str(resource.address),
                path="/spec/base_url",
                hint="remove it, or set `endpoints: {pinterest: …}` in the environment that runs on this machine",
            )
        if isinstance(resource.spec, IntercomConnection) and resource.spec.base_url:
            yield Diagnostic(
                "address-not-settable",
                "Treasure Data reads from Intercom's own address",
                Severity.ERROR,
                subject=str(resource.address),
                path="/spec/base_url",
                hint="remove it, or set `endpoints: {intercom: …}` in the environment that runs on this machine",
            )
        if isinstance(resource.spec, SalesforceConnection):
            yield from object_exports.connection_problems(resource.address, resource.spec)
        if isinstance(resource.spec, RestConnection):
            yield Diagnostic(
                "rest-not-reachable",
                "Treasure Data has no connector for source specifications",
                Severity.ERROR,
                subject=str(resource.address),
                path="/spec/type",
                hint="use it in an environment whose `treasure_data.endpoint` is embedded: its own runner reads them",
            )
        if isinstance(resource.spec, FilesConnection):
            yield Diagnostic(
                "files-not-reachable",
                "Treasure Data cannot read files of this project",
                Severity.ERROR,
                subject=str(resource.address),
                path="/spec/type",
                hint="use it in an environment whose `treasure_data.endpoint` is embedded",
            )

    def attributes(self, resource: Resource, context: Context) -> Attributes:
        """Its name: all that a lookup can tell."""
        return {"name": name_of(resource, context)}

    def observe(self, wanted: Sequence[Wanted], context: Context) -> Mapping[Address, Seen]:
        """All names at once. A connection is known by its name, for a lookup tells nothing of an id."""
        names = {
            question.address: name_of(question.resource, context)
            for question in wanted
            if question.resource is not None
        }
        looks = self._lookups.named(names.values())
        return {
            question.address: self._seen(question, looks.get(names.get(question.address, ""), ()))
            for question in wanted
        }

    @staticmethod
    def _seen(question: Wanted, found: Looked) -> Seen:
        if isinstance(found, ProviderError):
            return Unreadable(found)
        remembered = question.record.remote_id if question.record else ""
        return Finding(next((one for one in found if one.remote_id == remembered), None), tuple(found))

    def create(self, resource: Resource, attributes: Attributes) -> Observation:
        """Refuse.

        Raises:
            Permanent: always; the vendor makes them only after a person's consent.
        """
        name = attributes["name"]
        raise Permanent(
            f"{resource.address}: Treasure Data has no connection {name!r}, and its API cannot make one",
            hint=f"make it once in the console (Integrations Hub, Authentications), call it {name!r}, then apply again",
        )

    def update(
        self, resource: Resource, remote_id: str, attributes: Attributes, changed: frozenset[str]
    ) -> Observation:
        """Nothing of it is ours to change."""
        del resource, changed
        return Observation(remote_id, {"name": str(attributes["name"])})

    def delete(self, address: Address, remote_id: str) -> None:
        """Leave it: it was made by a person."""

    def disable(self, address: Address, remote_id: str) -> None:
        """Leave it."""
