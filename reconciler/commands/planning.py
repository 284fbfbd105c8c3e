"""`tdr plan` and `tdr validate`: they look and write nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from reconciler.commands import saved_plan
from reconciler.commands.answer import BLOCKED, DIFFERENCES, FAILED, OK, Answer
from reconciler.diagnostics import Diagnostic, sorted_by_place
from reconciler.engine.fingerprints import plan_digest
from reconciler.engine.planning import Prepared, prepare
from reconciler.errors import ManifestError
from reconciler.model.address import Address
from reconciler.model.kinds import Timing
from reconciler.ports.clock import rfc3339
from reconciler.reports import documents, schedules
from reconciler.reports.documents import Document
from reconciler.schedule import remarks
from reconciler.wiring import Runtime


def plan(
    runtime: Runtime, *, targets: Sequence[Address] = (), detailed: bool = False, out: Path | None = None
) -> Answer:
    """Compare, and say what apply would do. *out* saves the plan for `tdr apply FILE`."""
    checked(runtime)
    prepared = prepare(runtime.world, runtime.store.read(), targets)
    document = document_of(runtime, prepared)
    if out is not None:
        saved_plan.save(out, document)
    return Answer(document, exit_code_of(prepared, detailed=detailed))


def document_of(runtime: Runtime, prepared: Prepared) -> Document:
    """The plan's document, which every rendering reads."""
    digest = plan_digest(runtime.world, prepared)
    now = runtime.clock.now()
    timings = schedules.document(prepared, runtime.loaded.environment.cron_dialect, now)
    return documents.plan_document(prepared, digest, rfc3339(now)) | {"schedules": timings}


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
    findings = checked(runtime)
    return Answer(documents.diagnostics_document(tuple(findings), rfc3339(runtime.clock.now())))


def checked(runtime: Runtime) -> list[Diagnostic]:
    """What the loader noticed and what providers say offline, in reading order.

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
