"""The verbs that compare and change: validate, plan, apply, show, destroy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import memory, output
from reconciler.cli.approving import ApproveOption, ReasonOption
from reconciler.cli.following import following
from reconciler.cli.options import (
    DirectoryOption,
    EnvOption,
    ExcludeOption,
    FailFastOption,
    FormatOption,
    LockTimeoutOption,
    MaxCharsOption,
    ParallelOption,
    Refresh,
    RefreshOption,
    ReplaceOption,
    ReportOption,
    SelectorOption,
    TargetOption,
    VarOption,
    VerboseOption,
    YesOption,
)
from reconciler.cli.reported import Reported
from reconciler.cli.scoping import asked as asked_of
from reconciler.cli.scoping import scope as scope_of
from reconciler.cli.session import interruptible, runtime_of, seconds
from reconciler.cli.writing import consent_of, finish_run, run_of
from reconciler.errors import TdrError, UsageError
from reconciler.reports.formats import Format
from reconciler.reports.rendering import Reading


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    for verb in (validate, plan, apply, show, destroy):
        app.command(cls=Reported)(verb)


def validate(
    context: typer.Context,
    env: EnvOption = None,
    directory: DirectoryOption = None,
    var: VarOption = None,
    is_online: Annotated[
        bool, typer.Option("--online/--offline", help="Also ask the vendors, which needs their secrets. Reads only.")
    ] = False,
    format: FormatOption = Format.TEXT,
    max_chars: MaxCharsOption = None,
    report: ReportOption = None,
) -> None:
    """Check the manifests. Asks no vendor and needs no secrets, unless --online is given."""
    from reconciler.commands import planning, validating_online
    from reconciler.commands.answer import Answer
    from reconciler.errors import ManifestError

    try:
        with runtime_of(
            context, env=env, directory=directory, variables=var, resolve_secrets=is_online, parse_all=True
        ) as runtime:
            answer = validating_online.validate_online(runtime) if is_online else planning.validate(runtime)
    except ManifestError as error:
        if format is Format.TEXT:
            raise
        from reconciler.ports.clock import SystemClock, rfc3339
        from reconciler.reports.documents import validation_document

        answer = Answer(validation_document(error.diagnostics, rfc3339(SystemClock().now())), error.exit_code)
    output.finish(answer, format, Reading(max_chars=max_chars), report)


def plan(
    context: typer.Context,
    env: EnvOption = None,
    directory: DirectoryOption = None,
    var: VarOption = None,
    target: TargetOption = None,
    exclude: ExcludeOption = None,
    selector: SelectorOption = None,
    replacing: ReplaceOption = None,
    refresh: RefreshOption = Refresh.TRUE,
    out: Annotated[
        Path | None, typer.Option("--out", help="Save the plan for `tdr apply FILE`.", metavar="FILE")
    ] = None,
    expires: Annotated[
        str, typer.Option("--expires", envvar="TDR_EXPIRES", help="How long the saved plan may be applied.")
    ] = "72h",
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 2 when there are changes.")
    ] = False,
    format: FormatOption = Format.TEXT,
    max_chars: MaxCharsOption = None,
    report: ReportOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Show what apply would change. Changes nothing. Exits with 3 when a gate holds the plan."""
    from reconciler.commands import planning
    from reconciler.manifest.loading import collection_paused

    memory.return_large_blocks()
    asked = replace(asked_of(target, exclude, selector, replacing), is_refreshed=refresh is Refresh.TRUE)
    valid_for_s = seconds("--expires", expires)
    answer = None
    with collection_paused():
        if format is Format.TEXT and asked.is_plain and not (verbose or out or report):
            with runtime_of(context, env=env, directory=directory, variables=var, sets_aside=True) as runtime:
                answer = planning.plan_rest(runtime, detailed=detailed_exitcode)
        if answer is None:
            with runtime_of(context, env=env, directory=directory, variables=var) as runtime:
                answer = planning.plan(
                    runtime, asked=asked, detailed=detailed_exitcode, out=out, valid_for_s=valid_for_s
                )
    output.finish(answer, format, Reading(verbose=verbose, max_chars=max_chars), report)


