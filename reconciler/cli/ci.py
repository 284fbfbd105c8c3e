"""The verbs for pipelines: ci comment, ci check, ci label, ci gate, ci find-plan, ci drift-issue, ci propose, ci env."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reconciler.cli import output
from reconciler.cli.options import DirectoryOption, EnvOption
from reconciler.cli.session import runtime_of
from reconciler.errors import Blocked, UsageError
from reconciler.ports.forge import Provider

if TYPE_CHECKING:
    from reconciler.commands.ci.discussing import Result
    from reconciler.ports.forge import Forge
    from reconciler.reports.forge_pages import Told
    from reconciler.wiring.forges import Setting

ProviderOption = Annotated[
    Provider | None, typer.Option("--provider", help="Who runs the pipeline, where its variables do not say.")
]
ResultArgument = Annotated[
    Path,
    typer.Argument(help="What `--report json=FILE` wrote; where it is missing, the command was ended.", metavar="FILE"),
]
ExitCodeOption = Annotated[
    int | None,
    typer.Option("--exit-code", min=0, max=255, help="What the command ended with; a run's report says it itself."),
]
LengthOption = Annotated[int, typer.Option("--max-chars", min=2000, help="How long a page may be.")]
_LONGEST = 60_000


class What(StrEnum):
    """What a comment can be about."""

    PLAN = "plan"
    RUN = "run"


verbs = typer.Typer(help="Say in a pipeline what a plan, an apply or a look for drift came to.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.add_typer(verbs, name="ci")


@verbs.command()
def comment(
    context: typer.Context,
    file: ResultArgument,
    env: EnvOption = None,
    directory: DirectoryOption = None,
    provider: ProviderOption = None,
    exit_code: ExitCodeOption = None,
    what: Annotated[
        What | None, typer.Option("--what", help="What it is about, where the command was ended before it could say.")
    ] = None,
    max_chars: LengthOption = _LONGEST,
) -> None:
    """Write one comment on the change request, and edit it from then on; without a forge, print it."""
    from reconciler.commands.ci import discussing
    from reconciler.reports.forge_pages import comment as written

    setting = _setting(provider)
    about = _about(env, directory, setting)
    result = _result(file, exit_code)
    if what is not None:
        result = replace(result, what=what.value)
    with _forge(context, setting) as forge:
        if forge is None:
            typer.echo(written(result.what, result.document, about, result.exit_code, max_chars=max_chars), nl=False)
        elif setting.is_closed:
            discussing.close(forge, setting, about, output.say)
        else:
            discussing.discuss(forge, setting, about, result, max_chars, output.say)


@verbs.command()
def check(
    context: typer.Context,
    file: ResultArgument,
    env: EnvOption = None,
    directory: DirectoryOption = None,
    provider: ProviderOption = None,
    exit_code: ExitCodeOption = None,
) -> None:
    """Put a check on the commit: success, failure, or waiting for a person."""
    from reconciler.commands.ci import discussing
    from reconciler.reports.forge_pages import verdict_of

    setting = _setting(provider)
    about = _about(env, directory, setting)
    result = _result(file, exit_code)
    with _forge(context, setting) as forge:
        if forge is None:
            typer.echo(verdict_of(result.document, result.exit_code) if result.document else "no result")
        else:
            discussing.judge(forge, about, result, output.say)


@verbs.command()
def label(
    context: typer.Context,
    file: ResultArgument,
    env: EnvOption = None,
    directory: DirectoryOption = None,
    provider: ProviderOption = None,
    exit_code: ExitCodeOption = None,
) -> None:
    """Label the change request by what merging it would do: no-changes, changes or destroy; without a forge, print it."""
    from reconciler.commands.ci import labelling

    setting = _setting(provider)
    about = _about(env, directory, setting)
    result = _result(file, exit_code)
    with _forge(context, setting) as forge:
        if forge is not None:
            labelling.label(forge, setting, about, result, output.say)
        elif verdict := labelling.verdict_of(result):
            typer.echo(labelling.label_of(about.environment, verdict))


@verbs.command()
def gate(
    file: Annotated[
        Path | None, typer.Argument(help="Report of a run, which says how it ended.", metavar="[FILE]")
    ] = None,
    exit_code: ExitCodeOption = None,
    allow: Annotated[str, typer.Option("--allow", metavar="CODES", help="Exit codes that are well, by commas.")] = "0",
) -> None:
    """End as a command before ended, or well where that is allowed: so that what comes between runs in any case."""
    try:
        allowed = {int(text) for text in allow.split(",")}
    except ValueError as error:
        raise UsageError(f"--allow {allow!r} is no list of exit codes", hint="such as 0,2") from error
    code = exit_code
    if code is None and file is not None:
        code = _result(file, None).exit_code
    if code is None:
        raise UsageError("neither a report nor --exit-code says how the command ended", hint="name one of them")
    raise typer.Exit(0 if code in allowed else code or 1)


@verbs.command("find-plan")
def find_plan(
    context: typer.Context,
    out: Annotated[Path, typer.Option("--out", help="File to write the plan to.", metavar="FILE")],
    env: EnvOption = None,
    directory: DirectoryOption = None,
    provider: ProviderOption = None,
    sha: Annotated[str, typer.Option("--sha", help="The merged commit; the pipeline's when left out.")] = "",
) -> None:
    """Find the plan that was reviewed before the merge. Exits with 3 where nobody reviewed one."""
    from reconciler.commands.ci import merged

    setting = _setting(provider)
    about = _about(env, directory, setting)
    with _forge(context, setting) as forge:
        if forge is None:
            raise Blocked("there is no forge to ask for a plan", hint="run this in a pipeline of GitHub or GitLab")
        merged.find(forge, about, sha or setting.commit, out, output.say)


@verbs.command("drift-issue")
def drift_issue(
    context: typer.Context,
    file: ResultArgument,
    env: EnvOption = None,
    directory: DirectoryOption = None,
    provider: ProviderOption = None,
    exit_code: ExitCodeOption = None,
    label: Annotated[str, typer.Option("--label", help="Label of the issue.")] = "tdr-drift",
    max_chars: LengthOption = _LONGEST,
) -> None:
    """Keep one issue about drift: open it, bring it up to date, close it when nothing differs any more."""
    from reconciler.commands.ci import drifting
    from reconciler.ports.clock import SystemClock
    from reconciler.reports import drift_issue as pages

    setting = _setting(provider)
    about = _about(env, directory, setting)
    result = _result(file, exit_code)
    clock = context.obj.clock or SystemClock()
    look = drifting.Look(
        result.document, result.exit_code, about.project, about.environment, clock.now(), setting.run_url
    )
    with _forge(context, setting) as forge:
        if forge is not None:
            drifting.keep(forge, look, label, max_chars, output.say)
        elif look.drift is not None:
            typer.echo(pages.body(look.drift, about.project, max_chars=max_chars), nl=False)


@verbs.command()
def propose(
    context: typer.Context,
    branch: Annotated[str, typer.Option("--branch", help="Branch to push to; what was on it is replaced.")],
    env: EnvOption = None,
    directory: DirectoryOption = None,
    provider: ProviderOption = None,
    title: Annotated[str, typer.Option("--title", help="Title of the change request.")] = "Accept what differs outside",
) -> None:
    """Push what a command changed in the manifests to a branch, and open a change request of it."""
    from reconciler.commands.ci import proposing

    setting = _setting(provider)
    with runtime_of(context, env=env, directory=directory, resolve_secrets=False) as runtime:
        root, manifests = runtime.project.root, Path(runtime.project.manifests)
    with _forge(context, setting) as forge:
        if forge is None:
            raise Blocked("there is no forge to propose a change at", hint="run this in a pipeline of GitHub or GitLab")
        proposing.propose(forge, root, manifests, branch, setting.branch, title, output.say)


@verbs.command("env")
def env_(provider: ProviderOption = None) -> None:
    """Print where this runs: forge, change request, commits, who, and the page of the run."""
    setting = _setting(provider)
    for name in ("provider", "repository", "change", "head", "commit", "branch", "actor", "run_url"):
        value: Any = getattr(setting, name)
        typer.echo(f"{name}={'' if value is None else value}")


def _setting(provider: Provider | None) -> Setting:
    from reconciler.wiring.forges import setting_of

    return setting_of(os.environ, provider)


def _about(env: str | None, directory: Path | None, setting: Setting) -> Told:
    """Of whom it is. The manifests may be invalid; that too is said where the change is discussed."""
    from reconciler.manifest import find_project
    from reconciler.manifest.environment import choose
    from reconciler.reports.forge_pages import Told

    project = find_project(directory or Path.cwd())
    return Told(project.spec.project, choose(project, env), setting.head or setting.commit, setting.run_url, _key())


def _key() -> bytes:
    """What our comments are sealed with; b"" where no key is set, for one that is made here would be known nowhere else."""
    from reconciler.sealing import VARIABLE, key_from

    written = os.environ.get(VARIABLE, "").strip()
    return key_from(written, VARIABLE).derive("comments") if written else b""


def _result(file: Path, exit_code: int | None) -> Result:
    """The document in *file*, and how the command ended. A file that is not there is a command that was ended."""
    from reconciler.commands import saved_plan
    from reconciler.commands.ci.discussing import Result

    if not file.exists():
        return Result.of(None, exit_code if exit_code is not None else 1)
    document = saved_plan.load(file)
    told = document.get("exit_code")
    if exit_code is None and not isinstance(told, int):
        if document["format"] in {"tdr.plan", "tdr.drift"}:
            raise UsageError(f"{str(file)!r} does not say how the command ended", hint="pass --exit-code")
        told = 7 if document["format"] == "tdr.validation" else 1
    return Result.of(document, exit_code if exit_code is not None else int(str(told)))


@contextmanager
def _forge(context: typer.Context, setting: Setting) -> Iterator[Forge | None]:
    from reconciler.wiring.forges import forge_of

    forge = forge_of(setting, os.environ, context.obj.clock)
    if forge is None:
        yield None
        return
    with closing(forge):
        yield forge
