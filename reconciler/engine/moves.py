"""Objects whose document has another name now: told by `moved`, seen by their id, or guessed from what was declared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice, product

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.engine.decide import Decision
from reconciler.engine.diff import without_secrets
from reconciler.model.address import Address
from reconciler.model.change import Adopt, Create, Delete, Disable, Forget, Keep, Move, Reason, Update
from reconciler.model.json import Json
from reconciler.model.plan import Gate
from reconciler.model.record import State
from reconciler.model.resource import Resource
from reconciler.ports.provider import Desired

ALIKE = 0.75
"""Share of equal fields from which a new resource and one that goes are taken for the same under another name."""
MOST_COMPARED = 2_000
"""Pairs that are compared for that: in a plan with more of them nobody renamed one document."""
_NAMES = frozenset({"name", "title"})


@dataclass(frozen=True, slots=True)
class Followed:
    """State as it is after the moves. *pending* are moves that state has not seen yet; *gates* those that cannot be."""

    state: State
    pending: Mapping[Address, Move]
    gates: tuple[Gate, ...] = ()


def follow(state: State, moved: Mapping[Address, Address]) -> Followed:
    """Remember under its new address what *moved* says has one."""
    if not moved:
        return Followed(state, {})
    pending: dict[Address, Move] = {}
    gates: list[Gate] = []
    records = dict(state.records)
    for source, target in sorted(moved.items()):
        record = records.get(source)
        if record is None:
            continue
        there = records.get(target)
        if there is not None and there.remote_id != record.remote_id:
            message = (
                f"{source} cannot move to {target}: the state knows both, as {record.remote_id} and {there.remote_id}"
            )
            hint = "forget one of them with `tdr state rm`, or take the entry out of `moved`"
            gates.append(Gate("moved_to_taken", message, (source, target), hint))
            continue
        # A run that was cut off in the middle of a move has left both.
        records[target] = there or record
        del records[source]
        pending[source] = Move(source, record.remote_id, target)
    if not pending:
        return Followed(state, pending, tuple(gates))
    for address, record in records.items():
        if not pending.keys().isdisjoint(record.depends_on):
            names = {pending[need].to if need in pending else need for need in record.depends_on}
            records[address] = replace(record, depends_on=tuple(sorted(names)))
    return Followed(replace(state, records=records), pending, tuple(gates))


def follow_renames(decided: dict[Address, Decision], declared: Mapping[Address, Resource]) -> Iterator[Diagnostic]:
    """An object whose document has another name now is taken over under it and not deleted under the old one."""
    objects = {
        (address.kind, decision.change.remote_id): address
        for address, decision in decided.items()
        if isinstance(decision.change, Adopt | Keep | Update) and address in declared
    }
    for address, decision in list(decided.items()):
        change = decision.change
        if not isinstance(change, Delete | Disable) or (address.kind, change.remote_id) not in objects:
            continue
        new = objects[address.kind, change.remote_id]
        decided[address] = Decision(Forget(address, change.remote_id, Reason.MOVED))
        gates = tuple(gate for gate in decided[new].gates if gate.rule != "adoption_required")
        decided[new] = Decision(decided[new].change, gates)
        message = f"{address} is called {new} now; its object {change.remote_id} stays"
        yield Diagnostic("renamed", message, Severity.NOTICE, subject=str(new))


def likely_renames(
    decided: Mapping[Address, Decision], desired: Mapping[Address, Desired], state: State
) -> Iterator[Diagnostic]:
    """Something new that is nearly what something else that goes was: the lines that make one of the two."""
    coming = [address for address, decision in decided.items() if isinstance(decision.change, Create)]
    going = [address for address, decision in decided.items() if isinstance(decision.change, Delete | Disable)]
    if not coming or not going:
        return
    told: set[Address] = set()
    for old, new in islice(product(sorted(going), sorted(coming)), MOST_COMPARED):
        if old.kind != new.kind or new not in desired or told & {old, new}:
            continue
        if _likeness(without_secrets(desired[new].attributes), state.records[old].applied) < ALIKE:
            continue
        told |= {old, new}
        yield Diagnostic(
            "looks-like-a-rename",
            f"{new} looks like {old} under another name, and would be made while {old} goes",
            Severity.WARNING,
            subject=str(new),
            hint="if it is the same, add these lines to a file of the manifests:\n"
            "  ---\n  apiVersion: tdr/v1\n  kind: Transitions\n  moved:\n"
            f"  - {{from: {old}, to: {new}}}",
        )


def _likeness(one: Mapping[str, Json], other: Mapping[str, Json]) -> float:
    """Share of equal fields, names left out, 0 to 1."""
    names = (one.keys() | other.keys()) - _NAMES
    return sum(one.get(name) == other.get(name) for name in names) / len(names) if names else 0.0
