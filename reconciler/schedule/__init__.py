"""Schedules by meaning: what a cron text says, when it runs next, and what a reader should know about it.

A cron text, a zone and a delay enter; a `Cron` (sets of numbers, and which day field counts), runs, words, findings and a
canonical form leave. Two texts mean the same exactly when their canonical forms are equal. There are two dialects: the
vendor's page (`documented`) and what cron libraries do (`classic`); where they read a text differently, a finding says so.

Pure but for the time zone database. Knows no vendor's API, no manifest and no clock: a moment is passed in.
"""

from reconciler.schedule.comparing import canonical_timing, same
from reconciler.schedule.cron import Cron, DayRule, Dialect
from reconciler.schedule.findings import Finding, findings, workflow_findings
from reconciler.schedule.parsing import check, parse
from reconciler.schedule.problem import Problem, ScheduleError
from reconciler.schedule.remarks import Remark, remarks, workflow_remarks
from reconciler.schedule.runs import Run, next_after, next_runs
from reconciler.schedule.spacing import closest_runs_s
from reconciler.schedule.words import meaning
from reconciler.schedule.zones import check_zone

__all__ = [
    "Cron",
    "DayRule",
    "Dialect",
    "Finding",
    "Problem",
    "Remark",
    "Run",
    "ScheduleError",
    "canonical_timing",
    "check",
    "check_zone",
    "closest_runs_s",
    "findings",
    "meaning",
    "next_after",
    "next_runs",
    "parse",
    "remarks",
    "same",
    "workflow_findings",
    "workflow_remarks",
]
