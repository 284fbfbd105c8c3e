"""From a look at the world to ordered changes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from reconciler.engine import needs, safety
from reconciler.engine.decide import Decision
from reconciler.engine.deciding import Decider
from reconciler.engine.graph import dependents_of, ordered
from reconciler.engine.moves import follow
from reconciler.engine.refresh import refresh
from reconciler.engine.remarks import remarks
from reconciler.engine.scoping import Part, narrowed
from reconciler.engine.unread import remembered
from reconciler.engine.world import World
from reconciler.model.activation import Resolution
from reconciler.model.address import Address
from reconciler.model.change import Keep, Undecided
from reconciler.model.observation import Seen
from reconciler.model.plan import Base, Plan
from reconciler.model.record import Record, State
from reconciler.model.scope import EVERYTHING
from reconciler.phases import Progress, phase
from reconciler.ports.provider import Desired
from reconciler.ports.store import Entry, Snapshot


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan and what it was derived from; what the apply of the same run goes on with."""

    plan: Plan
    state: State
    seen: Mapping[Address, Seen]
    desired: Mapping[Address, Desired]
    resolutions: Mapping[Address, Resolution]
    unfinished: Mapping[Address, Entry]


def prepare(world: World, snapshot: Snapshot, part: Part | None = None, replaced: Collection[Address] = ()) -> Prepared:
    """Look at the vendors and derive the plan. Writes nothing anywhere.

    part: when given, only what it comes to is planned (see `scoping.narrowed`); the plan then is not complete.
    replaced: what is to be made anew (see `replacing.asked_for`).

    Raises:
        Blocked: a wrong account answers.
    """
    calls_before = world.api_calls()
    # Before anything else is read.
    guarded = safety.guard_accounts(world, snapshot.state)

    def look(state: State, imports: Mapping[Address, str]) -> Mapping[Address, Seen]:
        def progress() -> Progress:
            sent = sum(world.api_calls().values()) - sum(calls_before.values())
            return Progress(f"reading what is there, {sent} requests sent")

        with phase("read", progress):
            return refresh(world, _with_imports(state, imports), guarded.unknown)

    with phase("plan", "comparing"):
        prepared = _derived(world, snapshot, part, replaced, look)
    api_calls = {vendor: count - calls_before[vendor] for vendor, count in world.api_calls().items()}
    base = replace(prepared.plan.base, accounts=guarded.accounts)
    return replace(prepared, plan=replace(prepared.plan, base=base, api_calls=api_calls))


def prepare_unread(
    world: World, snapshot: Snapshot, part: Part | None = None, replaced: Collection[Address] = ()
) -> Prepared:
    """As `prepare`, without asking any vendor anything: from what *snapshot* remembers (see `unread`)."""
    unfinished = {entry.address for entry in snapshot.unfinished}

    def look(state: State, imports: Mapping[Address, str]) -> Mapping[Address, Seen]:
        return remembered(world, state, imports, unfinished)

    prepared = _derived(world, snapshot, part, replaced, look)
    return replace(prepared, plan=replace(prepared.plan, refreshed=False))


Look = Callable[[State, Mapping[Address, str]], Mapping[Address, Seen]]
"""State with moves followed, and ids of what is to be taken over -> what is there."""


def _derived(
    world: World, snapshot: Snapshot, part: Part | None, replaced: Collection[Address], look: Look
) -> Prepared:
    followed = follow(snapshot.state, world.transitions.moved)
    state = followed.state
    imports = _pending_imports(world, state)
    seen = look(state, imports)
    unfinished = {entry.address: entry for entry in snapshot.unfinished}
    decider = Decider(world, state, seen, unfinished, imports, replaced)
    decisions = decider.decisions(followed.pending)
    edges = needs.edges(world, state, seen, decisions)
    decisions = _hold_dependents(decisions, edges)
    chosen, scope = narrowed(part, edges, needs.makers(decisions)) if part is not None else (None, EVERYTHING)
    order = [address for address in ordered(edges) if chosen is None or address in chosen]
    planned = frozenset(order)
    changes = tuple(decisions[address].change for address in order)
    held = [gate for address in order for gate in decisions[address].gates]
    plan = Plan(
        changes=changes,
        base=Base(
            config_digest=world.config_digest,
            lineage=snapshot.state.lineage,
            serial=snapshot.state.serial,
            environment=world.environment_name,
            accounts=snapshot.state.accounts,
        ),
        gates=(*followed.gates, *held, *safety.gates(world, state, seen, changes)),
        warnings=(*decider.notices, *remarks(world, state, decider.resolutions, changes)),
        complete=chosen is None,
        scope=scope,
        depends_on={address: tuple(sorted(planned.intersection(edges[address]))) for address in order},
        sources=world.sources,
        replace=tuple(sorted(planned.intersection(replaced))),
        settled=len(world.settled),
        vendors={kind: provider.name for kind, provider in world.providers.items()},
    )
    return Prepared(plan, snapshot.state, seen, decider.desired, decider.resolutions, unfinished)


def _pending_imports(world: World, state: State) -> dict[Address, str]:
    """What manifests import and state does not know yet. Whatever it knows by now, an entry may stay."""
    return {
        address: remote_id
        for address, remote_id in world.transitions.imports.items()
        if address in world.resources and address not in state.records
    }


def _with_imports(state: State, imports: Mapping[Address, str]) -> State:
    """*state* as if the imports were remembered, so that they are looked for by their ids."""
    if not imports:
        return state
    asked = {address: Record(remote_id, {}) for address, remote_id in imports.items()}
    return replace(state, records={**state.records, **asked})


def _hold_dependents(
    decisions: Mapping[Address, Decision], edges: Mapping[Address, list[Address]]
) -> dict[Address, Decision]:
    """Nothing is decided for what needs something undecided."""
    held = dict(decisions)
    for address, decision in decisions.items():
        if not isinstance(decision.change, Undecided):
            continue
        for dependent in dependents_of(edges, address):
            change = held[dependent].change
            if not isinstance(change, Undecided | Keep):
                held[dependent] = Decision(Undecided(dependent, f"waits for {address}"), held[dependent].gates)
    return held
