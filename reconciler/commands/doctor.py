"""`tdr doctor`: whether everything a run needs is there and answers. Looks only, and keeps what it was told when asked to."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime

from reconciler import __version__
from reconciler.commands.answer import FAILED, OK, Answer
from reconciler.commands.planning import checked
from reconciler.engine.refresh import refresh
from reconciler.engine.safety import guard_accounts
from reconciler.errors import ManifestError, ProviderError, TdrError
from reconciler.model.observation import Unreadable
from reconciler.model.probe import ProbeRecord, Told, merged
from reconciler.model.salesforce import OLDEST_LASTING, SalesforceConnection
from reconciler.phases import phase
from reconciler.ports.clock import rfc3339
from reconciler.ports.probing import Answered, Probes
from reconciler.ports.provider import RUNNABLE, JobStatus, Runs
from reconciler.reports.documents import Document, heading
from reconciler.wiring import Runtime
from reconciler.wiring.intercom import intercom_connections, workspaces
from reconciler.wiring.notifying import Sender
from reconciler.wiring.probing import Kept, host_of, keep, place_of, recorded
from reconciler.wiring.salesforce import open_org


def doctor(runtime: Runtime, *, probes: bool = False) -> Answer:
    """Run every check; one that fails does not stop the others.

    probes: whether the account is asked, by reading only, what the vendor's documents leave open. Its answers are kept
        in a file beside the environment, which is all that is written.
    """
    asked: list[Document] = []
    checks: list[tuple[str, Callable[[Runtime], str]]] = [
        ("manifests", _manifests),
        ("state", _state),
        ("journal", _journal),
        ("lock", _lock),
        ("accounts", _accounts),
        ("vendors", _vendors),
        ("runs", _runs),
    ]
    if intercom_connections(runtime.loaded):
        checks.append(("intercom", _intercom))
    if any(isinstance(one.spec, SalesforceConnection) for one in runtime.world.resources.values()):
        checks.append(("salesforce", _salesforce))
    if runtime.loaded.environment.notifications:
        checks.append(("notifications", _notifications))
    if probes:
        checks.append(("probe", lambda runtime: _probe(runtime, asked)))
    if probes or runtime.probed != Kept():
        checks.append(("facts", _facts))
    results: list[Document] = []
    for name, check in checks:
        try:
            with phase(name, f"checking {name}"):
                results.append({"check": name, "ok": True, "message": check(runtime), "hint": ""})
        except TdrError as error:
            results.append({"check": name, "ok": False, "message": error.message, "hint": error.hint})
    healthy = all(result["ok"] for result in results)
    document = heading("doctor", rfc3339(runtime.clock.now())) | {
        "environment": runtime.environment_name,
        "healthy": healthy,
        "checks": list(results),
    }
    if probes:
        document["facts"] = list(asked)
    return Answer(document, OK if healthy else FAILED)


def _probe(runtime: Runtime, asked: list[Document]) -> str:
    """Ask, and keep the answers; what cannot be told now leaves what the same account told before."""
    vendor, before = _probing(runtime), runtime.probed.record
    answers = vendor.probe()
    is_same = before is not None and before.account == vendor.account()
    told = {one.fact: one.told for one in answers}
    written = runtime.loaded.environment.treasure_data.facts.written()
    kept = merged(told, before.answers) if before is not None and is_same else told
    asked += [
        {
            "fact": one.fact.value,
            "question": one.question,
            "asked": one.asked,
            "answer": one.told.value,
            "kept": kept[one.fact].value,
            "seen": one.seen,
            "effect": _effect(one, kept[one.fact], written.get(one.fact)),
        }
        for one in answers
    ]
    record = ProbeRecord(
        tdr_version=__version__,
        asked_at=datetime.fromtimestamp(int(runtime.clock.now()), UTC),
        account=vendor.account(),
        host=host_of(runtime.loaded.environment.treasure_data),
        answers=kept,
    )
    keep(runtime.project, runtime.environment_name, record)
    place = place_of(runtime.project, runtime.environment_name)
    still = [fact for fact, answer in kept.items() if answer is not told.get(fact, Told.UNKNOWN)]
    stays = f", {len(still)} of them from before: {', '.join(sorted(still))}" if still else ""
    return f"{len(answers)} facts asked, answers in {place.relative_to(runtime.project.root)}{stays}"


def _effect(one: Answered, kept: Told, written: bool | None) -> str:  # noqa: FBT001 - what somebody wrote
    """What is done from now on: what a person wrote goes before what is kept."""
    if written is None:
        return one.effects[kept]
    told = Told.YES if written else Told.NO
    return f"{one.effects[told]} (the environment says {told})"


def _facts(runtime: Runtime) -> str:
    """The answers that are kept, and their age."""
    kept = recorded(runtime.project, runtime.environment_name)  # by now, after a probe of this very run
    if kept.damage is not None:
        where = kept.damage.position.file if kept.damage.position else ""
        raise TdrError(f"{where}: {kept.damage.message}", hint=kept.damage.hint)
    record = kept.record
    if record is None:
        return "no account was asked"
    account = _probing(runtime).account()
    if record.account != account:
        raise TdrError(
            f"the kept answers are of account {record.account}, not of {account}, and are not used",
            hint="run `tdr doctor --probe`",
        )
    days = int(runtime.clock.now() - record.asked_at.timestamp()) // 86_400
    by_answer = {told: sorted(fact for fact, one in record.answers.items() if one is told) for told in Told}
    answers = [f"{told}: {', '.join(by_answer[told])}" for told in (Told.YES, Told.NO) if by_answer[told]]
    answers.append(f"{len(by_answer[Told.UNKNOWN])} unknown")
    return f"{'; '.join(answers)}; asked {days} days ago of {record.account} at {record.host}"


def _probing(runtime: Runtime) -> Probes:
    return next(one for one in runtime.world.providers.values() if isinstance(one, Probes))


def _notifications(runtime: Runtime) -> str:
    """Whether all that they need is there. Nobody is sent anything."""
    receivers = runtime.loaded.environment.notifications
    failures = Sender(runtime.project, runtime.clock, os.environ).check(receivers)
    if failures:
        raise TdrError("; ".join(one.message for one in failures), hint=failures[0].hint)
    return f"{len(receivers)} with an address; none was sent anything"


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
    if not seen:
        _probing(runtime).reach()
        return "nothing is declared yet, and Treasure Data takes the key"
    return f"{len(seen)} objects can be read"


def _intercom(runtime: Runtime) -> str:
    """Which workspace each connection opens: its zone decides on whose days contacts are filtered."""
    told: list[str] = []
    hints: list[str] = []
    for address, found in workspaces(runtime.loaded, runtime.clock):
        if isinstance(found, TdrError):
            told.append(f"{address}: {found.message}")
            hints.append(found.hint)
            continue
        if found is None:
            told.append(f"{address} has no token here, so it is not asked")
            continue
        left = f" ({found.left} left)" if found.left is not None else ""
        limit = f", {found.calls} requests in ten seconds{left}" if found.calls is not None else ""
        zone = found.timezone or "not told"
        told.append(f"{address} is {found.name!r} ({found.id}) in {found.region or 'no region'}, zone {zone}{limit}")
    if hints:
        raise TdrError("; ".join(told), hint=hints[0])
    return "; ".join(told)


def _salesforce(runtime: Runtime) -> str:
    """Whether each connection to Salesforce is let in, its version, and the requests that its org has left."""
    told: list[str] = []
    failed: list[tuple[str, str]] = []
    for address, resource in sorted(runtime.world.resources.items()):
        spec = resource.spec
        if not isinstance(spec, SalesforceConnection):
            continue
        try:
            api = open_org(runtime, spec)
            try:
                left = api.descriptions.requests_left()
            finally:
                api.close()
        except ProviderError as error:
            failed.append((f"{address}: {error.message}", error.hint))
            continue
        requests = "requests left not told" if left is None else f"{left[0]} of {left[1]} requests left today"
        ending = ", a version that ends with Summer '28" if spec.version < OLDEST_LASTING else ""
        told.append(f"{address} is let in by {spec.auth}, version {spec.api_version}{ending}, {requests}")
        if left is not None and left[0] == 0:
            failed.append((f"{address} has no requests left today", "run again later, or raise the org's limit"))
    if failed:
        raise TdrError("; ".join([one for one, _ in failed] + told), hint=failed[0][1])
    return "; ".join(told)


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
