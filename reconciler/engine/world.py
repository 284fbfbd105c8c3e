"""Everything a run works with, gathered once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from reconciler.model.address import Address
from reconciler.model.environment import EnvironmentSpec
from reconciler.model.resource import Resource
from reconciler.model.secret import Secret
from reconciler.ports.clock import Clock
from reconciler.ports.provider import Context, KindTraits, Provider

Fingerprint = Callable[[Secret, str], str]
"""Secret and the pointer of its field -> ``KEY_ID:HEX``."""

NO_TRAITS = KindTraits()


@dataclass(frozen=True, slots=True)
class World:
    """What is declared, who answers, and the environment's rules.

    providers: kind (lower case) -> provider; a kind without one, such as `schedule`, is nothing at any vendor.
    sources: address -> ``file:line``.
    """

    environment_name: str
    environment: EnvironmentSpec
    resources: Mapping[Address, Resource]
    providers: Mapping[str, Provider]
    fingerprint: Fingerprint
    clock: Clock
    config_digest: str = ""
    sources: Mapping[Address, str] = field(default_factory=dict)

    def provider(self, address: Address) -> Provider | None:
        """Who answers for *address*; None when it is nothing at any vendor."""
        return self.providers.get(address.kind)

    def traits(self, address: Address) -> KindTraits:
        """Traits of the kind of *address*."""
        provider = self.provider(address)
        return provider.kinds.get(address.kind, NO_TRAITS) if provider else NO_TRAITS

    def context(self, remote_ids: Mapping[Address, str] | None = None) -> Context:
        """What providers may know besides a resource itself."""
        return Context(resources=self.resources, remote_ids=remote_ids or {})
