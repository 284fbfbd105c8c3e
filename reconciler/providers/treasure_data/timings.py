"""When saved queries and imports run, compared by meaning.

What is sent is the canonical form: the vendor's page and its scheduler read some texts differently, and this one alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from reconciler.diagnostics import Diagnostic
from reconciler.model.address import Address
from reconciler.model.json import Json
from reconciler.model.timing import Pausable, Timing
from reconciler.ports.clock import Clock, SystemClock
from reconciler.ports.provider import Context
from reconciler.providers.treasure_data.names import timing
from reconciler.schedule import Dialect, canonical_timing, remarks


@dataclass(frozen=True, slots=True)
class Timings:
    """How this environment reads cron texts. *clock* tells from when on a year's clock changes are looked at."""

    dialect: Dialect = Dialect.DOCUMENTED
    clock: Clock = field(default_factory=SystemClock)

    def attributes(self, spec: Pausable, context: Context) -> dict[str, Json]:
        """The fields of a declared timing; none when the manifest leaves it open, and only the empty cron for `never`.

        Of a paused one zone and delay stay, so that a plan shows the pause alone. That the vendor keeps the zone of what has no
        schedule is seen of its lists, and nowhere promised.
        """
        declared = timing(spec.schedule, context)
        if declared is None:
            return {}
        cron, zone = self.comparable(declared.cron, declared.timezone)
        if not cron:
            return {"cron": ""}
        return {"cron": cron if spec.enabled else "", "timezone": zone, "delay": declared.delay}

    def comparable(self, cron: str, zone: str) -> tuple[str, str]:
        """Cron, "" for never, and zone in their canonical forms. A zone that a server adds to the cron is taken off it."""
        return _comparable(cron, zone, self.dialect)

    def problems(self, address: Address, schedule: str | Timing | None, context: Context) -> Iterator[Diagnostic]:
        """What can be said against a timing, at its own place: in the Schedule document when it is named."""
        declared = timing(schedule, context)
        if declared is None:
            return
        subject, below = (
            (str(Address("schedule", schedule)), "/spec")
            if isinstance(schedule, str)
            else (str(address), "/spec/schedule")
        )
        for remark in remarks(declared.cron, declared.timezone, declared.delay, self.dialect, self.clock.now()):
            yield Diagnostic(
                remark.rule,
                remark.message,
                remark.severity,
                subject=subject,
                path=f"{below}/{remark.field}",
                hint=remark.hint,
            )


@lru_cache(maxsize=4096)
def _comparable(cron: str, zone: str, dialect: Dialect) -> tuple[str, str]:
    canonical, canonical_zone = canonical_timing(cron, zone, dialect)
    return canonical, canonical_zone or zone
