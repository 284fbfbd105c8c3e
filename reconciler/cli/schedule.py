"""The verbs on schedules: schedule explain."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from reconciler.cli import output
from reconciler.cli.options import FormatOption
from reconciler.cli.session import seconds
from reconciler.errors import UsageError
from reconciler.reports.formats import Format

schedules = typer.Typer(help="Look at a schedule before it runs.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.add_typer(schedules, name="schedule")


@schedules.callback()
def _group() -> None:
    """Keep the group a group, whatever the number of its verbs."""


@schedules.command()
def explain(
    cron: Annotated[str, typer.Argument(help="Five fields or a preset; '' for no scheduled run.", metavar="CRON")],
    timezone: Annotated[
        str, typer.Option("--timezone", help="Region and city, such as Asia/Tokyo.", metavar="ZONE")
    ] = "UTC",
    delay: Annotated[str, typer.Option("--delay", help="How much later each run starts, such as 10m.")] = "0s",
    after: Annotated[
        str,
        typer.Option(
            "--after", help="Show runs later than this moment of the zone, such as 2026-01-01T00:30; now when left out."
        ),
    ] = "",
    count: Annotated[int, typer.Option("--next", min=0, max=1000, help="How many runs to show.")] = 10,
    dialect: Annotated[
        str,
        typer.Option("--dialect", help="`documented`, as the vendor's page says, or `classic`, as cron libraries do."),
    ] = "documented",
    format: FormatOption = Format.TEXT,
) -> None:
    """Say what a schedule means, when it runs next and what is odd about it. Needs no project."""
    from reconciler.commands import schedule
    from reconciler.commands.answer import INVALID
    from reconciler.reports import schedule_explained
    from reconciler.schedule import Dialect
    from reconciler.wiring.clock import clock_of

    if dialect not in set(Dialect):
        raise UsageError(f"--dialect {dialect!r} is unknown", hint=f"write {' or '.join(Dialect)}")
    delay_s = int(seconds("--delay", delay))
    now = clock_of(os.environ).now()
    answer = schedule.explain(cron, timezone, delay_s, Dialect(dialect), after, count, now)
    if answer.exit_code == INVALID and format is Format.TEXT:
        for line in schedule_explained.complaints(answer.document):
            output.say(line)
        raise typer.Exit(answer.exit_code)
    output.finish(answer, format)
