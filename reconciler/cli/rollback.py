"""The verb that goes back: rollback."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from reconciler.cli import output
from reconciler.cli.approving import ApproveOption, ReasonOption
from reconciler.cli.following import following
from reconciler.cli.options import (
    DirectoryOption,
    EnvOption,
    FailFastOption,
    FormatOption,
    LockTimeoutOption,
    MaxCharsOption,
    ParallelOption,
    ReportOption,
    VarOption,
    YesOption,
)
from reconciler.cli.reported import Reported
from reconciler.cli.session import interruptible, runtime_of
from reconciler.cli.writing import consent_of, finish_run, run_of
from reconciler.reports.formats import Format
from reconciler.reports.rendering import Reading


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command(cls=Reported)(rollback)


def rollback(
    context: typer.Context,
    run: Annotated[str, typer.Argument(help="A run that `tdr history` lists.", metavar="RUN")],
    env: EnvOption = None,
    directory: DirectoryOption = None,
    var: VarOption = None,
    plan_only: Annotated[bool, typer.Option("--plan", help="Only show the plan.")] = False,
    yes: YesOption = False,
    lock_timeout: LockTimeoutOption = "0s",
    parallelism: ParallelOption = 4,
    fail_fast: FailFastOption = False,
    approve: ApproveOption = None,
    reason: ReasonOption = "",
    format: FormatOption = Format.TEXT,
    max_chars: MaxCharsOption = None,
    report: ReportOption = None,
) -> None:
    """Put back what a run changed: an ordinary plan, shown and asked for. What was sent stays sent."""
    from reconciler.commands import rollback as commands

    if plan_only:
        with runtime_of(context, env=env, directory=directory, variables=var) as runtime:
            answer = commands.planned(runtime, run)
        output.finish(answer, format, Reading(max_chars=max_chars), report)
    with following(format, context.command_path) as follower:
        otherwise = "pass --yes, or --plan to look"
        consent = consent_of(follower, yes=yes, question="Roll this back?", otherwise=otherwise)
        how = replace(
            run_of(follower, consent, lock_timeout, approve, reason), parallel=parallelism, fail_fast=fail_fast
        )
        with (
            interruptible(how.interruption),
            runtime_of(context, env=env, directory=directory, variables=var) as runtime,
        ):
            answer = commands.rollback(runtime, how, run)
        finish_run(answer, format, follower, Reading(max_chars=max_chars), report)
