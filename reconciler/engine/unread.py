"""A plan without a look at any vendor: what was last applied is taken for what is there.

Such a plan is for reading. What only a look can tell stays undecided, and a saved one is held against the vendors like any
other before anything of it is done.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from reconciler.engine.world import World
from reconciler.errors import ProviderError
from reconciler.model.address import Address
from reconciler.model.kinds import AudienceSpec
from reconciler.model.observation import Finding, Observation, Seen, Unreadable
from reconciler.model.record import Record, State

READ = "plan without `--refresh=false`"


def remembered(
    world: World, state: State, imports: Mapping[Address, str], unfinished: Collection[Address]
) -> dict[Address, Seen]:
    """What *state* remembers, as if it had been seen; of what is declared and not remembered, that it is not there.

    imports, unfinished: what of either only a look can tell: objects to take over, and what a killed run left open.
    """
    seen: dict[Address, Seen] = {}
    for address in sorted(set(world.resources) | state.records.keys()):
        if world.provider(address) is None:
            continue
        record = state.records.get(address)
        if why := _only_a_look_tells(world, address, record, imports, unfinished):
            seen[address] = Unreadable(ProviderError(f"{address}: {why}, and the remote was not read", hint=READ))
        elif record is None:
            seen[address] = Finding(None, ())
        else:
            seen[address] = Finding(Observation(record.remote_id, record.applied), ())
    return seen


def _only_a_look_tells(
    world: World,
    address: Address,
    record: Record | None,
    imports: Mapping[Address, str],
    unfinished: Collection[Address],
) -> str:
    """Why nothing can be said of *address* from memory, or ""."""
    if address in unfinished:
        return "a run that was cut off left something open there"
    if record is not None:
        return ""
    if address in imports:
        return f"object {imports[address]!r} is to be taken over"
    resource = world.resources[address]
    if isinstance(resource.spec, AudienceSpec) and resource.spec.audience_id:
        return "its document names an audience that exists"
    if world.traits(address).referenced:
        return "people make it elsewhere"
    return ""
