"""Everything that can be said about a timing, each with the field it is about and how bad it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from reconciler.diagnostics import Severity
from reconciler.schedule.cron import Cron, Dialect
from reconciler.schedule.findings import findings, workflow_findings
from reconciler.schedule.parsing import check, parse

DAY_S: Final = 86_400
_HARMLESS: Final = frozenset(
    {"both-days", "clock-change", "leap-years-only", "months-without-the-day", "undocumented-step"}
)
"""Findings to know of; the others say that a schedule may not do what it looks like."""


@dataclass(frozen=True, slots=True)
class Remark:
    """What is said about *field*, which is ``cron``, ``timezone`` or ``delay``."""

    rule: str
    field: str
    message: str
    severity: Severity
    hint: str = ""


def remarks(cron: str, zone: str, delay: int, dialect: Dialect | str, now: float) -> tuple[Remark, ...]:
    """Why a timing cannot be used, or what its reader should know.

    delay: seconds.
    now: Unix seconds; the clock changes of a year from the beginning of that day (UTC) on are looked at.
    """
    return _remarks(cron, zone, delay, Dialect(dialect), int(now) // DAY_S * DAY_S)


def workflow_remarks(cron: Cron) -> tuple[Remark, ...]:
    """What changes when the text stands in a workflow file: worth knowing, but nothing is wrong with it."""
    return tuple(Remark(found.rule, "cron", found.message, Severity.NOTICE) for found in workflow_findings(cron))


@lru_cache(maxsize=4096)
def _remarks(cron: str, zone: str, delay: int, dialect: Dialect, today: int) -> tuple[Remark, ...]:
    """Shared by all who use the same timing: ten thousand activations have few of them."""
    problems = check(cron, zone, dialect)
    if problems:
        return tuple(
            Remark(problem.rule, problem.field, problem.message, Severity.ERROR, problem.hint) for problem in problems
        )
    return tuple(
        Remark(
            finding.rule,
            "delay" if finding.rule.startswith("delay-") else "cron",
            finding.message,
            Severity.NOTICE if finding.rule in _HARMLESS else Severity.WARNING,
        )
        for finding in findings(parse(cron, dialect), zone, delay, today)
    )
