"""Changes that cost an audience its members: made anew, or an export told to replace or to clear where it did not.

A new activation is not held: its document is new, and whoever reviews it reads its membership.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.engine.feeding import audience_of
from reconciler.engine.world import World
from reconciler.model.activation import Outcome, Resolution
from reconciler.model.address import Address
from reconciler.model.change import Change, Replace, Update
from reconciler.model.kinds import Membership
from reconciler.model.plan import Gate
from reconciler.model.record import State

TAKING = (Membership.REPLACE, Membership.CLEAR)


def membership_gates(world: World, state: State, changes: Sequence[Change]) -> Iterator[Gate]:
    """A gate for each change after which members are gone that are there today."""
    thresholds = world.environment.thresholds
    for change in changes:
        address = change.address
        if isinstance(change, Replace) and address.kind == "audience" and thresholds.audience_replace:
            message = f"{address}: the audience {change.remote_id} would be deleted with its members and made anew"
            yield Gate("audience_replace", message, (address,), "give the new audience a document of its own")
        elif isinstance(change, Update) and change.resolution is not None and thresholds.membership_change:
            membership = taking(world, address, change.resolution, _mode_before(state, address))
            if membership is not None:
                message = (
                    f"{address}: from its next run on it would {membership} the members of {_audience(world, address)}"
                )
                hint = "`membership: add` and `remove` leave other members alone"
                yield Gate("membership", message, (address,), hint)


def taking(world: World, address: Address, resolution: Resolution, mode_before: str) -> Membership | None:
    """`replace` or `clear` when the export at *address* begins to do that to an audience that exists; else None."""
    resource = world.resources.get(address)
    target = audience_of(resource) if resource else None
    verbs = world.traits(target).verbs if target else None
    if resolution.outcome is not Outcome.STEADY or not resolution.audience_id or verbs is None:
        return None
    if mode_before in (resolution.mode, verbs.create):
        # What the first run made with this membership, it goes on doing.
        return None
    return next((one for one in TAKING if verbs.on_existing[one].action == resolution.mode), None)


def _mode_before(state: State, address: Address) -> str:
    record = state.records.get(address)
    return str(record.resolved.get("mode", "")) if record else ""


def _audience(world: World, address: Address) -> str:
    return str(audience_of(world.resources[address]))
