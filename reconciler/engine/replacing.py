"""Objects that somebody asks to be made anew though nothing about them differs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import assert_never

from reconciler.engine.decide import Case, Decision, protected
from reconciler.engine.scoping import Known
from reconciler.engine.world import World
from reconciler.errors import UsageError
from reconciler.model.address import Address
from reconciler.model.change import Keep, Reason, Replace, Update
from reconciler.model.observation import Finding
from reconciler.model.plan import Gate
from reconciler.model.record import State
from reconciler.model.spec import OnDelete
from reconciler.ports.provider import Anew


def asked_for(patterns: Iterable[str], world: World, state: State) -> frozenset[Address]:
    """What *patterns* name of what is declared, if all of it can be made anew.

    Raises:
        UsageError: a pattern names nothing that is declared, or something that cannot be made anew; with the reason.
    """
    declared = frozenset(address for address in world.resources if world.provider(address) is not None)
    known = Known(declared, "in the manifests", frozenset(world.resources) - declared)
    found = {address for pattern in patterns for address in known.named("--replace", pattern)}
    for address in sorted(found):
        if why := _obstacle(address, world, state):
            raise UsageError(f"--replace: {address} is not made anew on request: {why}", hint="leave it out")
    return frozenset(found)


def _obstacle(address: Address, world: World, state: State) -> str:
    """What speaks against making *address* anew, whatever a person says to it; or ""."""
    traits = world.traits(address)
    if traits.referenced:
        return "people make it elsewhere, and tdr only looks at it"
    record = state.records.get(address)
    if record is not None and record.phase:
        return "its first run is not finished; `tdr apply` finishes it"
    match traits.anew:
        case Anew.FREELY:
            return ""
        case Anew.UNNAMED:
            user = next(_users(address, world, state), None)
            return f"{user} holds its id, and a new one has another" if user else ""
        case Anew.NEVER:
            return "all that is in it would go with it"
        case _:
            assert_never(traits.anew)


def _users(address: Address, world: World, state: State) -> Iterator[Address]:
    """Whatever names *address*, in the manifests or as it was last applied."""
    for one, resource in sorted(world.resources.items()):
        if address in resource.depends_on:
            yield one
    for one, record in sorted(state.records.items()):
        if address in record.depends_on:
            yield one


def made_anew(case: Case, decision: Decision) -> Decision:
    """*decision* for an object that is to be made anew: what is there and ours is replaced, anything else stays decided.

    That it is protected holds it, and so does any other word of its document than to delete it.
    """
    found = case.seen.by_id if isinstance(case.seen, Finding) else None
    change = decision.change
    if case.record is None or found is None or not isinstance(change, Keep | Update):
        return decision
    address, lifecycle = change.address, case.resource.lifecycle
    gates = list(decision.gates)
    if case.record.protect or lifecycle.protect:
        gates.append(protected(address, "replacing it means deleting it"))
    if lifecycle.on_delete is not OnDelete.DELETE:
        told = f"its document says `on_delete: {lifecycle.on_delete.value}`, and replacing it means deleting it"
        gates.append(Gate("on_delete", f"{address}: {told}", (address,)))
    fields = change.fields if isinstance(change, Update) else ()
    anew = Replace(address, found.remote_id, fields, Reason.REQUESTED_REPLACE, case.resolution)
    return Decision(anew, tuple(gates))
