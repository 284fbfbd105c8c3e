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
        match resource.spec:
            case PinterestConnection() | IntercomConnection() as spec if spec.base_url:
                vendor, verb = ("Pinterest", "sends to") if spec.type == "pinterest" else ("Intercom", "reads from")
                yield _problem(
                    resource,
                    "address-not-settable",
                    f"Treasure Data {verb} {vendor}'s own address",
                    "/spec/base_url",
                    f"remove it, or set `endpoints: {{{spec.type}: …}}` in the environment that runs on this machine",
                )
            case SalesforceConnection() as spec:
                yield from object_exports.connection_problems(resource.address, spec)
            case RestConnection():
                yield _problem(
                    resource,
                    "rest-not-reachable",
                    "Treasure Data has no connector for source specifications",
                    "/spec/type",
                    "use it in an environment whose `treasure_data.endpoint` is embedded: its own runner reads them",
                )
            case FilesConnection():
                yield _problem(
                    resource,
                    "files-not-reachable",
                    "Treasure Data cannot read files of this project",
                    "/spec/type",
                    "use it in an environment whose `treasure_data.endpoint` is embedded",
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


def _problem(resource: Resource, code: str, message: str, path: str, hint: str) -> Diagnostic:
    return Diagnostic(code, message, Severity.ERROR, subject=str(resource.address), path=path, hint=hint)
