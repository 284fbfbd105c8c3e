"""`tdr plan` and `tdr validate`: they look and write nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from reconciler.commands import saved_plan, settling
from reconciler.commands.answer import BLOCKED, DIFFERENCES, FAILED, OK, Answer
from reconciler.commands.asking import ALL_AS_DECLARED, Asked, prepared_for
from reconciler.commands.field_places import field_places
from reconciler.commands.objects_ahead import objects_of_plan
from reconciler.commands.provenance import revision_of
from reconciler.commands.unknown_databases import refuse_unknown_databases
from reconciler.diagnostics import Diagnostic, Position, sorted_by_place
from reconciler.engine.fingerprints import plan_digest
from reconciler.engine.ingesting import faster_than_ingested
from reconciler.engine.planning import Prepared, prepare
from reconciler.engine.review import ignores_ending, reviewed
from reconciler.errors import ManifestError
from reconciler.model.address import Address
from reconciler.model.policy import Level
from reconciler.model.timing import Timing
from reconciler.policy.book import Book, book_of
from reconciler.policy.judging import breaches, told, waivers_ending
from reconciler.ports.clock import rfc3339
from reconciler.reports import documents, schedules
from reconciler.reports.documents import Document
from reconciler.schedule import remarks
from reconciler.wiring import Runtime

ALL_LEVELS = (Level.ERROR, Level.GATE, Level.WARN)
"""What `validate` tells of the policy; a plan tells the rest of what it touches."""


def plan(
    runtime: Runtime,
    *,
    asked: Asked = ALL_AS_DECLARED,
    detailed: bool = False,
    out: Path | None = None,
    valid_for_s: float = saved_plan.VALID_FOR_S,
) -> Answer:
    """Compare, and say what apply would do. *out* saves the plan for `tdr apply FILE`, which takes it for so long."""
    found = checked(runtime)
    snapshot = runtime.store.read()
    prepared = telling(runtime, review(runtime, prepared_for(asked, runtime.world, snapshot)), found)
    document = document_of(runtime, prepared)
    if asked.is_plain:
        settling.remember(runtime, prepared)
    if out is not None:
        saved_plan.save(out, document, valid_for_s)
    return Answer(document, exit_code_of(prepared, detailed=detailed))


def plan_rest(runtime: Runtime, *, detailed: bool = False) -> Answer | None:
    """The plan as a person reads it, of what the last plan did not find settled; None when all must be looked at.

    What is settled is only counted in the document, so it is neither saved nor shown as JSON.
    """
    if not runtime.loaded.aside:
        return plan(runtime, detailed=detailed)
    if settling.basis(runtime) != runtime.loaded.settled.basis:
        return None
    try:
        prepared = _prepared_rest(runtime)
    except ManifestError:
        return None  # beside an error everything is told, also of what was set aside
    if prepared is None:
        return None
    settling.remember(runtime, prepared)
    return Answer(document_of(runtime, prepared), exit_code_of(prepared, detailed=detailed))


def _prepared_rest(runtime: Runtime) -> Prepared | None:
    found = checked(runtime)
    snapshot = runtime.store.read()
    if not settling.may_still_be(runtime, snapshot):
        return None
    prepared = telling(runtime, review(runtime, prepare(runtime.world, snapshot)), found)
    is_right = settling.are_still(runtime, snapshot) and settling.stand_alone(prepared)
    return prepared if is_right else None


def review(runtime: Runtime, prepared: Prepared) -> Prepared:
    """*prepared* held to the policy, and with what it means for people's data."""
    return reviewed(runtime.world, prepared, policy_of(runtime))


