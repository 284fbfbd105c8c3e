"""What must be done before what: references as they are declared, and as they were last applied."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.engine.decide import Decision
from reconciler.engine.world import World
from reconciler.model.address import Address
from reconciler.model.change import Adopt, Create, Delete, Disable, Forget, Move, Reason, Replace
from reconciler.model.observation import Seen
from reconciler.model.record import State
from reconciler.model.resource import Resource


def edges(
    world: World, state: State, seen: Mapping[Address, Seen], decisions: Mapping[Address, Decision]
) -> dict[Address, list[Address]]:
    """Address -> what must be done before it.

    An audience that a first run makes comes after that activation, so that edge turns round. Deletions follow the
    references as they were last applied, backwards, and come after what is still declared has let go of them. What is only
    to be remembered, because it was imported as it is, waits for nothing.
    """
    needs: dict[Address, list[Address]] = {}
    for address, decision in decisions.items():
        resource = world.resources.get(address)
        change = decision.change
        if isinstance(change, Adopt) and change.reason is Reason.IMPORTED and not change.fields:
            needs[address] = []
            continue
        declared = _at_vendors(resource, seen) if resource else []
        if isinstance(change, Create) and change.via is not None:
            declared.append(change.via)
        for need in [need for need in declared if _makes(decisions, address, need)]:
            # What the audience needs, such as its connection, the run that makes it needs.
            declared.remove(need)
            declared += _at_vendors(world.resources[need], seen)
        needs[address] = declared
    for audience, maker in makers_anew(decisions).items():
        # Whatever else feeds it would find neither the old one nor the new.
        for address, declared in needs.items():
            if audience in declared and address != maker:
                declared.append(maker)
    for address, decision in decisions.items():
        if isinstance(decision.change, Move) and decision.change.to in needs:
            needs[decision.change.to].append(address)
    _add_letting_go(needs, state, decisions)
    return needs


def _add_letting_go(needs: dict[Address, list[Address]], state: State, decisions: Mapping[Address, Decision]) -> None:
    """What goes waits for everything that named it when it was last applied; what stays waits for nothing that goes."""
    going = {
        address for address, decision in decisions.items() if isinstance(decision.change, Delete | Disable | Forget)
    }
    if not going:
        return
    for address, record in state.records.items():
        if address in needs:
            for need in going.intersection(record.depends_on):
                needs[need].append(address)


def _at_vendors(resource: Resource, seen: Mapping[Address, Seen]) -> list[Address]:
    return [need for need in resource.depends_on if need in seen]


def makers_anew(decisions: Mapping[Address, Decision]) -> dict[Address, Address]:
    """Audience that goes -> the activation whose first run, which comes after that, makes it anew."""
    changes = (decision.change for decision in decisions.values())
    return {change.address: change.via for change in changes if isinstance(change, Replace) and change.via is not None}


def makers(decisions: Mapping[Address, Decision]) -> dict[Address, Address]:
    """Audience that is made, or made anew -> the activation whose first run does that. Neither goes without the other."""
    changes = (decision.change for decision in decisions.values())
    return {
        change.address: change.via
        for change in changes
        if isinstance(change, Create | Replace) and change.via is not None
    }


def _makes(decisions: Mapping[Address, Decision], activation: Address, audience: Address) -> bool:
    decision = decisions.get(audience)
    return decision is not None and isinstance(decision.change, Create) and decision.change.via == activation
