"""`tdr refresh`: what others changed is taken into the state, and into nothing else."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from reconciler.commands.answer import BLOCKED, FAILED, OK, Answer
from reconciler.commands.applying import Consent
from reconciler.commands.drift import Scan, look
from reconciler.commands.provenance import revision_of
from reconciler.engine.applying import Applied, Result, Status
from reconciler.engine.noticing import Noticed, noticed
from reconciler.engine.safety import mass_absence
from reconciler.errors import UsageError
from reconciler.model.record import State
from reconciler.model.scope import EVERYTHING, Scope
from reconciler.ports.clock import rfc3339, rfc3339_exact
from reconciler.ports.store import Holder, Snapshot
from reconciler.reports import documents
from reconciler.reports import refreshing as reports
from reconciler.wiring import Runtime

OPERATION = "refresh"


def refresh(runtime: Runtime, consent: Consent, lock_timeout_s: float, scope: Scope = EVERYTHING) -> Answer:
    """Look at what is remembered, or at *scope* of it, and remember it as it is. Shown before it is done, all or nothing.

    What cannot be read stays remembered as it was, and so does what is not there any more.

    Raises:
        Blocked: a wrong account answers.
        LockHeld: another process is writing.
        UsageError: nobody said yes, or *scope* means nothing that is remembered.
    """
    with runtime.store.lock(OPERATION, runtime.run_id, lock_timeout_s) as holder:
        snapshot = runtime.store.read()
        looked = look(runtime, snapshot.state, scope)
        found = _noticed(runtime, snapshot, looked)
        gates = mass_absence(runtime.world, snapshot.state, looked.seen)
        document = reports.document(
            looked.report,
            found,
            gates,
            environment=runtime.environment_name,
            created_at=rfc3339(runtime.clock.now()),
            serial=snapshot.state.serial,
            scope=looked.scope,
        )
        if gates:
            return Answer(document, BLOCKED)
        exit_code = OK if looked.report.is_complete else FAILED
        if all(one.after is None for one in found):
            return Answer(document, exit_code)
        consent.show(document)
        if not consent.ask(document):
            raise UsageError("nothing was remembered", hint="answer `yes`, or pass --yes")
        after = _remember(runtime, snapshot.state, found)
        _keep_run(runtime, holder, looked, found, after, exit_code)
    return Answer(document | {"remembered": True, "run": holder.run, "serial": after.serial}, exit_code)


def _noticed(runtime: Runtime, snapshot: Snapshot, looked: Scan) -> tuple[Noticed, ...]:
    unfinished = frozenset(entry.address for entry in snapshot.unfinished)
    at = rfc3339(runtime.clock.now())
    return noticed(snapshot.state, looked.seen, looked.report, unfinished, at)


def _remember(runtime: Runtime, before: State, found: Sequence[Noticed]) -> State:
    records = dict(before.records)
    records |= {one.found.address: one.after for one in found if one.after is not None}
    after = replace(before, records=records, serial=before.serial + 1)
    runtime.store.checkpoint(after, before.serial)
    return after


def _keep_run(
    runtime: Runtime, holder: Holder, looked: Scan, found: Sequence[Noticed], after: State, exit_code: int
) -> None:
    """Put into the history who took notice of what."""
    results = tuple(
        Result(one.found.address, OPERATION, Status.DONE, one.note) for one in found if one.after is not None
    )
    about: documents.Document = {
        "environment": runtime.environment_name,
        "plan_digest": looked.report.digest(),
        "complete": looked.report.is_complete,
        "kinds": {
            kind: {OPERATION: count} for kind, count in sorted(Counter(one.address.kind for one in results).items())
        },
    }
    now = runtime.clock.now()
    report = documents.run_document(Applied(results), about, holder.run, exit_code, rfc3339(now))
    commit = revision_of(runtime.project, os.environ).commit
    kept = documents.kept_run_document(report, holder, commit, looked.state, after, ended_at=rfc3339_exact(now))
    runtime.store.keep_run(holder.run, kept)
