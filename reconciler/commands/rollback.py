"""`tdr rollback RUN`: an ordinary plan that puts back what a run changed, shown, asked for and applied as any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reconciler.adoption.drafting import ORDER
from reconciler.commands import refreshing
from reconciler.commands.answer import Answer
from reconciler.commands.applying import Run, carry_out
from reconciler.commands.planning import checked, document_of, exit_code_of, review
from reconciler.commands.restoring import Restorer
from reconciler.diagnostics import Diagnostic, Severity
from reconciler.engine.diff import Rules, differences
from reconciler.engine.planning import Prepared, prepare
from reconciler.engine.rollback import Done, cannot_be_undone, done_by, out_of_reach, touched_since, users_of
from reconciler.engine.scoping import exactly
from reconciler.errors import TdrError
from reconciler.model.address import Address
from reconciler.model.change import Change, Delete, Disable, Forget
from reconciler.model.json import Json
from reconciler.model.kinds import ActivationSpec, Membership
from reconciler.model.record import Record
from reconciler.model.resource import Resource
from reconciler.model.transitions import Transitions
from reconciler.ports.provider import Context
from reconciler.ports.store import Snapshot
from reconciler.wiring import Runtime


def rollback(runtime: Runtime, run: Run, run_id: str) -> Answer:
    """Put back what the run *run_id* changed.

    Raises:
        StateError: it is not kept.
        TdrError: it was of another state, or something of it cannot be put back.
    """
    checked(runtime)
    done = _done(runtime, run_id)
    return carry_out(runtime, run, "rollback", lambda snapshot: inverse(runtime, snapshot, done))


def planned(runtime: Runtime, run_id: str) -> Answer:
    """The plan of `rollback`, and nothing else."""
    checked(runtime)
    as_planned, prepared = inverse(runtime, runtime.store.read(), _done(runtime, run_id))
    return Answer(document_of(as_planned, prepared), exit_code_of(prepared, detailed=False))


def _done(runtime: Runtime, run_id: str) -> Sequence[Done]:
    document = runtime.store.run(run_id)
    lineage = runtime.store.read().state.lineage
    if document.get("lineage") != lineage:
        raise TdrError(f"run {run_id} was of another state", hint="see `tdr history`")
    if document.get("operation") == refreshing.OPERATION:
        raise TdrError(
            f"run {run_id} only took into the state what others had changed, so there is nothing to put back at any vendor",
            hint="`tdr apply` makes it as declared; `tdr state restore` goes back to the state before that run",
        )
    done = done_by(document)
    if not done:
        raise TdrError(f"run {run_id} changed nothing", hint="see `tdr history`")
    moved = next((one for one in done if one.action == "move"), None)
    if moved is not None:
        raise TdrError(
            f"{moved.address} was moved by run {run_id}, and a move is not rolled back",
            hint="move it again with `moved: [{from, to}]` or `tdr state mv`",
        )
    return done


def inverse(runtime: Runtime, snapshot: Snapshot, done: Sequence[Done]) -> tuple[Runtime, Prepared]:
    """The plan, and the runtime whose world is as it was before. Writes nothing anywhere.

    Raises:
        TdrError: something cannot be put back.
    """
    records = snapshot.state.records
    world = runtime.world
    names = {(one.kind, record.remote_id): one.name for one, record in records.items()}
    names |= {(one.address.kind, one.before.remote_id): one.address.name for one in done if one.before is not None}
    _refuse_out_of_reach(done, records)
    restorer = Restorer(world, dict(world.resources), names)
    chosen = {one.address for one in done}
    for one in sorted(done, key=_order):
        if one.before is not None:
            restorer.restore(one.address, one.before, take_over=one.is_ours_no_more)
            continue
        users = users_of(one.address, records, chosen)
        if users:
            raise TdrError(
                f"{one.address} was made by that run, and {users[0]} uses it now",
                hint="roll back the later run first; see `tdr history`",
            )
        restorer.resources.pop(one.address, None)
    before = replace(world, resources=_without_dangling(restorer.resources, done), transitions=Transitions())
    targets = sorted(address for address in chosen if address in before.resources or address in records)
    if not targets:
        raise TdrError("nothing of what that run made is there any more", hint="see `tdr history`")
    prepared = prepare(before, snapshot, exactly(targets))
    plan = prepared.plan
    changes = tuple(_kept(change, done) for change in plan.changes if change.address in chosen)
    warnings = (*plan.warnings, *_warnings(runtime, done, snapshot, restorer.resources))
    as_planned = replace(runtime, world=before)
    prepared = replace(prepared, plan=replace(plan, changes=changes, warnings=warnings))
    return as_planned, review(as_planned, prepared)


def _refuse_out_of_reach(done: Sequence[Done], records: Mapping[Address, Record]) -> None:
    for one in done:
        why = out_of_reach(one, records)
        if why:
            raise TdrError(
                f"{one.address} {why}",
                hint="roll back first what did that, or move it back with `tdr state mv`; see `tdr history`",
            )


def _order(done: Done) -> tuple[int, Address]:
    kind = done.address.kind
    return ORDER.index(kind) if kind in ORDER else len(ORDER), done.address


def _without_dangling(resources: Mapping[Address, Resource], done: Sequence[Done]) -> dict[Address, Resource]:
    """*resources* without those that nothing was applied of and that name what goes."""
    going = {one.address for one in done if one.before is None}
    return {
        address: resource
        for address, resource in resources.items()
        if address not in going and not going.intersection(resource.depends_on)
    }


def _kept(change: Change, done: Sequence[Done]) -> Change:
    """*change*, but what the run only took notice of is only forgotten."""
    adopted = {one.address for one in done if one.action == "adopt" and one.before is None}
    if isinstance(change, Delete | Disable) and change.address in adopted:
        return Forget(change.address, change.remote_id, change.reason)
    return change


# -- what a reader must know -------------------------------------------------------------------------------------------


def _warnings(
    runtime: Runtime, done: Sequence[Done], snapshot: Snapshot, restored: Mapping[Address, Resource]
) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    for one in sorted(done, key=lambda one: one.address):
        subject = str(one.address)
        found += [
            Diagnostic("irreversible", f"{one.address}: {what}", Severity.WARNING, subject=subject)
            for what in cannot_be_undone(one)
        ]
        if touched_since(one, snapshot.state.records.get(one.address)):
            message = f"{one.address} was changed again since that run; that goes too"
            found.append(Diagnostic("changed-since", message, Severity.WARNING, subject=subject))
        contradiction = _contradiction(runtime, one, restored)
        if contradiction:
            hint = "go back in the manifests too, or the next `tdr apply` undoes this rollback"
            found.append(Diagnostic("manifests-differ", contradiction, Severity.WARNING, subject=subject, hint=hint))
    return found


def _contradiction(runtime: Runtime, done: Done, restored: Mapping[Address, Resource]) -> str:
    """What the manifests say otherwise, or ""."""
    address = done.address
    declared = runtime.world.resources.get(address)
    if done.before is None:
        return f"your manifests still declare {address}: the next plan will make it again" if declared else ""
    if declared is None:
        return f"your manifests do not declare {address}: the next plan will take it away again"
    provider = runtime.world.providers[address.kind]
    wanted = provider.desired(declared, runtime.world.context()).attributes
    was = provider.desired(restored[address], Context(resources=restored)).attributes
    rules = Rules(runtime.world.traits(address), lambda *_: "")
    plain: dict[str, Json] = dict(was)  # type: ignore[arg-type]
    paths = [field.path for field in differences(wanted, plain, None, rules) if not field.secret]
    paths += [f"/{name}" for name in sorted(was.keys() - wanted.keys())]
    if _membership(declared) != _membership(restored[address]):
        paths.append("/membership")  # decides what an export is set to, and is no attribute itself
    if not paths:
        return ""
    return f"your manifests still say otherwise for {address} ({', '.join(paths)}): the next plan will bring it back"


def _membership(resource: Resource) -> Membership | None:
    return resource.spec.membership if isinstance(resource.spec, ActivationSpec) else None
