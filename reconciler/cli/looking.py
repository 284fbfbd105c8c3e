"""The verbs that look and explain: status, explain, history, graph."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import output
from reconciler.cli.options import DirectoryOption, EnvOption, FormatOption, MaxCharsOption, ReportOption, VarOption
from reconciler.cli.reported import Reported
from reconciler.cli.session import address, address_and_pointer, runtime_of
from reconciler.reports.characters import visible
from reconciler.reports.formats import Format
from reconciler.reports.rendering import Reading


class GraphFormat(StrEnum):
    """How a graph is printed."""

    DOT = "dot"
    MERMAID = "mermaid"
    JSON = "json"


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command(cls=Reported)(status)
    for verb in (explain, history, graph):
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
    max_chars: MaxCharsOption = None,
    report: ReportOption = None,
) -> None:
    """Show how what was applied is doing. Exits with 2 when something is wrong, 1 when not all could be read."""
    from reconciler.commands import status as commands

    chosen = address(what) if what else None
    with runtime_of(context, env=env, directory=directory, variables=var) as runtime:
        answer = commands.status(runtime, chosen)
    output.finish(answer, format, Reading(max_chars=max_chars), report)


def explain(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help="A resource, or one field of it.", metavar="ADDRESS[/POINTER]")],
    env: EnvOption = None,
    directory: DirectoryOption = None,
    var: VarOption = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Say why a resource is in the plan as it is: declared, last applied, found, and what decides."""
    from reconciler.commands import explaining

    chosen, path = address_and_pointer(what)
    with runtime_of(context, env=env, directory=directory, variables=var) as runtime:
        answer = explaining.explain(runtime, chosen, path)
    output.finish(answer, format)


def history(
    context: typer.Context,
    run: Annotated[str | None, typer.Argument(help="One run in full.", metavar="[RUN]")] = None,
    env: EnvOption = None,
    directory: DirectoryOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many runs are listed.")] = 20,
    format: FormatOption = Format.TEXT,
) -> None:
    """List what runs did: who, when, from which commit and plan, and how it ended."""
    from reconciler.commands import history as commands

    with runtime_of(context, env=env, directory=directory, resolve_secrets=False) as runtime:
        answer = commands.run(runtime, run) if run else commands.history(runtime, limit)
    output.finish(answer, format)


def graph(
    context: typer.Context,
    env: EnvOption = None,
    directory: DirectoryOption = None,
    var: VarOption = None,
    changes: Annotated[
        Path | None, typer.Option("--changes", help="Colour what this saved plan changes.", metavar="PLANFILE")
    ] = None,
    format: Annotated[GraphFormat, typer.Option("--format", help="How to print the graph.")] = GraphFormat.DOT,
) -> None:
    """Print which resource needs which, as a graph. Asks no vendor."""
    from reconciler.commands import graph as commands
    from reconciler.reports import graph as reports

    with runtime_of(context, env=env, directory=directory, variables=var, resolve_secrets=False) as runtime:
        answer = commands.graph(runtime, changes)
    if format is GraphFormat.JSON:
        output.finish(answer, Format.JSON)
    render = reports.dot if format is GraphFormat.DOT else reports.mermaid
    sys.stdout.write(visible(render(answer.document)))
