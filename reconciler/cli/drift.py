"""The verb that looks for what others changed: drift."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any

import typer

from reconciler.cli import memory, output
from reconciler.cli.options import (
    DirectoryOption,
    EnvOption,
    ExcludeOption,
    FormatOption,
    LockTimeoutOption,
    MaxCharsOption,
    Refresh,
    RefreshOption,
    ReportOption,
    SelectorOption,
    TargetOption,
    VarOption,
    VerboseOption,
)
from reconciler.cli.precedence import is_on_the_line
from reconciler.cli.reported import Reported
from reconciler.cli.scoping import scope as scope_of
from reconciler.cli.session import address_and_pointer, runtime_of, seconds
from reconciler.errors import UsageError
from reconciler.reports.formats import Format
from reconciler.reports.rendering import Reading

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command(cls=Reported)(drift)


def drift(
    context: typer.Context,
    env: EnvOption = None,
    directory: DirectoryOption = None,
    var: VarOption = None,
    target: TargetOption = None,
    exclude: ExcludeOption = None,
    selector: SelectorOption = None,
    refresh: RefreshOption = Refresh.TRUE,
    since_digest: Annotated[
        str,
        typer.Option(
            "--since-digest",
            help="`digest` of an earlier report: exit with 0 and say nothing as long as nothing else moved.",
            metavar="DIGEST",
        ),
    ] = "",
    accept: Annotated[
        list[str] | None,
        typer.Option(
            "--accept",
            help="Write what was found into the manifest; repeatable. With a pointer such as "
            "activation/daily/cron only that field.",
            metavar="ADDRESS[/POINTER]",
        ),
    ] = None,
    unmanaged: Annotated[
        bool, typer.Option("--unmanaged", help="Also list what exists at the vendors and nothing manages.")
    ] = False,
    issue: Annotated[
        bool,
        typer.Option("--issue", help="Print the body of an issue: what moved, what now, and a mark to find it again."),
    ] = False,
    lock_timeout: LockTimeoutOption = "0s",
    format: FormatOption = Format.TEXT,
    max_chars: MaxCharsOption = None,
    report: ReportOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Compare what is there with what was last applied. Exits with 2 when something moved, 1 when not all could be read."""
    from reconciler.commands import drift as commands

    choices = [address_and_pointer(text) for text in accept or ()]
    scope = scope_of(target, exclude, selector)
    if refresh is Refresh.FALSE:
        raise UsageError(
            "drift is what the vendors say, so it is never told without asking them",
            hint="`tdr plan --refresh=false` compares the manifests with what was last applied",
        )
    _refuse_what_does_not_go_together(
        context,
        since_digest=since_digest,
        accepts=bool(choices),
        unmanaged=unmanaged,
        issue=issue,
        is_part=not scope.is_everything,
    )
    wait_s = seconds("--lock-timeout", lock_timeout)
    memory.return_large_blocks()
    with runtime_of(context, env=env, directory=directory, variables=var) as runtime:
        if choices:
            from reconciler.commands import accepting

            answer = accepting.accept(runtime, [accepting.Choice(*choice) for choice in choices], wait_s)
        elif unmanaged:
            answer = commands.drift_and_unmanaged(runtime, since=since_digest)
        else:
            answer = commands.drift(runtime, scope, since=since_digest)
        project = runtime.project.spec.project
    reading = Reading(verbose=verbose, max_chars=max_chars)
    output.finish(answer, format, reading, report, page=_body(project, reading) if issue else None)


def _refuse_what_does_not_go_together(
    context: typer.Context, *, since_digest: str, accepts: bool, unmanaged: bool, issue: bool, is_part: bool
) -> None:
    if since_digest and not DIGEST.fullmatch(since_digest):
        raise UsageError(
            f"--since-digest {since_digest!r} is none", hint="pass the `digest` of `tdr drift --format json`"
        )
    if accepts and (since_digest or unmanaged):
        raise UsageError("--accept goes with neither --since-digest nor --unmanaged", hint="look first, then accept")
    # TDR_FORMAT and `defaults:` stand for all verbs; an issue is Markdown whatever they say.
    if issue and (accepts or unmanaged or is_on_the_line(context, "format")):
        raise UsageError(
            "--issue goes with none of --accept, --unmanaged and --format",
            hint="--report json=FILE writes the document beside it",
        )
    if not accepts and is_on_the_line(context, "lock_timeout"):
        raise UsageError("--lock-timeout goes with --accept only", hint="a look takes no lock")
    if (accepts or unmanaged) and is_part:
        raise UsageError(
            "--target, --exclude and --selector go with neither --accept nor --unmanaged",
            hint="--accept names what is meant, and --unmanaged looks at everything",
        )


def _body(project: str, reading: Reading) -> Callable[[dict[str, Any]], str]:
    from reconciler.reports import drift_issue

    return lambda document: drift_issue.body(document, project, max_chars=reading.max_chars, verbose=reading.verbose)
