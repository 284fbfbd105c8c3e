"""Everything a run works with, gathered once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from reconciler import __version__
from reconciler.model.address import Address
from reconciler.model.environment import EnvironmentSpec
from reconciler.model.record import Record, State
from reconciler.model.resource import Resource
from reconciler.model.secret import Secret
from reconciler.model.transitions import Transitions
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
    transitions: what manifests say became of addresses.
    owner: ``PROJECT/ENVIRONMENT``, as in ownership marks; "" where nobody marks anything.
    settled: resources known to be as declared without a look here; they are not among *resources*, and nothing needs them.
    release: of tdr; what an earlier one applied may be said otherwise now.
    rebuilds: whether the state was lost, so that a single object of a resource's name is taken for its own.
    """

    environment_name: str
    environment: EnvironmentSpec
    resources: Mapping[Address, Resource]
    providers: Mapping[str, Provider]
    fingerprint: Fingerprint
    clock: Clock
    config_digest: str = ""
    sources: Mapping[Address, str] = field(default_factory=dict)
    transitions: Transitions = field(default_factory=Transitions)
    owner: str = ""
    rebuilds: bool = False
    release: str = __version__
    settled: frozenset[Address] = frozenset()

    def api_calls(self) -> dict[str, int]:
        """Vendor -> requests sent to it so far, sorted."""
        return {one.name: one.api_calls for one in sorted(self.providers.values(), key=lambda one: one.name)}

    def provider(self, address: Address) -> Provider | None:
        """Who answers for *address*; None when it is nothing at any vendor."""
        return self.providers.get(address.kind)

    def traits(self, address: Address) -> KindTraits:
        """Traits of the kind of *address*."""
        provider = self.provider(address)
        return provider.kinds.get(address.kind, NO_TRAITS) if provider else NO_TRAITS

    def remembered(self, state: State) -> Iterable[tuple[Address, Record]]:
        """The records of *state* but for what is settled; a store need not build those."""
        if not self.settled:
            return state.records.items()
        return ((address, state.records[address]) for address in state.records if address not in self.settled)

    def today(self) -> date:
        """The day in UTC, on which entries with a last day hold or do not."""
        return datetime.fromtimestamp(self.clock.now(), UTC).date()

    def ignored(self, resource: Resource) -> tuple[str, ...]:
        """Pointers of the fields of *resource* that others may change today."""
        return resource.lifecycle.ignored_on(self.today()) if resource.lifecycle.ignore else ()

    def context(self, remote_ids: Mapping[Address, str] | None = None) -> Context:
        """What providers may know besides a resource itself."""
        return Context(resources=self.resources, remote_ids=remote_ids or {})
