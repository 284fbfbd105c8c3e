"""`tdr doctor`: whether everything a run needs is there and answers. Looks only."""

from __future__ import annotations

from collections.abc import Callable

from reconciler.commands.answer import FAILED, OK, Answer
from reconciler.commands.planning import checked
from reconciler.engine.refresh import refresh
from reconciler.engine.safety import guard_accounts
from reconciler.errors import ManifestError, TdrError
from reconciler.model.observation import Unreadable
from reconciler.ports.clock import rfc3339
from reconciler.ports.provider import RUNNABLE, JobStatus, Runs
from reconciler.reports.documents import Document, heading
from reconciler.wiring import Runtime


def doctor(runtime: Runtime) -> Answer:
    """Run every check; one that fails does not stop the others."""
    checks: list[tuple[str, Callable[[Runtime], str]]] = [
        ("manifests", _manifests),
        ("state", _state),
        ("journal", _journal),
        ("lock", _lock),
        ("accounts", _accounts),
        ("vendors", _vendors),
        ("runs", _runs),
    ]
    results: list[Document] = []
    for name, check in checks:
        try:
            results.append({"check": name, "ok": True, "message": check(runtime), "hint": ""})
        except TdrError as error:
            results.append({"check": name, "ok": False, "message": error.message, "hint": error.hint})
    healthy = all(result["ok"] for result in results)
    document = heading("doctor", rfc3339(runtime.clock.now())) | {
        "environment": runtime.environment_name,
        "healthy": healthy,
        "checks": list(results),
    }
    return Answer(document, OK if healthy else FAILED)


def _manifests(runtime: Runtime) -> str:
    try:
        findings = checked(runtime)
    except ManifestError as error:
        raise TdrError(error.message, hint="run `tdr validate`") from error
    return f"{len(runtime.world.resources)} resources, {len(findings)} notices"


def _state(runtime: Runtime) -> str:
    state = runtime.store.read().state
    return f"serial {state.serial}, {len(state.records)} records"


def _journal(runtime: Runtime) -> str:
    unfinished = runtime.store.read().unfinished
    if unfinished:
        names = ", ".join(sorted({str(entry.address) for entry in unfinished}))
        raise TdrError(f"a run was cut off at {names}", hint="run `tdr apply`; it looks first and goes on from there")
    begun = sorted(str(address) for address, record in runtime.store.read().state.records.items() if record.phase)
    if begun:
        raise TdrError(f"the first run of {', '.join(begun)} is not finished", hint="run `tdr apply`")
    return "nothing was cut off"


def _lock(runtime: Runtime) -> str:
    holder = runtime.store.holder()
    return f"held by {holder.who} for {holder.operation} since {holder.since}" if holder else "free"


def _accounts(runtime: Runtime) -> str:
    guarded = guard_accounts(runtime.world, runtime.store.read().state)
    for error in guarded.unknown.values():
        raise error
    return ", ".join(f"{vendor} {account}" for vendor, account in guarded.accounts.items()) or "none in use"


def _vendors(runtime: Runtime) -> str:
    seen = refresh(runtime.world, runtime.store.read().state, {})
    unreadable = {address: look.error for address, look in seen.items() if isinstance(look, Unreadable)}
    if unreadable:
        address, error = min(unreadable.items())
        raise TdrError(f"{len(unreadable)} of {len(seen)} cannot be read; {address}: {error.message}", hint=error.hint)
    return f"{len(seen)} objects can be read"


def _runs(runtime: Runtime) -> str:
    """Whether the newest run of everything that runs went well."""
    failed: list[str] = []
    count = runnable = 0
    for address, record in sorted(runtime.store.read().state.records.items()):
        if address.kind not in RUNNABLE:
            continue
        runnable += 1
        provider = runtime.world.providers[address.kind]
        if not isinstance(provider, Runs):
            continue
        job = provider.last_job(address, record.remote_id)
        count += job is not None
        if job is not None and job.status in (JobStatus.ERROR, JobStatus.KILLED):
            failed.append(f"{address} (job {job.job_id} {job.status})")
    if failed:
        first = failed[0].partition(" ")[0]
        raise TdrError(f"the newest run went wrong of {', '.join(failed)}", hint=f"see its log with `tdr logs {first}`")
    if count:
        return f"the newest run of {count} went well"
    return "what is applied has not run yet" if runnable else "nothing that runs is applied"
