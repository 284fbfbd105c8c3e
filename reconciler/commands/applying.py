"""`tdr apply` and `tdr destroy`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.commands import saved_plan
from reconciler.commands.answer import BLOCKED, FAILED, OK, PARTIAL, Answer
from reconciler.commands.asking import ALL_AS_DECLARED, Asked, prepared_for
from reconciler.commands.interruption import Interruption
from reconciler.commands.planning import checked, document_of, review, telling
from reconciler.commands.provenance import revision_of
from reconciler.commands.renewing import renewed
from reconciler.engine import approvals
from reconciler.engine.applying import PARALLEL, Applied, Applier, Listener, Status
from reconciler.engine.approvals import Approval
from reconciler.engine.planning import Prepared, prepare
from reconciler.engine.scoping import part_of_remembered
from reconciler.engine.session import Session
from reconciler.errors import UsageError
from reconciler.model.change import Keep, fields_of
from reconciler.model.environment import Thresholds
from reconciler.model.json import Json
from reconciler.model.record import State
from reconciler.model.scope import EVERYTHING, Scope
from reconciler.phases import phase
from reconciler.ports.clock import rfc3339, rfc3339_exact
from reconciler.ports.store import Holder, Snapshot
from reconciler.reports import documents
from reconciler.reports.documents import Document
from reconciler.wiring import Runtime


@dataclass(frozen=True, slots=True)
class Consent:
    """How a write gets its yes. *show* is given the plan before *ask* is; *ask* answers for it."""

    show: Callable[[Document], None]
    ask: Callable[[Document], bool]


Tell = Callable[[str, Mapping[str, Json]], None]


def _untold(_event: str, _facts: Mapping[str, Json]) -> None:
    """What nobody follows."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a writing command needs besides the runtime.

    tell: told of the run as a whole, by ``lock`` and ``state_saved`` with their facts.
    lock_timeout_s: how long to wait for another writer.
    approvals: lift gates of this plan; *reason* is why, and is kept with the run.
    fail_fast: whether nothing new is begun after the first failure.
    replan_if_equal: whether a saved plan that is stale gives way to a new one of the same operations.
    """

    consent: Consent
    listener: Listener
    interruption: Interruption
    lock_timeout_s: float = 0.0
    settle: bool = True
    parallel: int = PARALLEL
    approvals: tuple[Approval, ...] = ()
    reason: str = ""
    fail_fast: bool = False
    replan_if_equal: bool = False
    tell: Tell = _untold


def apply(runtime: Runtime, run: Run, *, plan_file: Path | None = None, asked: Asked = ALL_AS_DECLARED) -> Answer:
    """Plan, get a yes, and do it, all under one lock. With *plan_file*: do exactly that plan, or nothing.

    Raises:
        StalePlan: the saved plan does not fit any more.
        LockHeld: another process is writing.
    """
    found = checked(runtime)
    saved = saved_plan.load(plan_file) if plan_file else None
    if saved is not None:
        saved_plan.whole(saved, repr(str(plan_file)))
    with _locked(runtime, run, "apply") as holder:
        snapshot = runtime.store.read()
        if saved is not None:
            prepared = renewed(runtime, saved, snapshot, replan_if_equal=run.replan_if_equal)
        else:
            prepared = review(runtime, prepared_for(asked, runtime.world, snapshot))
        prepared = telling(runtime, prepared, found)
        document = document_of(runtime, prepared)
        return _execute(runtime, run, holder, snapshot, prepared, document, saved["plan_id"] if saved else None)


def destroy(runtime: Runtime, run: Run, scope: Scope = EVERYTHING) -> Answer:
    """Take away what state remembers, or *scope* of it. What is protected holds it; so does a number of `thresholds`."""
    environment = runtime.world.environment
    bounds = environment.model_copy(update={"thresholds": _without_shares(environment.thresholds)})
    emptied = replace(runtime.world, resources={}, environment=bounds)
    with _locked(runtime, run, "destroy") as holder:
        snapshot = runtime.store.read()
        part = part_of_remembered(scope, runtime.world, snapshot.state)
        runtime = replace(runtime, world=emptied)
        prepared = review(runtime, prepare(emptied, snapshot, part))
        # That all of it goes is what was asked for.
        gates = tuple(gate for gate in prepared.plan.gates if gate.rule != "empty_set")
        prepared = replace(prepared, plan=replace(prepared.plan, gates=gates))
        return _execute(runtime, run, holder, snapshot, prepared, document_of(runtime, prepared), None)


def _without_shares(thresholds: Thresholds) -> Thresholds:
    """*thresholds* for a run that takes all of everything on purpose: a share says nothing then, a number still does."""
    kinds = {kind: own.model_copy(update={"max_delete_ratio": None}) for kind, own in thresholds.kinds.items()}
    return thresholds.model_copy(update={"max_delete_ratio": 1.0, "kinds": kinds})


def carry_out(
    runtime: Runtime, run: Run, operation: str, derive: Callable[[Snapshot], tuple[Runtime, Prepared]]
) -> Answer:
    """Have *derive* make a plan of the state as it is, and do it as `apply` does: shown, asked for, under the lock."""
    with _locked(runtime, run, operation) as holder:
        snapshot = runtime.store.read()
        as_planned, prepared = derive(snapshot)
        return _execute(as_planned, run, holder, snapshot, prepared, document_of(as_planned, prepared), None)


@contextmanager
def _locked(runtime: Runtime, run: Run, operation: str) -> Iterator[Holder]:
    """The right to write, and whoever follows the run told of it."""
    with ExitStack() as closing:
        with phase("lock", "waiting for the lock"):
            holder = closing.enter_context(runtime.store.lock(operation, runtime.run_id, run.lock_timeout_s))
        run.tell("lock", {"operation": operation, "run": holder.run, "lock_id": holder.lock_id, "since": holder.since})
        yield holder


def _execute(
    runtime: Runtime,
    run: Run,
    holder: Holder,
    snapshot: Snapshot,
    prepared: Prepared,
    document: Document,
    plan_id: str | None,
) -> Answer:
    run.consent.show(document)
    if approvals.held(prepared.plan.gates, run.approvals, str(document["plan_digest"])):
        return Answer(document, BLOCKED)
    if not prepared.plan.is_empty and plan_id is None and not run.consent.ask(document):
        raise UsageError("not applied", hint="answer `yes`, or pass --yes or a plan file")
    session = Session(runtime.world, runtime.store, holder.run, snapshot.state, dict(prepared.unfinished))
    stop = run.interruption.event
    applier = Applier(
        runtime.world,
        session,
        prepared,
        run.listener,
        stop,
        parallel=run.parallel,
        fail_fast=run.fail_fast,
        why_stopped=run.interruption.why,
    )
    run.interruption.begin()
    with phase("apply", applier.progress):
        applied = applier.go()
    # Looking again changes nothing that is done, and whoever asked for the end does not wait for it.
    if run.settle and not stop.is_set() and any(result.status is Status.DONE for result in applied.results):
        with phase("look again", "looking again at what was written"):
            applied = replace(applied, unsettled=_unsettled(runtime, session.state, applied))
    exit_code = _exit_code(applied, run.interruption)
    report = documents.run_document(applied, document, holder.run, exit_code, rfc3339(runtime.clock.now()))
    report |= {
        "approvals": documents.approvals_given(run.approvals, holder.who, run.reason),
        "api_calls": runtime.world.api_calls(),
    }
    after = _write_down(runtime, session, prepared, plan_id)
    run.tell("state_saved", {"lineage": after.lineage, "serial": after.serial})
    if applied.results:
        commit = revision_of(runtime.project, os.environ).commit
        kept = documents.kept_run_document(
            report, holder, commit, prepared.state, after, ended_at=rfc3339_exact(runtime.clock.now())
        )
        runtime.store.keep_run(holder.run, kept)
    return Answer(report, exit_code)


def _write_down(runtime: Runtime, session: Session, prepared: Prepared, plan_id: str | None) -> State:
    """Turn the journal into a new state document, if anything is new. The state as it is then."""
    before = prepared.state
    accounts = {**before.accounts, **prepared.plan.base.accounts}
    consumed = (*before.consumed_plans, plan_id)[-100:] if plan_id else before.consumed_plans
    is_new = session.state.serial != before.serial or accounts != before.accounts or plan_id or prepared.unfinished
    if not is_new:
        return session.state
    after = replace(session.state, accounts=accounts, consumed_plans=tuple(consumed), serial=session.state.serial + 1)
    runtime.store.checkpoint(after, session.state.serial)
    return after


def _unsettled(runtime: Runtime, state: State, applied: Applied) -> tuple[str, ...]:
    """Look again at what was touched; name every field that came back otherwise than it was sent."""
    touched = {result.address for result in applied.results if result.status is Status.DONE}
    again = prepare(runtime.world, Snapshot(state))
    lines: list[str] = []
    for change in again.plan.changes:
        if change.address not in touched or isinstance(change, Keep):
            continue
        fields = fields_of(change)
        if not fields:
            lines.append(f"{change.address}: {type(change).__name__.lower()} would still be planned")
        lines += [
            f"{change.address}: {path} sent {field.after!r}, came back {field.before!r}"
            for path, field in fields.items()
        ]
    return tuple(lines)


def _exit_code(applied: Applied, interruption: Interruption) -> int:
    is_anything_done = applied.count(Status.DONE) > 0
    if applied.is_complete and interruption.is_out_of_time:
        return OK
    if applied.interrupted:
        return interruption.exit_code(is_anything_done=is_anything_done)
    if applied.is_complete:
        return OK
    return PARTIAL if is_anything_done else FAILED
