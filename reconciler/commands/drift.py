"""`tdr drift`: what others changed since the last apply. Looks, and writes nothing at any vendor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.commands.answer import DIFFERENCES, FAILED, OK, Answer
from reconciler.engine import drift as drifting
from reconciler.engine.drift import DriftReport
from reconciler.engine.refresh import refresh
from reconciler.engine.safety import guard_accounts
from reconciler.engine.unmanaged import inventory
from reconciler.errors import ProviderError
from reconciler.model.address import Address
from reconciler.model.observation import Finding, Seen
from reconciler.model.record import State
from reconciler.ports.clock import rfc3339
from reconciler.reports import drift as reports
from reconciler.wiring import Runtime


@dataclass(frozen=True, slots=True)
class Scan:
    """One look at everything that state remembers. *unknown*: providers of which it is not known who answers."""

    state: State
    seen: dict[Address, Seen]
    report: DriftReport
    unknown: Mapping[str, ProviderError]

    def found(self, address: Address) -> Finding | None:
        """What was seen of *address*; None when it could not be read or is not remembered."""
        look = self.seen.get(address)
        return look if isinstance(look, Finding) else None


def scan(runtime: Runtime) -> Scan:
    """Look at everything remembered.

    Raises:
        Blocked: a wrong account answers.
    """
    state = runtime.store.read().state
    guarded = guard_accounts(runtime.world, state)
    seen = refresh(runtime.world, state, guarded.unknown, state.records)
    return Scan(state, seen, drifting.drift(runtime.world, state, seen), guarded.unknown)


def drift(runtime: Runtime, *, since: str = "") -> Answer:
    """Compare what is there with what was last applied.

    since: digest of the drift that the caller knows of; when nothing else moved, the exit code is 0.
    """
    return _answer(runtime, scan(runtime), since)


def drift_and_unmanaged(runtime: Runtime, *, since: str = "") -> Answer:
    """As `drift`, and list what nothing manages. That is no drift, but a vendor that does not tell is no clean scan."""
    looked = scan(runtime)
    answer = _answer(runtime, looked, since)
    found = inventory(runtime.world.providers.values(), looked.state, looked.unknown)
    document = reports.with_inventory(answer.document, found)
    return Answer(document, FAILED if found.unlisted else answer.exit_code)


def _answer(runtime: Runtime, looked: Scan, since: str) -> Answer:
    report = looked.report
    document = reports.document(report, runtime.environment_name, rfc3339(runtime.clock.now()), since=since)
    return Answer(document, exit_code_of(report, since))


def exit_code_of(report: DriftReport, since: str) -> int:
    """A scan that could not read fails, whatever it found; drift that is known already is no news."""
    if not report.is_complete:
        return FAILED
    return OK if report.is_clean or report.digest() == since else DIFFERENCES
