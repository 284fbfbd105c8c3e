"""From a look at the world to ordered changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.engine import feeding, safety
from reconciler.engine.decide import Case, Decision, decide, decide_undeclared
from reconciler.engine.diff import Rules
from reconciler.engine.graph import dependents_of, ordered
from reconciler.engine.refresh import refresh
from reconciler.engine.resolve import Audience, identify, resolve, steady_after
from reconciler.engine.world import World
from reconciler.errors import TdrError
from reconciler.model.activation import Outcome, Resolution
from reconciler.model.address import Address
from reconciler.model.change import (
    Adopt,
    Change,
    Create,
    Delete,
    Disable,
    Forget,
    Keep,
    Reason,
    Undecided,
    Update,
    fields_of,
)
from reconciler.model.kinds import ActivationSpec, AudienceSpec
from reconciler.model.observation import Finding, Observation, Seen
from reconciler.model.plan import Base, Plan
from reconciler.model.record import State
from reconciler.model.resource import Resource
from reconciler.model.unknown import Unknown
from reconciler.ports.provider import Desired
from reconciler.ports.store import Entry, Snapshot

CLOCK_SKEW_S = 300
"""How far the vendor's clock and ours may lie apart when telling whether an audience is the one that a killed run made."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan and what it was derived from; what the apply of the same run goes on with."""

    plan: Plan
    state: State
    seen: Mapping[Address, Seen]
    desired: Mapping[Address, Desired]
    resolutions: Mapping[Address, Resolution]
    unfinished: Mapping[Address, Entry]


def prepare(world: World, snapshot: Snapshot, targets: Sequence[Address] = ()) -> Prepared:
    """Look at the vendors and derive the plan. Writes nothing anywhere.

    targets: when given, only these, what they need, and nothing else is planned; the plan then is not complete.

    Raises:
        Blocked: a wrong account answers.
    """
    guarded = safety.guard_accounts(world, snapshot.state)
    calls_before = {provider.name: provider.api_calls for provider in world.providers.values()}
    seen = refresh(world, snapshot.state, guarded.unknown)
    planner = _Planner(world, snapshot, seen)
    decisions = planner.decisions()
    edges = planner.edges(decisions)
    decisions = _hold_dependents(decisions, edges)
    chosen = _closure(targets, edges) if targets else None
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
            accounts=guarded.accounts,
        ),
        gates=(*held, *safety.gates(world, snapshot.state, seen, changes)),
        warnings=tuple(planner.warnings(changes)),
        complete=chosen is None,
        api_calls={
            provider.name: provider.api_calls - calls_before[provider.name]
            for provider in sorted(world.providers.values(), key=lambda provider: provider.name)
        },
        depends_on={address: tuple(sorted(planned.intersection(edges[address]))) for address in order},
        sources=world.sources,
    )
    return Prepared(plan, snapshot.state, seen, planner.desired, planner.resolutions, planner.unfinished)


def _closure(targets: Sequence[Address], edges: Mapping[Address, Sequence[Address]]) -> set[Address]:
    chosen: set[Address] = set()
    fresh = set(targets)
    if unknown := sorted(fresh - set(edges)):
        raise TdrError(f"{unknown[0]} is neither in the manifests nor in the state", hint="see `tdr state list`")
    while fresh:
        chosen |= fresh
        fresh = {need for address in fresh for need in edges[address] if need in edges} - chosen
    return chosen


