"""Ordered changes and the facts they were derived from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.diagnostics import Diagnostic
from reconciler.model.address import Address
from reconciler.model.change import Change, Create, Forget, Keep, Origin, Reason, Undecided, action, fields_of
from reconciler.model.egress import EgressChange
from reconciler.model.scope import EVERYTHING, Scope


@dataclass(frozen=True, slots=True)
class Gate:
    """A rule that holds the plan until a person decides. *rule* is a stable id such as ``deletes``."""

    rule: str
    message: str
    addresses: tuple[Address, ...] = ()
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Base:
    """What the plan was derived from; a saved plan is refused when one of these has moved.

    config_digest: over the resolved manifests, secrets by fingerprint.
    lineage, serial: of the state read.
    accounts: vendor -> account that answered.
    policy_digest: over the rules that the plan was held to.
    """

    config_digest: str
    lineage: str
    serial: int
    environment: str
    accounts: Mapping[str, str]
    policy_digest: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What apply would do, in order. *complete* is False when *scope* narrows it.

    refreshed: whether the vendors were looked at; else what was last applied stands for what is there.
    api_calls: vendor -> requests made to derive it.
    vendors: kind -> the vendor that answers for it, a key of the base's accounts.
    depends_on: address -> the addresses that must be done before it.
    sources: address -> ``file:line`` of its document, for rendering.
    egress: what starts, stops or changes leaving, sorted by activation and column.
    risks: address -> codes such as ``starts_egress:email_sha256``, sorted.
    replace: what was asked to be made anew though nothing of it need differ, sorted.
    settled: how many more resources stay as they are, which *changes* does not name.
    """

    changes: tuple[Change, ...]
    base: Base
    gates: tuple[Gate, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    complete: bool = True
    scope: Scope = EVERYTHING
    refreshed: bool = True
    api_calls: Mapping[str, int] = field(default_factory=dict)
    depends_on: Mapping[Address, tuple[Address, ...]] = field(default_factory=dict)
    sources: Mapping[Address, str] = field(default_factory=dict)
    egress: tuple[EgressChange, ...] = ()
    risks: Mapping[Address, tuple[str, ...]] = field(default_factory=dict)
    replace: tuple[Address, ...] = ()
    settled: int = 0
    vendors: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do and nothing undecided."""
        return all(isinstance(change, Keep) for change in self.changes)

    @property
    def undecided(self) -> tuple[Undecided, ...]:
        """The resources whose vendor would not tell."""
        return tuple(change for change in self.changes if isinstance(change, Undecided))

    def origins(self) -> dict[str, int]:
        """Origin -> how many changes come from it, sorted; what differs for several reasons counts as both."""
        counted = Counter(
            origin_of(change).value for change in self.changes if not isinstance(change, Keep | Undecided)
        )
        return dict(sorted(counted.items()))

    def summary(self) -> dict[str, int]:
        """Action -> how many, sorted by action."""
        counted = Counter(action(change) for change in self.changes)
        if self.settled:
            counted["noop"] += self.settled
        return dict(sorted(counted.items()))


def origin_of(change: Change) -> Origin:
    """Who moved: somebody at the vendor where an object is gone, else whoever moved its fields."""
    if isinstance(change, Create | Forget) and change.reason in {Reason.MISSING_REMOTELY, Reason.GONE}:
        return Origin.DRIFT
    found = {field.origin for field in fields_of(change).values()}
    if len(found) > 1:
        found.discard(Origin.UPGRADE)  # goes along with what somebody moved
    if len(found) == 1:
        return found.pop()
    return Origin.BOTH if found else Origin.CONFIG
