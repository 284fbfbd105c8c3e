"""Decides resource by resource; what it finds out on the way the apply needs again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.engine import feeding
from reconciler.engine.decide import Case, Decision, decide, decide_undeclared, steady
from reconciler.engine.diff import Rules
from reconciler.engine.making import made_of
from reconciler.engine.moves import follow_renames, likely_renames
from reconciler.engine.replacing import made_anew
from reconciler.engine.resolve import Audience, identify, refuse_making, resolve, steady_after
from reconciler.engine.world import World
from reconciler.model.activation import Outcome, Resolution
from reconciler.model.address import Address
from reconciler.model.change import Adopt, Create, Keep, Move, Replace, Undecided
from reconciler.model.kinds import ActivationSpec, AudienceSpec
from reconciler.model.observation import Finding, Observation, Seen, Unreadable
from reconciler.model.plan import Gate
from reconciler.model.record import Record, State
from reconciler.model.resource import Resource
from reconciler.model.unknown import Unknown
from reconciler.ports.provider import Desired
from reconciler.ports.store import Entry

CLOCK_SKEW_S = 300
"""How far the vendor's clock and ours may lie apart when telling whether an audience is the one that a killed run made."""


class Decider:
    """All decisions of one plan.

    desired, resolutions: by address, of everything declared that is something at a vendor.
    notices: what a reader should know besides the changes.
    """

    def __init__(
        self,
        world: World,
        state: State,
        seen: Mapping[Address, Seen],
        unfinished: Mapping[Address, Entry],
        imports: Mapping[Address, str],
        replaced: Collection[Address] = (),
    ) -> None:
        """Decide by *state* (moves followed) and *seen*; *imports* are ids that state does not know yet.

        replaced: what is to be made anew.
        """
        self.world = world
        self.state = state
        self.seen = seen
        self.unfinished = unfinished
        self.desired: dict[Address, Desired] = {}
        self.resolutions: dict[Address, Resolution] = {}
        self.notices: list[Diagnostic] = []
        self._imports = imports
        self._replaced = frozenset(replaced)
        self._makers = feeding.makers(world.resources)
        self._made_anew: dict[Address, str] = {}
        self._context = world.context(self._known_ids())

    def _known_ids(self) -> dict[Address, str]:
        ids = {address: record.remote_id for address, record in self.world.remembered(self.state)}
        for address, look in self.seen.items():
            if not isinstance(look, Finding):
                continue
            if look.by_id is None:
                ids.pop(address, None)
                if len(look.by_key) == 1:
                    ids[address] = look.by_key[0].remote_id
            elif address in self._imports:
                ids[address] = look.by_id.remote_id
        return ids

    def decisions(self, moves: Mapping[Address, Move]) -> dict[Address, Decision]:
        """A decision for everything declared that is something at a vendor, for everything remembered, and for *moves*."""
        decided: dict[Address, Decision] = {}
        # What feeds an audience has to know whether it is made anew.
        for resource in sorted(self.world.resources.values(), key=lambda resource: resource.address.kind != "audience"):
            if resource.address in self.seen:
                decided[resource.address] = self._declared(resource)
        for address, record in self.world.remembered(self.state):
            if address not in self.world.resources:
                decided[address] = self._undeclared(address, record)
        self.notices += follow_renames(decided, self.world.resources)
        self.notices += likely_renames(decided, self.desired, self.state)
        for source, move in moves.items():
            decided[source] = Decision(move)
        self._refuse_taken(decided)
        return decided

    def _undeclared(self, address: Address, record: Record) -> Decision:
        look = self.seen.get(address)
        if look is None:
            return Decision(Undecided(address, f"no provider knows the kind {address.kind!r}"))
        told = self.world.transitions.removed.get(address)
        return decide_undeclared(address, record if told is None else replace(record, on_delete=told), look)

    def _refuse_taken(self, decided: dict[Address, Decision]) -> None:
        """An object that is one resource already is not imported as another."""
        if not self._imports:
            return
        holders = {(address.kind, record.remote_id): address for address, record in self.state.records.items()}
        for address, remote_id in self._imports.items():
            holder = holders.get((address.kind, remote_id))
            if holder is None or holder == address:
                continue
            message = f"{address}: object {remote_id!r} is {holder} already"
            hint = f"if that is its new name, write `moved: [{{from: {holder}, to: {address}}}]` instead"
            decided[address] = Decision(
                Undecided(address, message), (Gate("import_taken", message, (address, holder), hint),)
            )

    def _declared(self, resource: Resource) -> Decision:
        address = resource.address
        provider = self.world.providers[address.kind]
        resolution = self._resolution(resource)
        context = self._context
        if resolution is not None:
            self.resolutions[address] = resolution
            context = replace(context, resolution=self._end_of(resource, resolution))
        desired = provider.desired(resource, context)
        self.desired[address] = desired
        record, look = self.state.records.get(address), self.seen[address]
        is_replaced = address in self._replaced
        unmoved = steady(record, look, desired.attributes) if resolution is None and not is_replaced else None
        if unmoved is not None:
            return Decision(Keep(address, unmoved.remote_id, unmoved.note))
        traits = self.world.traits(address)
        case = Case(
            resource=resource,
            record=record,
            seen=look,
            desired=desired.attributes,
            rules=Rules(
                traits, self.world.fingerprint, self.world.ignored(resource), self._upgraded_in(resource, record)
            ),
            resolution=resolution,
            via=self._makers.get(address),
            recovered=self._is_recovered(address),
            pending=self._is_pending(address, traits.visible_within_s),
            chosen_id=_chosen_id(resource),
            imported_id=self._imports.get(address, ""),
            owner=self.world.owner,
        )
        decision = made_anew(case, decide(case)) if is_replaced else decide(case)
        if is_replaced and isinstance(decision.change, Keep | Adopt):
            self._not_replaced(address)
        if isinstance(decision.change, Create) and address.kind == "audience" and decision.change.via is None:
            return self._unfed(address)
        if isinstance(decision.change, Replace) and address.kind == "audience":
            return self._anew(decision.change, decision)
        return decision

    def _upgraded_in(self, resource: Resource, record: Record | None) -> str:
        """The present release, where an earlier one applied the very same declaration; else ""."""
        release = self.world.release
        if record is None or not record.made_of or record.written_by == release:
            return ""
        ids = self._context.remote_ids
        declared = made_of(resource, self.world.resources, lambda address: ids.get(address, ""))
        return release if declared == record.made_of else ""

    def _not_replaced(self, address: Address) -> None:
        why = "is not made anew: nothing that tdr made is seen there"
        self.notices.append(Diagnostic("not-replaced", f"{address} {why}", Severity.WARNING, subject=str(address)))

    def _unfed(self, address: Address) -> Decision:
        """An audience is made of members, so one that nothing feeds cannot be made yet."""
        why = "is not made yet: no activation replaces or adds its members"
        self.notices.append(
            Diagnostic("unfed-audience", f"{address} {why}", Severity.WARNING, subject=str(address), hint="declare one")
        )
        return Decision(Keep(address, "", why))

    def _anew(self, change: Replace, decision: Decision) -> Decision:
        """An audience is not deleted unless an activation is there whose first run makes it anew."""
        address = change.address
        maker = self._makers.get(address)
        if maker is None:
            wish = f"{change.fields[0].path} cannot be changed" if change.fields else "it is to be made anew"
            why = f"{wish}, and no activation replaces or adds the members of a new one"
            return Decision(Undecided(address, why), decision.gates)
        if isinstance(self.seen.get(maker), Unreadable):
            return Decision(Undecided(address, f"waits for {maker}, whose run makes it anew"), decision.gates)
        self._made_anew[address] = f"audience {change.remote_id} goes first; its first run makes it anew"
        return Decision(replace(change, via=maker), decision.gates)

    def _resolution(self, resource: Resource) -> Resolution | None:
        target = feeding.audience_of(resource)
        if target is None or not isinstance(resource.spec, ActivationSpec):
            return None
        declared = self.world.resources[target]
        verbs = self.world.traits(target).verbs
        if not isinstance(declared.spec, AudienceSpec) or verbs is None:
            return None
        maker = self._makers.get(target)
        view = Audience(
            address=target,
            title=declared.spec.title,
            description=declared.spec.description or "",
            seen=self.seen.get(target),
            record=self.state.records.get(target),
            chosen_id=declared.spec.audience_id or "",
            made_by_other=maker is not None and maker != resource.address,
        )
        if resource.spec.from_.journey is not None:
            return refuse_making(resolve(resource.spec.membership, view, verbs), target)
        if target not in self._made_anew:
            return resolve(resource.spec.membership, view, verbs)
        resolution = resolve(resource.spec.membership, replace(view, seen=Finding(None, ())), verbs)
        is_maker = resolution.outcome is Outcome.BOOTSTRAP
        return replace(resolution, evidence=self._made_anew[target]) if is_maker else resolution

    def _end_of(self, resource: Resource, resolution: Resolution) -> Resolution:
        """What the reader of a plan should see: the state a bootstrap ends in."""
        target = feeding.audience_of(resource)
        verbs = self.world.traits(target).verbs if target else None
        spec = resource.spec
        if resolution.outcome is not Outcome.BOOTSTRAP or target is None or verbs is None:
            return resolution
        return steady_after(spec.membership, Unknown(target), verbs) if isinstance(spec, ActivationSpec) else resolution

    def _is_recovered(self, address: Address) -> bool:
        if self.world.rebuilds and address not in self.state.records:
            return True
        entry = self.unfinished.get(address)
        if entry is not None and (entry.step == "create" or self._was_renamed(entry)):
            return True
        maker = self._makers.get(address)
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

    def _was_renamed(self, entry: Entry) -> bool:
        """Whether a killed run was giving an object another name, which is its id and is what is found now.

        Natural keys end in the id of such an object. Of others the id stays when they are renamed, so these are found by it.
        """
        record, found = self.state.records.get(entry.address), self.seen.get(entry.address)
        if entry.step != "update" or record is None or entry.natural_key.endswith(f"/{record.remote_id}"):
            return False
        meant = identify(found) if isinstance(found, Finding) else None
        return isinstance(meant, Observation) and entry.natural_key.endswith(f"/{meant.remote_id}")

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


def _chosen_id(resource: Resource) -> str:
    return (resource.spec.audience_id or "") if isinstance(resource.spec, AudienceSpec) else ""
