"""`tdr apply` and `tdr destroy`."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reconciler.commands import saved_plan
from reconciler.commands.answer import BLOCKED, FAILED, INTERRUPTED, OK, PARTIAL, Answer
from reconciler.commands.planning import checked, document_of
from reconciler.commands.provenance import commit_of
from reconciler.engine.applying import PARALLEL, Applied, Applier, Listener, Status
from reconciler.engine.planning import Prepared, prepare
from reconciler.engine.session import Session
from reconciler.errors import StalePlan, UsageError
from reconciler.model.address import Address
from reconciler.model.change import Keep, fields_of
from reconciler.model.record import State
from reconciler.ports.clock import rfc3339
from reconciler.ports.store import Holder, Snapshot
from reconciler.reports import documents
from reconciler.reports.documents import Document
from reconciler.wiring import Runtime


@dataclass(frozen=True, slots=True)
class Consent:
    """How a write gets its yes. *show* is given the plan before *ask* is; *ask* answers for it."""

    show: Callable[[Document], None]
    ask: Callable[[Document], bool]


@dataclass(frozen=True, slots=True)
class Run:
    """What a writing command needs besides the runtime. *lock_timeout_s* is how long to wait for another writer."""

    consent: Consent
    listener: Listener
    stop: threading.Event
    lock_timeout_s: float = 0.0
    settle: bool = True
    parallel: int = PARALLEL


def apply(runtime: Runtime, run: Run, *, plan_file: Path | None = None, targets: Sequence[Address] = ()) -> Answer:
    """Plan, get a yes, and do it, all under one lock. With *plan_file*: do exactly that plan, or nothing.

    Raises:
        StalePlan: the saved plan does not fit any more.
        LockHeld: another process is writing.
    """
    checked(runtime)
    saved = saved_plan.load(plan_file) if plan_file else None
    run_id = uuid.uuid4().hex[:12]
    with runtime.store.lock("apply", run_id, run.lock_timeout_s) as holder:
        snapshot = runtime.store.read()
        if saved is not None:
            _check_saved(runtime, saved, snapshot)
            targets = _targets_of(saved, runtime, snapshot)
        prepared = prepare(runtime.world, snapshot, targets)
        document = document_of(runtime, prepared)
        if saved is not None:
            saved_plan.compare(saved, document)
        return _execute(runtime, run, holder, snapshot, prepared, document, saved["plan_id"] if saved else None)


def _targets_of(saved: Mapping[str, Any], runtime: Runtime, snapshot: Snapshot) -> Sequence[Address]:
    """What a saved plan of a part was made for, so that planning again comes to the same part."""
    if saved["complete"]:
        return ()
    planned = [Address.parse(change["address"]) for change in saved["changes"]]
    for address in planned:
        if address not in runtime.world.resources and address not in snapshot.state.records:
            raise StalePlan(f"{address} is neither in the manifests nor in the state any more", hint="plan again")
    return planned


def destroy(runtime: Runtime, run: Run) -> Answer:
    """Take away everything that state remembers, protected resources excepted."""
    run_id = uuid.uuid4().hex[:12]
    emptied = replace(runtime.world, resources={})
    with runtime.store.lock("destroy", run_id, run.lock_timeout_s) as holder:
        snapshot = runtime.store.read()
        prepared = prepare(emptied, snapshot)
        gates = tuple(gate for gate in prepared.plan.gates if gate.rule != "deletes")
        prepared = replace(prepared, plan=replace(prepared.plan, gates=gates))
        return _execute(
            replace(runtime, world=emptied), run, holder, snapshot, prepared, document_of(runtime, prepared), None
        )


def _check_saved(runtime: Runtime, saved: Mapping[str, Any], snapshot: Snapshot) -> None:
    saved_plan.check(
        dict(saved),
        environment=runtime.environment_name,
        lineage=snapshot.state.lineage,
        consumed=snapshot.state.consumed_plans,
        now=datetime.fromtimestamp(runtime.clock.now(), UTC),
    )


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
    if prepared.plan.gates:
        return Answer(document, BLOCKED)
    if not prepared.plan.is_empty and plan_id is None and not run.consent.ask(document):
        raise UsageError("not applied", hint="answer `yes`, or pass --yes or a plan file")
    session = Session(runtime.world, runtime.store, holder.run, snapshot.state, dict(prepared.unfinished))
    applied = Applier(runtime.world, session, prepared, run.listener, run.stop, run.parallel).go()
    if run.settle and any(result.status is Status.DONE for result in applied.results):
        applied = replace(applied, unsettled=_unsettled(runtime, session.state, applied))
    exit_code = _exit_code(applied)
    report = documents.run_document(applied, document, holder.run, exit_code, rfc3339(runtime.clock.now()))
    after = _write_down(runtime, session, prepared, plan_id)
    if applied.results:
        commit = commit_of(runtime.project.root, os.environ)
        kept = documents.kept_run_document(report, holder, commit, prepared.state, after)
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


def _exit_code(applied: Applied) -> int:
    if applied.interrupted:
        return INTERRUPTED
    if applied.is_complete:
        return OK
    return PARTIAL if applied.count(Status.DONE) else FAILED
