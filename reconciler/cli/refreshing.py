"""The verb that takes what others changed into the state: refresh."""

from __future__ import annotations

import typer

from reconciler.cli import memory, output
from reconciler.cli.following import Lines
from reconciler.cli.options import (
    DirectoryOption,
    EnvOption,
    ExcludeOption,
    FormatOption,
    LockTimeoutOption,
    MaxCharsOption,
    ReportOption,
    SelectorOption,
    TargetOption,
    VarOption,
    YesOption,
)
from reconciler.cli.reported import Reported
from reconciler.cli.scoping import scope as scope_of
from reconciler.cli.session import runtime_of, seconds
from reconciler.cli.writing import consent_of
from reconciler.reports.formats import Format
from reconciler.reports.rendering import Reading


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command(cls=Reported)(refresh)


def refresh(
    context: typer.Context,
    env: EnvOption = None,
    directory: DirectoryOption = None,
    var: VarOption = None,
    target: TargetOption = None,
    exclude: ExcludeOption = None,
    selector: SelectorOption = None,
    yes: YesOption = False,
    lock_timeout: LockTimeoutOption = "0s",
    format: FormatOption = Format.TEXT,
    max_chars: MaxCharsOption = None,
    report: ReportOption = None,
) -> None:
    """Take what others changed into the state, after showing it. Changes no manifest, and nothing at any vendor."""
    from reconciler.commands import refreshing
    from reconciler.reports.refreshing import closing

    scope, wait_s = scope_of(target, exclude, selector), seconds("--lock-timeout", lock_timeout)
    otherwise = "pass --yes; `tdr drift` only looks"
    consent = consent_of(Lines(format), yes=yes, question="Remember all of this?", otherwise=otherwise)
    memory.return_large_blocks()
    with runtime_of(context, env=env, directory=directory, variables=var) as runtime:
        answer = refreshing.refresh(runtime, consent, wait_s, scope)
    # What was remembered was shown in full before it was.
    is_shown = answer.document["remembered"] and format is Format.TEXT
    output.finish(answer, format, Reading(max_chars=max_chars), report, page=closing if is_shown else None)