def telling(runtime: Runtime, prepared: Prepared, found: Iterable[Diagnostic]) -> Prepared:
    """*prepared* with what was *found* in the manifests before its own warnings, all with their places; nothing twice.

    Raises:
        ManifestError: a change names a database that nobody declares and that is not there, or rows that no object takes.
    """
    refuse_unknown_databases(runtime, prepared)
    ahead = objects_of_plan(runtime, prepared)
    plan = prepared.plan
    own = (runtime.placed(Address.parse(one.subject), one) if one.subject else one for one in plan.warnings)
    return replace(prepared, plan=replace(plan, warnings=tuple(dict.fromkeys((*found, *own, *ahead)))))


def policy_of(runtime: Runtime) -> Book:
    """The rules of the project and of the environment together."""
    return book_of(runtime.project.spec.policy, runtime.world.environment.policy)


def document_of(runtime: Runtime, prepared: Prepared) -> Document:
    """The plan's document, which every rendering reads."""
    digest = plan_digest(runtime.world, prepared)
    now = runtime.clock.now()
    timings = schedules.document(prepared, runtime.loaded.environment.cron_dialect, now)
    document = documents.plan_document(prepared, digest, rfc3339(now), runtime.world.fingerprint, field_places(runtime))
    return document | {"schedules": timings, **revision_of(runtime.project, os.environ).to_json()}


def exit_code_of(prepared: Prepared, *, detailed: bool) -> int:
    """A gate goes first, then what could not be read, then differences."""
    if prepared.plan.gates:
        return BLOCKED
    if prepared.plan.undecided:
        return FAILED
    return DIFFERENCES if detailed and not prepared.plan.is_empty else OK


def validate(runtime: Runtime) -> Answer:
    """Everything that can be said without asking a vendor. Invalid manifests raise instead.

    Raises:
        ManifestError: with all findings of the pass.
    """
    findings = checked(runtime, ALL_LEVELS)
    return Answer(documents.validation_document(tuple(findings), rfc3339(runtime.clock.now()), overlays_of(runtime)))


def overlays_of(runtime: Runtime) -> dict[Address, dict[str, Position]]:
    """Address -> pointer of each value that the environment says otherwise -> where it says so."""
    loaded = runtime.loaded
    return {address: values for address in loaded.resources if (values := loaded.overlaid(address))}


def checked(runtime: Runtime, levels: Sequence[Level] = (Level.ERROR,)) -> list[Diagnostic]:
    """What the loader noticed, what providers say offline and what breaks a rule of one of *levels*, in reading order.

    Raises:
        ManifestError: one of them is an error.
    """
    context = runtime.world.context()
    found = list(runtime.loaded.notices)
    for address, resource in runtime.world.resources.items():
        provider = runtime.world.provider(address)
        if provider is not None:
            found += [runtime.placed(address, diagnostic) for diagnostic in provider.check(resource, context)]
        elif isinstance(resource.spec, Timing):
            # Nothing at any vendor, so no provider looks at it; what uses it may be written later.
            found += [runtime.placed(address, diagnostic) for diagnostic in _remarks(runtime, address, resource.spec)]
    found += [runtime.placed(Address.parse(one.subject), one) for one in faster_than_ingested(runtime.world)]
    book, today = policy_of(runtime), runtime.world.today()
    found += book.problems
    found += [
        runtime.placed(breach.address, told(breach))
        for breach in breaches(book, runtime.world.resources, today, levels=levels)
    ]
    if Level.WARN in levels:
        found += waivers_ending(book, today)
        found += [runtime.placed(Address.parse(one.subject), one) for one in ignores_ending(runtime.world)]
    findings = sorted_by_place(dict.fromkeys(found))
    if any(finding.is_error for finding in findings):
        raise ManifestError(findings)
    return findings


def _remarks(runtime: Runtime, address: Address, timing: Timing) -> Iterator[Diagnostic]:
    dialect, now = runtime.loaded.environment.cron_dialect, runtime.clock.now()
    for remark in remarks(timing.cron, timing.timezone, timing.delay, dialect, now):
        path = f"/spec/{remark.field}"
        yield Diagnostic(
            remark.rule, remark.message, remark.severity, subject=str(address), path=path, hint=remark.hint
        )
