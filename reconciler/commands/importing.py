"""`tdr import`: takes over what is there. Writes documents and state, and nothing at any vendor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from reconciler.adoption import writing
from reconciler.adoption.drafting import ORDER, Draft, Drafts, LeftOut, Selection, draft, listed
from reconciler.adoption.remembering import Unsettled, importing, remember, unsettled
from reconciler.commands.answer import BLOCKED, FAILED, OK, Answer
from reconciler.commands.applying import Consent
from reconciler.commands.dig_reading import read_project, read_workflow
from reconciler.commands.planning import checked, document_of
from reconciler.commands.sole_writing import alone
from reconciler.diagnostics import UNRESOLVED_SECRET
from reconciler.engine.moves import follow
from reconciler.engine.planning import Prepared, prepare
from reconciler.engine.refresh import refresh
from reconciler.engine.safety import guard_accounts
from reconciler.engine.session import Session
from reconciler.errors import ManifestError, TdrError, UsageError
from reconciler.manifest.queries import unparsed
from reconciler.model.address import Address
from reconciler.model.change import Adopt, Create, Undecided
from reconciler.model.observation import Unreadable
from reconciler.model.plan import Gate
from reconciler.phases import phase
from reconciler.ports.clock import rfc3339
from reconciler.ports.listing import Found, Unlisted
from reconciler.reports.documents import heading
from reconciler.wiring import Runtime

Open: TypeAlias = Callable[[], AbstractContextManager[Runtime]]
"""Opens the project anew, as it is written now."""

_ROUNDS = 3
"""New connections may show more to import; what they show names no further connections."""
_NO_SECRET = frozenset({UNRESOLVED_SECRET, "undefined-environment-variable"})


@dataclass
class _Report:
    """What an import came to so far."""

    environment: str = ""
    now: float = 0.0
    dry_run: bool = False
    adopted: dict[Address, str] = field(default_factory=dict)
    files: list[writing.File] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    left_out: tuple[LeftOut, ...] = ()
    unlisted: tuple[Unlisted, ...] = ()
    unsettled: list[Unsettled] = field(default_factory=list)
    not_adopted: list[Unsettled] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    not_found: list[Address] = field(default_factory=list)
    notes: Iterable[str] = ()

    @property
    def exit_code(self) -> int:
        wrong = self.unsettled or self.not_adopted or self.unlisted or self.left_out or self.missing
        return FAILED if wrong else OK

    def answer(self) -> Answer:
        notes = {*self.notes, *(note for one in self.drafts for note in one.notes)}
        document = heading("import", rfc3339(self.now)) | {
            "environment": self.environment,
            "dry_run": self.dry_run,
            "adopted": [{"address": str(address), "id": one} for address, one in sorted(self.adopted.items())],
            "files": [{"path": file.path, "text": file.text} for file in self.files],
            "left_out": [
                {"kind": one.kind, "id": one.remote_id, "label": one.label, "why": one.why} for one in self.left_out
            ],
            "not_found": [str(address) for address in self.not_found],
            "unlisted": [{"where": one.where, "why": one.why} for one in self.unlisted],
            "unsettled": [
                {"address": str(one.address), "path": one.path, "why": one.why}
                for one in (*self.not_adopted, *self.unsettled)
            ],
            "secrets": sorted({name for one in self.drafts for name in one.secrets}),
            "secrets_to_set": list(self.missing),
            "notes": sorted(notes),
        }
        return Answer(document, self.exit_code)


def import_one(open_project: Open, address: Address, remote_id: str, lock_timeout_s: float) -> Answer:
    """Take over the object *remote_id* as *address*. When no document declares that yet, one is written.

    Raises:
        TdrError: there is no such object, or it cannot be declared.
    """
    with open_project() as runtime:
        is_declared = address in runtime.world.resources
        if is_declared:
            checked(runtime)
            record = runtime.store.read().state.records.get(address)
            if record is not None and record.remote_id != remote_id:
                raise TdrError(
                    f"{address} is object {record.remote_id} already",
                    hint=f"if the other one is meant: `tdr state rm {address}`, then import again",
                )
            report = _Report(runtime.environment_name, runtime.clock.now())
            _adopt(runtime, {address: remote_id}, report, lock_timeout_s)
            if report.not_adopted:
                raise TdrError(report.not_adopted[0].why, hint="see `tdr plan` for what holds it")
            # What differs is what the document says; the next plan shows and changes it.
            answer = report.answer()
            return Answer(answer.document, OK)
    if address.kind not in ORDER:
        raise UsageError(f"{address.kind!r} is no kind that can be imported", hint=f"one of {', '.join(sorted(ORDER))}")
    selection = Selection(kind=address.kind, remote_id=remote_id, name=address.name)
    answer = import_all(open_project, selection, dry_run=False, lock_timeout_s=lock_timeout_s)
    left_out = answer.document["left_out"]
    if isinstance(left_out, list) and left_out:
        raise TdrError(
            f"{address} cannot be declared: {left_out[0]['why']}",
            hint="it stays as it is at the vendor; change it there, or leave it out",
        )
    if not answer.document["adopted"] and not answer.document["secrets_to_set"]:
        raise TdrError(
            f"there is no {address.kind} {remote_id!r} that is not managed yet",
            hint="make sure that account, region and permissions are right",
        )
    return answer


def import_all(open_project: Open, selection: Selection, *, dry_run: bool, lock_timeout_s: float) -> Answer:
    """Write documents for all that *selection* takes, remember it, and prove that the next plan has nothing to do with it.

    Raises:
        LockHeld: another command is writing documents, or the state.
    """
    if dry_run:
        return _import_all(open_project, selection, dry_run=True, lock_timeout_s=lock_timeout_s)
    with open_project() as runtime:
        root, clock = runtime.project.root, runtime.clock
    # What is read before that may not have what another import has written meanwhile, and would be written twice.
    with alone(root, clock, lock_timeout_s):
        return _import_all(open_project, selection, dry_run=False, lock_timeout_s=lock_timeout_s)


def _import_all(open_project: Open, selection: Selection, *, dry_run: bool, lock_timeout_s: float) -> Answer:
    report = _Report(dry_run=dry_run)
    for _ in range(_ROUNDS):
        with open_project() as runtime:
            report.environment, report.now = runtime.environment_name, runtime.clock.now()
            report.notes = [runtime.probed.note] if runtime.probed.note else []
            with phase("list", "listing what is there"):
                drafts, claimed = _drafts(runtime, selection)
            report.notes = [
                *report.notes,
                *(f"{one.kind} {one.label} is not declared: {one.why}" for one in drafts.built),
            ]
            manifests = runtime.project.spec.manifests
            new = list(writing.files(drafts.drafts, manifests))
            report.files += new
            report.drafts += drafts.drafts
            report.left_out, report.unlisted = drafts.left_out, drafts.unlisted
            if dry_run:
                return replace(report.answer(), exit_code=OK)
            writing.write(runtime.project.root, new)
        wanted = {**claimed, **{one.address: one.remote_id for one in drafts.drafts}}
        if not wanted:
            break
        try:
            with open_project() as runtime:
                checked(runtime)
                _adopt(runtime, wanted, report, lock_timeout_s)
        except ManifestError as error:
            if not all(found.rule in _NO_SECRET for found in error.diagnostics if found.is_error):
                raise
            report.missing = sorted({name for one in report.drafts for name in one.secrets})
            break
        if not any(one.address.kind == "connection" for one in drafts.drafts):
            break
    return report.answer()


def import_workflow(open_project: Open, path: Path, *, dry_run: bool, lock_timeout_s: float) -> Answer:
    """Write documents for what the workflow file at *path*, or a folder of them, does, and tell every line that is left alone.

    Raises:
        TdrError: the file cannot be read as a workflow; with file, line and column.
        LockHeld: another command is writing documents.
    """
    with open_project() as runtime:
        root, clock = runtime.project.root, runtime.clock
    with alone(root, clock, lock_timeout_s), open_project() as runtime:
        drafts, notes = read_project(runtime, path) if path.is_dir() else read_workflow(runtime, path)
        report = _Report(runtime.environment_name, runtime.clock.now(), dry_run)
        report.drafts, report.left_out, report.notes = list(drafts.drafts), drafts.left_out, notes
        report.files = list(writing.files(drafts.drafts, runtime.project.spec.manifests))
        if not dry_run:
            writing.write(root, report.files)
    answer = report.answer()
    return replace(answer, exit_code=OK) if dry_run else answer


def rebuild(runtime: Runtime, consent: Consent, lock_timeout_s: float) -> Answer:
    """Remember anew what documents declare, found by natural keys and ownership marks. Shown before it is done.

    Raises:
        UsageError: nobody said yes.
    """
    checked(runtime)
    world = replace(runtime.world, rebuilds=True)
    with runtime.store.lock("import", runtime.run_id, lock_timeout_s):
        snapshot = runtime.store.read()
        everything = prepare(world, snapshot)
        prepared = _only_adoptions(everything, frozenset(snapshot.state.records))
        document = document_of(runtime, prepared)
        consent.show(document)
        if prepared.plan.gates:
            return Answer(document, BLOCKED)
        wanted = [change.address for change in prepared.plan.changes if isinstance(change, Adopt)]
        if wanted and not consent.ask(document):
            raise UsageError("not rebuilt", hint="answer `yes`, or pass --yes")
        session = Session(world, runtime.store, runtime.run_id, snapshot.state)
        done = remember(runtime.store, prepared, session, wanted)
    report = _Report(runtime.environment_name, runtime.clock.now())
    report.adopted = {change.address: change.remote_id for change in prepared.plan.changes if isinstance(change, Adopt)}
    report.unsettled = unsettled(runtime.world, runtime.store, done)
    report.not_adopted = _refused(
        prepared, [change.address for change in prepared.plan.changes if isinstance(change, Undecided)]
    )
    report.not_found = [change.address for change in everything.plan.changes if isinstance(change, Create)]
    return replace(report.answer(), exit_code=OK)


def _only_adoptions(prepared: Prepared, remembered: frozenset[Address]) -> Prepared:
    """Of a plan only what finds objects again, and what keeps that from being certain."""
    plan = prepared.plan
    kept = tuple(
        change
        for change in plan.changes
        if isinstance(change, Adopt) or (isinstance(change, Undecided) and change.address not in remembered)
    )
    lost = {change.address for change in kept}
    gates = tuple(gate for gate in plan.gates if _is_about(gate, lost))
    shown = tuple(replace(change, fields=()) if isinstance(change, Adopt) else change for change in kept)
    return replace(prepared, plan=replace(plan, changes=shown, gates=gates, warnings=()))


def _is_about(gate: Gate, addresses: Iterable[Address]) -> bool:
    return gate.rule in _IDENTITY and not set(gate.addresses).isdisjoint(addresses)


_IDENTITY = frozenset({"ambiguous_identity", "foreign_owner", "adoption_refused", "identity", "audience_id_not_found"})


def _drafts(runtime: Runtime, selection: Selection) -> tuple[Drafts, dict[Address, str]]:
    """Documents to write, and what is declared already and waits to be remembered."""
    world = runtime.world
    state = follow(runtime.store.read().state, world.transitions.moved).state
    guarded = guard_accounts(world, state)
    known = {(address.kind, record.remote_id): address for address, record in state.records.items()}
    claimed: dict[Address, str] = {}
    untold: dict[str, Unlisted] = {}
    for address, look in refresh(world, state, guarded.unknown).items():
        if address not in world.resources or address in state.records:
            continue
        if isinstance(look, Unreadable):
            untold[address.kind] = Unlisted(f"{address.kind}: {address} waits to be remembered", look.error.message)
            continue
        known |= {(address.kind, one.remote_id): address for one in look.by_key}
        if len(look.by_key) == 1:
            claimed[address] = look.by_key[0].remote_id
    for address, remote_id in world.transitions.imports.items():
        known[address.kind, remote_id] = address
    root, manifests = runtime.project.root, runtime.project.spec.manifests
    # Of a kind of which it is not known what documents mean, an object might be declared a second time.
    found = [one for one in listed(world) if isinstance(one, Unlisted) or one.kind not in untold]
    found += untold.values()
    drafts = draft(world, found, known, selection, lambda address: writing.is_free(root, manifests, address))
    if runtime.embedded is not None:
        drafts = _without_unparsed(drafts)
    taken = {(one.kind, one.remote_id) for one in found if isinstance(one, Found) and selection.takes(one)}
    return drafts, {address: one for address, one in claimed.items() if (address.kind, one) in taken}


def _without_unparsed(drafts: Drafts) -> Drafts:
    """*drafts* without queries that a project refuses which runs them here: one such document would hold up all others."""
    why = {one.address: unparsed(one.resource) for one in drafts.drafts}
    refused = [one for one in drafts.drafts if why[one.address]]
    left_out = [LeftOut(one.address.kind, one.remote_id, one.label, why[one.address]) for one in refused]
    kept = tuple(one for one in drafts.drafts if not why[one.address])
    return replace(drafts, drafts=kept, left_out=(*drafts.left_out, *left_out))


def _adopt(runtime: Runtime, wanted: Mapping[Address, str], report: _Report, lock_timeout_s: float) -> None:
    """Remember *wanted* and prove it, all under one lock; *report* tells what came of it."""
    world = importing(runtime.world, wanted)
    with runtime.store.lock("import", runtime.run_id, lock_timeout_s):
        snapshot = runtime.store.read()
        prepared = prepare(world, snapshot)
        todo = [address for address in wanted if address not in snapshot.state.records]
        session = Session(world, runtime.store, runtime.run_id, snapshot.state)
        done = remember(runtime.store, prepared, session, todo)
    report.adopted |= {address: wanted[address] for address in done}
    report.not_adopted += _refused(prepared, [address for address in todo if address not in done])
    report.unsettled += unsettled(runtime.world, runtime.store, done)


def _refused(prepared: Prepared, addresses: Sequence[Address]) -> list[Unsettled]:
    why = {address: gate.message for gate in prepared.plan.gates for address in gate.addresses}
    why |= {change.address: change.why for change in prepared.plan.changes if isinstance(change, Undecided)}
    return [Unsettled(address, "", why.get(address, "was not found")) for address in addresses]