def apply(
    context: typer.Context,
    plan_file: Annotated[
        Path | None, typer.Argument(help="A plan saved by `tdr plan --out`.", metavar="[PLANFILE]")
    ] = None,
    env: EnvOption = None,
    directory: DirectoryOption = None,
    var: VarOption = None,
    target: TargetOption = None,
    exclude: ExcludeOption = None,
    selector: SelectorOption = None,
    replacing: ReplaceOption = None,
    yes: YesOption = False,
    lock_timeout: LockTimeoutOption = "0s",
    parallelism: ParallelOption = 4,
    no_settle: Annotated[bool, typer.Option("--no-settle", help="Do not look again at what was changed.")] = False,
    replan_if_equal: Annotated[
        bool,
        typer.Option(
            "--replan-if-equal", help="When a plan file is stale, go on if a new plan comes to the same operations."
        ),
    ] = False,
    fail_fast: FailFastOption = False,
    approve: ApproveOption = None,
    reason: ReasonOption = "",
    format: FormatOption = Format.TEXT,
    max_chars: MaxCharsOption = None,
    report: ReportOption = None,
) -> None:
    """Plan, show it, ask, and change what differs; with a saved plan: exactly that, without asking."""
    from reconciler.commands import applying

    asked = asked_of(target, exclude, selector, replacing)
    if plan_file is not None and any((target, exclude, selector, replacing)):
        wrong = "--target, --exclude, --selector and --replace go with no plan file: the plan says what is done"
        raise UsageError(wrong, hint="leave them out, or plan again with them and apply that")
    if replan_if_equal and plan_file is None:
        raise UsageError(
            "--replan-if-equal is about a plan file, and none is named", hint="tdr apply PLANFILE --replan-if-equal"
        )
    hint = "pass --yes, or make a plan with `tdr plan --out FILE` and apply that file"
    with following(format, context.command_path) as follower:
        consent = consent_of(follower, yes=yes or plan_file is not None, question="Apply this plan?", otherwise=hint)
        run = replace(
            run_of(follower, consent, lock_timeout, approve, reason),
            settle=not no_settle,
            parallel=parallelism,
            fail_fast=fail_fast,
            replan_if_equal=replan_if_equal,
        )
        with (
            interruptible(run.interruption),
            runtime_of(context, env=env, directory=directory, variables=var) as runtime,
        ):
            answer = applying.apply(runtime, run, plan_file=plan_file, asked=asked)
        finish_run(answer, format, follower, Reading(max_chars=max_chars), report)


def destroy(
    context: typer.Context,
    env: EnvOption = None,
    directory: DirectoryOption = None,
    var: VarOption = None,
    target: TargetOption = None,
    exclude: ExcludeOption = None,
    selector: SelectorOption = None,
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
    """Delete everything that tdr made or took over, or a part and what needs it. With --yes, --env must be named."""
    from reconciler.commands import applying

    scope = scope_of(target, exclude, selector)
    if yes and not env:
        raise UsageError(
            "destroy --yes names no environment, and might destroy the wrong one", hint="tdr destroy --yes --env NAME"
        )
    with following(format, context.command_path) as follower:
        otherwise = "pass --yes and --env NAME"
        consent = consent_of(follower, yes=yes, question="Delete all of this?", otherwise=otherwise)
        run = replace(
            run_of(follower, consent, lock_timeout, approve, reason), parallel=parallelism, fail_fast=fail_fast
        )
        with (
            interruptible(run.interruption),
            runtime_of(context, env=env, directory=directory, variables=var) as runtime,
        ):
            answer = applying.destroy(runtime, run, scope)
        finish_run(answer, format, follower, Reading(max_chars=max_chars), report)


def show(
    file: Annotated[Path, typer.Argument(help="A saved plan or a run's report.", metavar="FILE")],
    format: FormatOption = Format.TEXT,
    max_chars: MaxCharsOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Show a saved plan or a run's report. Reads no project and asks no vendor."""
    from reconciler.commands import saved_plan

    document = saved_plan.load(file)
    try:
        output.emit(document, format, Reading(verbose=verbose, max_chars=max_chars))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise TdrError(
            f"{str(file)!r} is no whole document of tdr", hint="name a file that `tdr plan --out FILE` wrote"
        ) from error
