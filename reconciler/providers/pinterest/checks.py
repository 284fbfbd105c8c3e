"""What can be said against an audience offline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.model.address import Address
from reconciler.model.connections import PinterestConnection
from reconciler.model.kinds import AudienceSpec
from reconciler.model.resource import Resource
from reconciler.model.web_address import travels_in_clear


def audience_problems(
    resource: Resource, spec: AudienceSpec, resources: Mapping[Address, Resource]
) -> Iterator[Diagnostic]:
    """Problems of an audience and of the way to its ad account."""
    connection = resources.get(Address("connection", spec.connection))
    if connection is None:
        return  # an unknown name is the loader's finding
    if not isinstance(connection.spec, PinterestConnection):
        kind = getattr(connection.spec, "type", "other")
        yield Diagnostic(
            rule="audience-connection-type",
            message=f"`{connection.address}` is of type `{kind}`, which has no audiences",
            subject=str(resource.address),
            path="/spec/connection",
            hint="name a connection of type `pinterest`",
        )
    elif connection.spec.base_url is not None and travels_in_clear(connection.spec.base_url):
        yield Diagnostic(
            rule="credentials-in-clear",
            message=f"`{connection.address}` sends its credentials unencrypted to another machine",
            severity=Severity.WARNING,
            subject=str(resource.address),
            path="/spec/connection",
            hint="use an https address",
        )
