"""One look, one memory, one declaration: what is to be done with one resource."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import assert_never

from reconciler.engine.diff import Rules, Tree, differences
from reconciler.engine.resolve import NOT_MADE_HERE, candidates, identify
from reconciler.errors import ProviderError
from reconciler.model.activation import Outcome, Resolution
from reconciler.model.address import Address
from reconciler.model.change import (
    Adopt,
    Change,
    Create,
    Delete,
    Disable,
    FieldChange,
    Forget,
    Keep,
    Origin,
    Reason,
    Replace,
    Undecided,
    Update,
)
from reconciler.model.marker import marker, owner_in
from reconciler.model.observation import Finding, Observation, Seen, Unreadable
from reconciler.model.plan import Gate
from reconciler.model.record import Record
from reconciler.model.resource import Resource
from reconciler.model.secret import OF_ANOTHER_KEY
from reconciler.model.spec import Adopt as AdoptRule
from reconciler.model.spec import OnDelete
from reconciler.ports.provider import Anew, FieldClass


@dataclass(frozen=True, slots=True)
class Case:
    """Everything known of one declared resource.

    recovered: a killed run was making it, so that a single object found by its natural key is ours.
    pending: it was made so recently that a look may still miss it.
    chosen_id: the id its document names, or "".
    imported_id: the id that `imports` gives to it while the state does not know it, or "".
    owner: ``PROJECT/ENVIRONMENT`` that marks what it makes, or "".
    """

    resource: Resource
    record: Record | None
    seen: Seen
    desired: Tree
    rules: Rules
    resolution: Resolution | None = None
    via: Address | None = None
    recovered: bool = False
    pending: bool = False
    chosen_id: str = ""
    imported_id: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """A change, and the gates it raises."""

    change: Change
    gates: tuple[Gate, ...] = field(default=())


def steady(record: Record | None, seen: Seen, desired: Tree) -> Observation | None:
    """The object, where what is declared, what was last applied and what is there are the same; else None.

    Told before anything is put together for `decide`, which would come to the same: in most plans most resources are so.
    Secrets and what is not known yet are not in state, so a resource with such a field never is.
    """
    if record is None or record.phase or isinstance(seen, Unreadable) or seen.by_id is None:
        return None
    return seen.by_id if record.applied == desired and seen.by_id.attributes == desired else None


def decide(case: Case) -> Decision:  # noqa: PLR0911 - a decision table returns once a row
    """What to do with a declared resource. Unreadable is never absent, and two of one name are never guessed between."""
    address = case.resource.address
    if isinstance(case.seen, Unreadable):
        return Decision(Undecided(address, _told(case.seen.error)))
    if case.resolution is not None and case.resolution.outcome in (Outcome.UNKNOWN, Outcome.REFUSE, Outcome.NOTHING):
        return _held_by_resolution(case, case.resolution)
    if case.record is not None and case.seen.by_id is not None:
        return _compare(case, case.record, case.seen.by_id)
    if case.imported_id:
        return _imported(case, case.seen.by_id)
    meant = identify(case.seen, case.chosen_id)
    if isinstance(meant, Observation):
        return _found_by_key(case, meant)
    if meant:
        return _ambiguous(case, meant)
    if case.chosen_id:
        message = f"{address}: there is no object {case.chosen_id}"
        return Decision(
            Undecided(address, message), (Gate("identity", message, (address,), "correct or remove the id"),)
        )
    if case.pending:
        if case.record is None:
            return Decision(
                Undecided(address, "its creation was cut off moments ago and may not show yet; run again soon")
            )
        return Decision(Keep(address, case.record.remote_id, "made moments ago, does not show yet"))
    return _create(case)


def _told(error: ProviderError) -> str:
    """What a reader of a plan is told: what happened, and what now."""
    return f"{error.message}; {error.hint}" if error.hint else error.message


def _held_by_resolution(case: Case, resolution: Resolution) -> Decision:
    address = case.resource.address
    match resolution.outcome:
        case Outcome.NOTHING:
            return Decision(Keep(address, case.record.remote_id if case.record else "", resolution.evidence))
        case Outcome.REFUSE:
            hint = "name the one meant in the audience's `audience_id`"
            if resolution.why == NOT_MADE_HERE:
                hint = "let an activation of a query or a segment make the audience first"
            gate = Gate(resolution.why, f"{address}: {resolution.evidence}", (address,), hint)
            return Decision(Undecided(address, resolution.evidence), (gate,))
        case _:
            return Decision(Undecided(address, resolution.evidence))


def _create(case: Case) -> Decision:
    reason = Reason.NOT_YET_CREATED if case.record is None else Reason.MISSING_REMOTELY
    fields = differences(case.desired, {}, None, case.rules)
    return Decision(Create(case.resource.address, fields, reason, case.resolution, case.via))


def _compare(case: Case, record: Record, found: Observation) -> Decision:
    address = case.resource.address
    fields = differences(case.desired, found.attributes, record, case.rules)
    if record.phase:
        return Decision(Update(address, found.remote_id, fields, Reason.BOOTSTRAP_UNFINISHED, case.resolution))
    if not fields:
        return Decision(Keep(address, found.remote_id, found.note))
    fixed = [change for change in fields if case.rules.traits.classes.get(change.path) is FieldClass.IMMUTABLE]
    if fixed:
        gates: tuple[Gate, ...] = ()
        if record.protect or case.resource.lifecycle.protect:
            gates = (protected(address, f"changing {fixed[0].path} means making it anew"),)
        if case.rules.traits.anew is Anew.NEVER:
            gates = (*gates, _with_contents(address, fixed[0]))
        return Decision(Replace(address, found.remote_id, fields, Reason.IMMUTABLE_FIELD, case.resolution), gates)
    return Decision(Update(address, found.remote_id, fields, reason_of(fields), case.resolution))


def reason_of(fields: Sequence[FieldChange]) -> Reason:
    """Why *fields* differ, in one word."""
    if all(change.secret and change.after is not None for change in fields):
        is_certain = any(change.before != OF_ANOTHER_KEY for change in fields)
        return Reason.SECRET_ROTATED if is_certain else Reason.SECRET_UNVERIFIABLE
    origins = {change.origin for change in fields}
    if origins == {Origin.UPGRADE}:
        return Reason.SCHEMA_UPGRADED
    origins.discard(Origin.UPGRADE)
    if origins == {Origin.CONFIG}:
        return Reason.CONFIG_CHANGED
    return Reason.DRIFT if origins == {Origin.DRIFT} else Reason.CONFIG_AND_DRIFT


def _imported(case: Case, found: Observation | None) -> Decision:
    """The very object that a person has named by its id."""
    address = case.resource.address
    if found is None:
        message = f"{address}: there is no object {case.imported_id!r} to import"
        hint = "correct the id in `imports`, and make sure that account and region are right"
        return Decision(Undecided(address, message), (Gate("import_not_found", message, (address,), hint),))
    if refused := _foreign(case, found):
        return refused
    fields = differences(case.desired, found.attributes, None, case.rules)
    fixed = [change for change in fields if case.rules.traits.classes.get(change.path) is FieldClass.IMMUTABLE]
    if fixed:
        message = f"{address}: object {found.remote_id} is another thing: {fixed[0].path} is {fixed[0].before!r}"
        hint = "correct the document, or the id in `imports`"
        return Decision(Undecided(address, message), (Gate("import_differs", message, (address,), hint),))
    return Decision(Adopt(address, found.remote_id, fields, Reason.IMPORTED, case.resolution))


def _foreign(case: Case, found: Observation) -> Decision | None:
    """Refuse what bears the mark of somebody else."""
    theirs = owner_in(found.marker)
    if not theirs or not case.owner or theirs == case.owner:
        return None
    address = case.resource.address
    message = f"{address}: object {found.remote_id} belongs to {theirs}, as its mark {found.marker!r} says"
    hint = "give it another name, or let its owner forget it and take its mark off"
    return Decision(Undecided(address, message), (Gate("foreign_owner", message, (address,), hint),))


def _found_by_key(case: Case, found: Observation) -> Decision:
    """An object of that name that state does not know: adopt, ask, or refuse."""
    if refused := _foreign(case, found):
        return refused
    address = case.resource.address
    is_marked = bool(found.marker) and found.marker == marker(case.owner, address)
    reason = Reason.JOURNAL_RECOVERED if case.recovered else Reason.ADOPTED_BY_KEY
    if is_marked and not case.recovered:
        reason = Reason.ADOPTED_BY_MARKER
    # Values of an object that is not ours yet were never applied by us, so nothing is drift.
    fields = differences(case.desired, found.attributes, None, case.rules)
    change = Adopt(address, found.remote_id, fields, reason, case.resolution)
    rule = case.resource.lifecycle.adopt
    if case.recovered or is_marked or case.chosen_id or case.rules.traits.referenced or rule is AdoptRule.ALWAYS:
        return Decision(change)
    what = "exists already" if case.record is None else "was deleted and made anew by somebody else"
    message = f"{address}: object {found.remote_id} {what}, and tdr did not make it"
    if rule is AdoptRule.NEVER:
        return Decision(Undecided(address, message), (Gate("adoption_refused", message, (address,)),))
    hint = (
        f"to take it over, add `imports: [{{to: {address}, id: {json.dumps(found.remote_id)}}}]` to a document of "
        "`kind: Transitions`, or `lifecycle: {adopt: always}` to its own; else give it another name"
    )
    return Decision(change, (Gate("adoption_required", message, (address,), hint),))


def _ambiguous(case: Case, found: tuple[Observation, ...]) -> Decision:
    address = case.resource.address
    why = f"{len(found)} objects have its name: {candidates(found)}"
    hint = f"name the one meant: `imports: [{{to: {address}, id: …}}]` in a document of `kind: Transitions`"
    if address.kind == "audience":
        hint = "name the one meant in its document (`audience_id`)"
    gate = Gate("ambiguous_identity", f"{address}: {why}", (address,), hint)
    return Decision(Undecided(address, why), (gate,))


def decide_undeclared(address: Address, record: Record, seen: Seen) -> Decision:
    """What to do with what state remembers and no document declares."""
    if isinstance(seen, Unreadable):
        return Decision(Undecided(address, _told(seen.error)))
    if isinstance(seen, Finding) and seen.by_id is None:
        return Decision(Forget(address, record.remote_id, Reason.GONE))
    match record.on_delete:
        case OnDelete.FORGET:
            return Decision(Forget(address, record.remote_id, Reason.NOT_IN_CONFIG))
        case OnDelete.DISABLE:
            return Decision(Disable(address, record.remote_id, Reason.NOT_IN_CONFIG))
        case OnDelete.BLOCK:
            gate = Gate("on_delete", f"{address}: its last document said `on_delete: block`", (address,))
            return Decision(Delete(address, record.remote_id, Reason.NOT_IN_CONFIG), (gate,))
        case OnDelete.DELETE:
            gates = (protected(address, "this plan would delete it"),) if record.protect else ()
            return Decision(Delete(address, record.remote_id, Reason.NOT_IN_CONFIG), gates)
        case _:
            assert_never(record.on_delete)


def _with_contents(address: Address, change: FieldChange) -> Gate:
    """The gate of what holds others, which nobody renames by taking them away."""
    message = (
        f"{address}: {change.path} cannot be changed, and all that is in it would be deleted with it to make it anew"
    )
    hint = "declare another one under the new name, move what is in this one there, and take this one out then"
    return Gate("contents", message, (address,), hint)


def protected(address: Address, why: str) -> Gate:
    """The gate of what is protected, and *why* that matters."""
    hint = "apply its document with `lifecycle: {protect: false}` first"
    return Gate("protected", f"{address} is protected, and {why}", (address,), hint)
