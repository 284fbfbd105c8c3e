"""`tdr drift`: what others changed since the last apply. Looks, and writes nothing at any vendor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.commands.answer import DIFFERENCES, FAILED, OK, Answer
from reconciler.commands.objects_ahead import objects_as_applied
from reconciler.engine import drift as drifting
from reconciler.engine.drift import DriftReport, Verdict
from reconciler.engine.refresh import refresh
from reconciler.engine.safety import guard_accounts
from reconciler.engine.scoping import narrowed, part_of_remembered
from reconciler.engine.unmanaged import inventory
from reconciler.errors import ProviderError
from reconciler.logs import logger
from reconciler.model.address import Address
from reconciler.model.observation import Finding, Seen
from reconciler.model.record import State
from reconciler.model.scope import EVERYTHING, Scope
from reconciler.ports.clock import rfc3339
from reconciler.reports import drift as reports
from reconciler.wiring import Runtime


@dataclass(frozen=True, slots=True)
class Scan:
    """One look at what state remembers. *unknown*: providers of which it is not known who answers.

    scope: what the look was narrowed to.
    """

    state: State
    seen: dict[Address, Seen]
    report: DriftReport
    unknown: Mapping[str, ProviderError]
    scope: Scope = EVERYTHING

    def found(self, address: Address) -> Finding | None:
        """What was seen of *address*; None when it could not be read or is not remembered."""
        look = self.seen.get(address)
        return look if isinstance(look, Finding) else None


def scan(runtime: Runtime, scope: Scope = EVERYTHING) -> Scan:
    """Look at everything remembered, or at *scope* of it.

    Raises:
        Blocked: a wrong account answers.
        UsageError: *scope* means nothing that is remembered.
    """
    return look(runtime, runtime.store.read().state, scope)


def look(runtime: Runtime, state: State, scope: Scope = EVERYTHING) -> Scan:
    """As `scan`, of this *state*."""
    world = runtime.world
    if runtime.probed.note:
        logger("reconciler.probe").warning(runtime.probed.note)
    part = part_of_remembered(scope, world, state)
    chosen = set(state.records)
    if part is not None:
        needs = {
            address: [need for need in record.depends_on if need in state.records]
            for address, record in state.records.items()
        }
        chosen, scope = narrowed(part, needs, {})
    guarded = guard_accounts(world, state)
    seen = refresh(world, state, guarded.unknown, chosen)
    report = drifting.drift(world, state, seen, chosen)
    return Scan(state, seen, report, guarded.unknown, scope)


def drift(runtime: Runtime, scope: Scope = EVERYTHING, *, since: str = "") -> Answer:
    """Compare what is there with what was last applied.

    since: digest of the drift that the caller knows of; when nothing else moved, the exit code is 0.
    """
    return _answer(runtime, scan(runtime, scope), since)


def drift_and_unmanaged(runtime: Runtime, *, since: str = "") -> Answer:
    """As `drift`, and list what nothing manages. That is no drift, but a vendor that does not tell is no clean scan."""
    looked = scan(runtime)
    answer = _answer(runtime, looked, since)
    found = inventory(runtime.world.providers.values(), looked.state, looked.unknown)
    document = reports.with_inventory(answer.document, found)
    return Answer(document, FAILED if found.unlisted else answer.exit_code)


def _answer(runtime: Runtime, looked: Scan, since: str) -> Answer:
    report = looked.report
    there = {one.address for one in report.entries if one.verdict not in (Verdict.MISSING, Verdict.UNKNOWN)}
    warnings = objects_as_applied(runtime, looked.state, there)
    now = rfc3339(runtime.clock.now())
    document = reports.document(
        report, runtime.environment_name, now, since=since, scope=looked.scope, warnings=warnings
    )
    return Answer(document, exit_code_of(report, since))


def exit_code_of(report: DriftReport, since: str) -> int:
    """A scan that could not read fails, whatever it found; drift that is known already is no news."""
    if not report.is_complete:
        return FAILED
    return OK if report.is_clean or report.digest() == since else DIFFERENCES
