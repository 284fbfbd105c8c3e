"""Which activations feed which audience, and which of them makes it when it is not there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from reconciler.engine.resolve import CREATING
from reconciler.model.address import Address
from reconciler.model.kinds import ActivationSpec, Membership
from reconciler.model.resource import Resource


def audience_of(resource: Resource) -> Address | None:
    """The audience an activation writes to; None for everything else."""
    spec = resource.spec
    return Address("audience", spec.to.audience) if isinstance(spec, ActivationSpec) else None


def makers(resources: Mapping[Address, Resource]) -> dict[Address, Address]:
    """Audience -> the activation whose first run would make it.

    One that replaces goes before one that adds, for its first run leaves exactly the members wanted; then by name. Those of
    journeys make none, for only the journey runs them.
    """
    candidates: dict[Address, list[tuple[bool, Address]]] = defaultdict(list)
    for address, resource in resources.items():
        spec = resource.spec
        if isinstance(spec, ActivationSpec) and spec.membership in CREATING and spec.from_.journey is None:
            target = Address("audience", spec.to.audience)
            candidates[target].append((spec.membership is not Membership.REPLACE, address))
    return {audience: min(feeding)[1] for audience, feeding in candidates.items()}
