"""The verbs that look and explain: status, explain, history, graph."""

from __future__ import annotations

from typing import Annotated

import typer

from reconciler.cli import output
from reconciler.cli.options import DirectoryOption, EnvOption, Format, FormatOption, VarOption
from reconciler.cli.session import address, runtime_of


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    for verb in (status,):
        app.command()(verb)


def status(
    context: typer.Context,
    what: Annotated[
        str | None, typer.Argument(help="Only this resource, with all its runs.", metavar="[ADDRESS]")
    ] = None,
    env: EnvOption = None,
    directory: DirectoryOption = None,
    var: VarOption = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Show how what was applied is doing. Exits with 2 when something is wrong, 1 when not all could be read."""
    from reconciler.commands import status as commands

    chosen = address(what) if what else None
    with runtime_of(context, env=env, directory=directory, variables=var) as runtime:
        answer = commands.status(runtime, chosen)
    output.finish(answer, format)
