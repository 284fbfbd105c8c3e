"""What a plan is told besides its changes before anybody says yes: what leaves, what is risky, which rules hold it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.engine.approvals import POLICY
from reconciler.engine.egress import egress_changes
from reconciler.engine.membership import TAKING
from reconciler.engine.planning import Prepared
from reconciler.engine.world import World
from reconciler.model.address import Address
from reconciler.model.change import Adopt, Change, Create, Delete, Disable, Keep, Replace, Undecided, Update
from reconciler.model.egress import EgressChange, Movement
from reconciler.model.kinds import ActivationSpec
from reconciler.model.plan import Gate
from reconciler.model.policy import Level
from reconciler.model.resource import Resource
from reconciler.model.row_activations import ObjectActivationSpec
from reconciler.policy.book import Book
from reconciler.policy.judging import SOON_DAYS, breaches, told, waivers_ending


def reviewed(world: World, prepared: Prepared, book: Book) -> Prepared:
    """*prepared* with gates, warnings, egress and risks added. Looks at what changes, not at what stays."""
    plan = prepared.plan
    doing = [change for change in plan.changes if not isinstance(change, Keep | Undecided)]
    egress = tuple(sorted(egress_changes(world, prepared)))
    held, warned = _policy(world, book, doing)
    warnings = (*plan.warnings, *warned, *ignores_ending(world), *waivers_ending(book, world.today()))
    gates = (*plan.gates, *_gates(world, prepared, doing, egress), *held)
    plan = replace(
        plan,
        base=replace(plan.base, policy_digest=book.digest),
        gates=gates,
        warnings=warnings,
        egress=egress,
        risks=_risks(world, doing, egress),
    )
    return replace(prepared, plan=plan)


def _gates(world: World, prepared: Prepared, doing: Sequence[Change], egress: Sequence[EgressChange]) -> Iterator[Gate]:
    state, thresholds = prepared.state, world.environment.thresholds
    if doing:
        for vendor, account in sorted(prepared.plan.base.accounts.items()):
            known = state.accounts.get(vendor, account)
            if set(account.split(",")) - set(known.split(",")):
                message = f"{vendor}: {account!r} answers, and the state knows {known!r}"
                yield Gate("account_binding", message, (), "make sure that the credentials are those of this project")
    starting = {
        (one.destination, one.leaving.column): one.activation for one in egress if one.movement is Movement.STARTS
    }
    most = thresholds.max_new_egress_columns
    if most is not None and len(starting) > most and len(state.records) >= thresholds.minimum_resources:
        message = f"{len(starting)} columns start leaving; at most {most} may"
        hint = "`thresholds.max_new_egress_columns` of the environment says how many may"
        yield Gate("egress", message, tuple(sorted(set(starting.values()))), hint)
    yield from _connections_in_use(prepared, doing)
    yield from _connections_missed(world, prepared)


def _connections_in_use(prepared: Prepared, doing: Sequence[Change]) -> Iterator[Gate]:
    going = {change.address for change in doing if isinstance(change, Delete | Disable)}
    for connection in sorted(address for address in going if address.kind == "connection"):
        users = [address for address, record in prepared.state.records.items() if connection in record.depends_on]
        staying = sorted(set(users) - {change.address for change in doing})
        if staying:
            names = ", ".join(map(str, staying))
            message = f"{connection} would be deleted, and {names} still uses it"
            yield Gate("connection_in_use", message, (connection, *staying), "let its users go first")


def _connections_missed(world: World, prepared: Prepared) -> Iterator[Gate]:
    """What goes together with the only document that says how to reach it: nothing of the change is done by halves."""
    if not world.resources:
        return  # all of it goes, by the connections that were declared before
    for change in prepared.plan.changes:
        address, record = change.address, prepared.state.records.get(change.address)
        if (
            not isinstance(change, Undecided)
            or record is None
            or address.kind != "audience"
            or address in world.resources
        ):
            continue
        for connection in sorted(
            one for one in record.depends_on if one.kind == "connection" and one not in world.resources
        ):
            message = f"{address} can be deleted only through {connection}, whose document is gone, too"
            hint = f"put the document of {connection} back and apply, which deletes {address}; then remove it and apply again"
            yield Gate("connection_in_use", message, (address, connection), hint)


def _policy(world: World, book: Book, doing: Sequence[Change]) -> tuple[list[Gate], list[Diagnostic]]:
    """Only what this plan touches is held or warned of; the rest is for `tdr validate`."""
    by_rule: dict[str, list[tuple[Address, str, str]]] = defaultdict(list)
    warned: list[Diagnostic] = []
    touched = [change.address for change in doing]
    for breach in breaches(book, world.resources, world.today(), levels=(Level.GATE, Level.WARN), among=touched):
        if breach.level is Level.GATE:
            by_rule[breach.rule.id].append((breach.address, breach.message, breach.rule.hint))
        else:
            warned.append(told(breach))
    return [
        Gate(
            f"{POLICY}{rule}",
            "; ".join(f"{address} {message}" for address, message, _ in found),
            tuple(dict.fromkeys(address for address, _, _ in found)),
            found[0][2],
        )
        for rule, found in by_rule.items()
    ], warned


def ignores_ending(world: World) -> Iterator[Diagnostic]:
    """A warning for each ignored field whose time is over or soon will be."""
    for resource in world.resources.values():
        if resource.lifecycle.ignore:
            yield from _ending(world, resource)


def _ending(world: World, resource: Resource) -> Iterator[Diagnostic]:
    for number, entry in enumerate(resource.lifecycle.ignore):
        if entry.until is None:
            continue
        left = (entry.until - world.today()).days
        if left <= SOON_DAYS:
            what = "is not ignored any more since" if left < 0 else "is ignored until"
            yield Diagnostic(
                "ignore-ends",
                f"{resource.address}: {entry.path} {what} {entry.until} ({entry.reason})",
                Severity.WARNING,
                subject=str(resource.address),
                path=f"/lifecycle/ignore/{number}",
                hint="take the entry out, or give it a new last day in a reviewed change",
            )


def _risks(world: World, doing: Sequence[Change], egress: Sequence[EgressChange]) -> Mapping[Address, tuple[str, ...]]:
    found: dict[Address, set[str]] = defaultdict(set)
    for one in egress:
        found[one.activation].add(one.risk)
    for change in doing:
        resource = world.resources.get(change.address)
        spec = resource.spec if resource else None
        if isinstance(change, Delete | Replace) and change.address.kind in LOST_FOR_GOOD:
            found[change.address].add("irreversible")
        if (
            isinstance(spec, ActivationSpec)
            and isinstance(change, Create | Update | Adopt)
            and spec.membership in TAKING
        ):
            found[change.address].add(f"{spec.membership}s_members")
        if (
            isinstance(spec, ObjectActivationSpec)
            and spec.write.replace
            and isinstance(change, Create | Update | Adopt)
        ):
            found[change.address].add("replaces_records")
    return {address: tuple(sorted(codes)) for address, codes in sorted(found.items())}


LOST_FOR_GOOD = frozenset({"audience", "database", "table", "qlikconnection"})
"""Kinds whose deletion takes members, rows or a person's consent along, which no document brings back."""
