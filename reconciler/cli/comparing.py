"""`tdr diff`: two plans by what they would do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import output
from reconciler.cli.options import FormatOption
from reconciler.reports.formats import Format


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(diff)


def diff(
    plan_a: Annotated[Path, typer.Argument(help="A plan saved by `tdr plan --out`.", metavar="PLAN_A")],
    plan_b: Annotated[Path, typer.Argument(help="The plan to compare it with.", metavar="PLAN_B")],
    format: FormatOption = Format.TEXT,
) -> None:
    """Compare what two saved plans would do. Exits with 2 when it is not the same. Asks no vendor."""
    from reconciler.commands import plan_diff

    output.finish(plan_diff.diff(plan_a, plan_b), format)
