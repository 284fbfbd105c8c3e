"""Verbs that write reports: also when they come to no result, the reports say why."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperCommand
from typer.exceptions import TyperException

from reconciler.cli import output, reporting
from reconciler.errors import Ended, ManifestError, TdrError
from reconciler.reports.rendering import Reading

# typer brings its own click; what ends a command on purpose is no failure.
_ON_PURPOSE = (typer.Exit, typer.Abort, TyperException)


class Reported(TyperCommand):
    """A verb with `--report`."""

    def invoke(self, ctx: Any) -> Any:
        """Run the verb; where it fails, write why into each report, and fail as it did."""
        reporting.check(ctx)
        try:
            return super().invoke(ctx)
        except _ON_PURPOSE:
            raise
        except (Exception, KeyboardInterrupt) as error:
            _write(ctx, error)
            raise


def _write(context: typer.Context, error: BaseException) -> None:
    reports = reporting.parsed(context.params.get("report"))
    if not reports:
        return
    from reconciler.ports.clock import SystemClock, rfc3339
    from reconciler.reports import documents

    now = rfc3339(SystemClock().now())
    if isinstance(error, ManifestError):
        document = documents.validation_document(error.diagnostics, now)
    else:
        document = documents.error_document(context.command_path, error, exit_code_of(error), now)
    reading = Reading(verbose=bool(context.params.get("verbose")), max_chars=context.params.get("max_chars"))
    for failure in reporting.write(document, reports, reading):
        output.complain(failure)


def exit_code_of(error: BaseException) -> int:
    """What the process ends with after *error*."""
    match error:
        case TdrError() | Ended():
            return error.exit_code
        case KeyboardInterrupt():
            return 130
        case _:
            return 1
