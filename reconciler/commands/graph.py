"""`tdr graph`: what needs what. Asks no vendor."""

from __future__ import annotations

from pathlib import Path

from reconciler.commands import saved_plan
from reconciler.commands.answer import Answer
from reconciler.errors import UsageError
from reconciler.ports.clock import rfc3339
from reconciler.reports import graph as reports
from reconciler.wiring import Runtime


def graph(runtime: Runtime, changes: Path | None = None) -> Answer:
    """All that is declared, with what each names. *changes*: a plan whose actions the nodes bear.

    Raises:
        UsageError: *changes* is no plan.
    """
    plan = saved_plan.load(changes) if changes is not None else None
    if plan is not None and plan["format"] != "tdr.plan":
        raise UsageError(f"{str(changes)!r} is no plan", hint="name a file that `tdr plan --out FILE` wrote")
    return Answer(
        reports.document(runtime.world.resources, plan, runtime.environment_name, rfc3339(runtime.clock.now()))
    )