def _hold_dependents(
    decisions: Mapping[Address, Decision], edges: Mapping[Address, Sequence[Address]]
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


class _Planner:
    """Decides resource by resource; what it finds out on the way (desired values, resolutions) the apply needs again."""

    def __init__(self, world: World, snapshot: Snapshot, seen: Mapping[Address, Seen]) -> None:
        self.world = world
        self.state = snapshot.state
        self.seen = seen
        self.unfinished = {entry.address: entry for entry in snapshot.unfinished}
        self.makers = feeding.makers(world.resources)
        self.desired: dict[Address, Desired] = {}
        self.resolutions: dict[Address, Resolution] = {}
        self._notices: list[Diagnostic] = []
        self._context = world.context(self._known_ids())

    def _known_ids(self) -> dict[Address, str]:
        ids = {address: record.remote_id for address, record in self.state.records.items()}
        for address, look in self.seen.items():
            if isinstance(look, Finding) and look.by_id is None:
                ids.pop(address, None)
                if len(look.by_key) == 1:
                    ids[address] = look.by_key[0].remote_id
        return ids

    def decisions(self) -> dict[Address, Decision]:
        """A decision for everything declared that is something at a vendor, and for everything remembered."""
        decided: dict[Address, Decision] = {}
        for address, resource in self.world.resources.items():
            if address in self.seen:
                decided[address] = self._declared(resource)
        for address, record in self.state.records.items():
            if address not in self.world.resources:
                look = self.seen.get(address)
                decided[address] = (
                    Decision(Undecided(address, f"no provider knows the kind {address.kind!r}"))
                    if look is None
                    else decide_undeclared(address, record, look)
                )
        self._follow_renames(decided)
        return decided

    def _follow_renames(self, decided: dict[Address, Decision]) -> None:
        """An object whose document has another name now is taken over under it and not deleted under the old one."""
        declared = {
            (address.kind, decision.change.remote_id): address
            for address, decision in decided.items()
            if isinstance(decision.change, Adopt | Keep | Update) and address in self.world.resources
        }
        for address, decision in list(decided.items()):
            change = decision.change
            if not isinstance(change, Delete | Disable) or (address.kind, change.remote_id) not in declared:
                continue
            new = declared[address.kind, change.remote_id]
            decided[address] = Decision(Forget(address, change.remote_id, Reason.MOVED))
            gates = tuple(gate for gate in decided[new].gates if gate.rule != "adoption_required")
            decided[new] = Decision(decided[new].change, gates)
            message = f"{address} is called {new} now; its object {change.remote_id} stays"
            self._notices.append(Diagnostic("renamed", message, Severity.NOTICE, subject=str(new)))

    def _declared(self, resource: Resource) -> Decision:
        address = resource.address
        provider = self.world.providers[address.kind]
        resolution = self._resolution(resource)
        steady = resolution
        if resolution is not None:
            self.resolutions[address] = resolution
            steady = self._end_of(resource, resolution)
        context = self._context if steady is None else replace(self._context, resolution=steady)
        desired = provider.desired(resource, context)
        self.desired[address] = desired
        record = self.state.records.get(address)
        traits = self.world.traits(address)
        decision = decide(
            Case(
                resource=resource,
                record=record,
                seen=self.seen[address],
                desired=desired.attributes,
                rules=Rules(traits, self.world.fingerprint, self.world.ignored(resource)),
                resolution=resolution,
                via=self.makers.get(address),
                recovered=self._is_recovered(address),
                pending=self._is_pending(address, traits.visible_within_s),
                chosen_id=_chosen_id(resource),
            )
        )
        if isinstance(decision.change, Create) and address.kind == "audience" and decision.change.via is None:
            return self._unfed(address)
        return decision

    def _unfed(self, address: Address) -> Decision:
        """An audience is made of members, so one that nothing feeds cannot be made yet."""
        why = "is not made yet: no activation replaces or adds its members"
        self._notices.append(
            Diagnostic("unfed-audience", f"{address} {why}", Severity.WARNING, subject=str(address), hint="declare one")
        )
        return Decision(Keep(address, "", why))

    def _resolution(self, resource: Resource) -> Resolution | None:
        target = feeding.audience_of(resource)
        if target is None or not isinstance(resource.spec, ActivationSpec):
            return None
        declared = self.world.resources[target]
        verbs = self.world.traits(target).verbs
        if not isinstance(declared.spec, AudienceSpec) or verbs is None:
            return None
        maker = self.makers.get(target)
        view = Audience(
            address=target,
            title=declared.spec.title,
            description=declared.spec.description or "",
            seen=self.seen.get(target),
            record=self.state.records.get(target),
            chosen_id=declared.spec.audience_id or "",
            made_by_other=maker is not None and maker != resource.address,
        )
        return resolve(resource.spec.membership, view, verbs)

    def _end_of(self, resource: Resource, resolution: Resolution) -> Resolution:
        """What the reader of a plan should see: the state a bootstrap ends in."""
        target = feeding.audience_of(resource)
        verbs = self.world.traits(target).verbs if target else None
        spec = resource.spec
        if resolution.outcome is not Outcome.BOOTSTRAP or target is None or verbs is None:
            return resolution
        return steady_after(spec.membership, Unknown(target), verbs) if isinstance(spec, ActivationSpec) else resolution

    def _is_recovered(self, address: Address) -> bool:
        entry = self.unfinished.get(address)
        if entry is not None and entry.step == "create":
            return True
        maker = self.makers.get(address)
        record = self.state.records.get(maker) if maker else None
        if record is None or not record.phase:
            return False
        found = self.seen.get(address)
        since = record.resolved.get("bootstrap_since")
        if not isinstance(found, Finding) or not isinstance(since, int | float):
            return False
        meant = identify(found)
        if not isinstance(meant, Observation):
            return False
        return meant.created_at is None or meant.created_at >= since - CLOCK_SKEW_S

    def _is_pending(self, address: Address, visible_within_s: float) -> bool:
        if not visible_within_s:
            return False
        now = self.world.clock.now()
        entry = self.unfinished.get(address)
        if entry is not None and entry.step == "create" and now - entry.at < visible_within_s:
            return True
        record = self.state.records.get(address)
        if record is None or not record.unseen_since:
            return False
        return now - datetime.fromisoformat(record.unseen_since).timestamp() < visible_within_s

    def edges(self, decisions: Mapping[Address, Decision]) -> dict[Address, list[Address]]:
        """Address -> what must be done before it.

        An audience that a first run makes comes after that activation, so that edge turns round. Deletions follow the
        references as they were last applied, backwards, and come after what is still declared has let go of them.
        """
        needs: dict[Address, list[Address]] = {}
        for address, decision in decisions.items():
            resource = self.world.resources.get(address)
            declared = list(self._at_vendors(resource)) if resource else []
            change = decision.change
            if isinstance(change, Create) and change.via is not None:
                declared.append(change.via)
            for need in [need for need in declared if self._makes(decisions, address, need)]:
                # What the audience needs, such as its connection, the run that makes it needs.
                declared.remove(need)
                declared += self._at_vendors(self.world.resources[need])
            needs[address] = declared
        self._add_letting_go(needs, decisions)
        return needs

    def _add_letting_go(self, needs: dict[Address, list[Address]], decisions: Mapping[Address, Decision]) -> None:
        """What goes waits for everything that named it when it was last applied; what stays waits for nothing that goes."""
        going = {
            address for address, decision in decisions.items() if isinstance(decision.change, Delete | Disable | Forget)
        }
        for address, record in self.state.records.items():
            if address in needs:
                for need in going.intersection(record.depends_on):
                    needs[need].append(address)

    def _at_vendors(self, resource: Resource) -> list[Address]:
        return [need for need in resource.depends_on if need in self.seen]

    @staticmethod
    def _makes(decisions: Mapping[Address, Decision], activation: Address, audience: Address) -> bool:
        decision = decisions.get(audience)
        return decision is not None and isinstance(decision.change, Create) and decision.change.via == activation

    def warnings(self, changes: Sequence[Change]) -> list[Diagnostic]:
        """What a reader should know besides the changes."""
        found = list(self._notices)
        creating = {
            traits.verbs.create
            for provider in self.world.providers.values()
            for traits in provider.kinds.values()
            if traits.verbs is not None
        }
        for change in changes:
            address = change.address
            resolution = self.resolutions.get(address)
            if isinstance(change, Keep) and resolution is None:
                continue
            if resolution is not None and resolution.outcome is Outcome.NOTHING:
                found.append(
                    Diagnostic(
                        "nothing-to-do", f"{address}: {resolution.evidence}", Severity.WARNING, subject=str(address)
                    )
                )
            record = self.state.records.get(address)
            in_create_mode = any(
                field.before in creating for path, field in fields_of(change).items() if path.endswith("/action")
            )
            if in_create_mode and not (record and record.phase):
                message = f"{address}: its export is in create mode, so every run after the first would fail"
                found.append(Diagnostic("create-mode", message, Severity.WARNING, subject=str(address)))
        return found


def _chosen_id(resource: Resource) -> str:
    return (resource.spec.audience_id or "") if isinstance(resource.spec, AudienceSpec) else ""
