"""The verbs around a project: init, schema, kinds, doctor, version."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from reconciler import __version__
from reconciler.cli import output
from reconciler.cli.options import DirectoryOption, EnvOption, FormatOption
from reconciler.cli.precedence import is_on_the_line
from reconciler.cli.session import runtime_of
from reconciler.commands import pipelines
from reconciler.errors import UsageError
from reconciler.reports.formats import Format


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    for verb in (init, schema, kinds, doctor, version):
        app.command()(verb)


def init(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder of the new project.", metavar="[DIR]")] = Path(),
    name: Annotated[str | None, typer.Option("--name", help="Name of the project; the folder's when left out.")] = None,
    ci: Annotated[
        pipelines.Forge | None,
        typer.Option("--ci", help="Also write a pipeline; a project that is there already gets only that."),
    ] = None,
    env: EnvOption = None,
) -> None:
    """Write a new project that runs as it is, or the pipeline of one. Overwrites nothing."""
    from reconciler.commands import project

    if ci is None and is_on_the_line(context, "env"):
        raise UsageError("--env is the environment of a pipeline", hint="tdr init --ci github --env NAME")
    pipeline = None if ci is None else project.pipeline_of(ci, folder, env)
    for path in project.init(folder, name, pipeline):
        output.tell(f"wrote {path}")
    if pipeline is not None:
        for left in pipelines.remarks(pipeline, folder):
            output.tell(f"next: {left}")
        return
    output.tell(
        "next: `tdr plan`" if folder == Path() else f"next: `tdr -C {folder} plan`, or go there and leave -C out"
    )


def schema(
    kind: Annotated[
        str | None,
        typer.Argument(
            help="Kind, such as Audience; also Project (tdr.yaml) and Environment. Any document when left out.",
            metavar="[KIND]",
        ),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every schema, and one for any document; goes with --out.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write files there: all, unless a KIND is given.", metavar="DIR")
    ] = None,
) -> None:
    """Print the JSON Schema of a kind, of a settings file, or of any document."""
    from reconciler.commands import project

    if every and (kind is not None or out is None):
        raise UsageError("--all writes files and takes no KIND", hint="tdr schema --all --out DIR")
    if out is None:
        sys.stdout.write(project.schema(kind))
        return
    for path in project.write_schemas(out, kind):
        output.tell(f"wrote {path}")


def kinds(
    kind: Annotated[str | None, typer.Argument(help="Only this kind, such as Audience.", metavar="[KIND]")] = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """List what is supported: for each kind who holds it and what can be done with it. Needs no project."""
    import os

    from reconciler.commands import kinds as commands
    from reconciler.wiring.clock import clock_of

    output.finish(commands.kinds(kind, clock_of(os.environ).now()), format)


def doctor(
    context: typer.Context,
    env: EnvOption = None,
    directory: DirectoryOption = None,
    format: FormatOption = Format.TEXT,
    probe: Annotated[
        bool, typer.Option("--probe", help="Also ask the account, by reading only, what the vendor leaves open.")
    ] = False,
) -> None:
    """Check that everything a run needs is there and answers."""
    from reconciler.commands import doctor as doctors

    with runtime_of(context, env=env, directory=directory, may_be_empty=True) as runtime:
        answer = doctors.doctor(runtime, probes=probe)
    output.finish(answer, format)


def version(context: typer.Context, format: FormatOption = Format.TEXT) -> None:
    """Print the version; as JSON also what each option would be, and what says so."""
    if format is Format.TEXT:
        sys.stdout.write(f"tdr {__version__}\n")
        return
    import json
    import platform

    from reconciler.cli import precedence

    document = {
        "format": "tdr.version",
        "format_version": "1.0",
        "tdr_version": __version__,
        "python": platform.python_version(),
        "options": precedence.what_won(context.obj),
    }
    sys.stdout.write(json.dumps(document, indent=2) + "\n")
