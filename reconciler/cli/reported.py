"""Verbs that write reports: also when they come to no result, the reports say why."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand
from typer.exceptions import TyperException

from reconciler.cli import output, reporting
from reconciler.cli.circumstances import Finished, settled
from reconciler.errors import Ended, ManifestError, TdrError
from reconciler.reports.rendering import Reading

if TYPE_CHECKING:
    from reconciler.reports.documents import Document

# typer brings its own click; what ends a command on purpose is no failure.
_ON_PURPOSE = (typer.Exit, typer.Abort, TyperException)


class Reported(TyperCommand):
    """A verb with `--report`."""

    def invoke(self, ctx: Any) -> Any:
        """Run the verb; where it fails, write why into each report, and fail as it did."""
        reporting.check(ctx)
        began_s = time.perf_counter()
        try:
            return super().invoke(ctx)
        except Finished as finished:
            told = _measure(ctx, finished.document, finished.exit_code, began_s)
            if told and finished.exit_code in output.SUCCESSES:
                raise Finished(1, finished.document) from finished
            raise
        except _ON_PURPOSE:
            raise
        except (Exception, KeyboardInterrupt) as error:
            document = _document(ctx, error)
            _write(ctx, document)
            _measure(ctx, document, exit_code_of(error), began_s)
            raise


def _document(context: typer.Context, error: BaseException) -> Document:
    """Why there is no result."""
    from reconciler.ports.clock import SystemClock, rfc3339
    from reconciler.reports import documents

    now = rfc3339(SystemClock().now())
    if isinstance(error, ManifestError):
        return documents.validation_document(error.diagnostics, now)
    return documents.error_document(context.command_path, error, exit_code_of(error), now)


def _write(context: typer.Context, document: Document) -> None:
    reading = Reading(verbose=bool(context.params.get("verbose")), max_chars=context.params.get("max_chars"))
    for failure in reporting.write(document, reporting.parsed(context.params.get("report")), reading):
        output.complain(failure)


def _measure(context: typer.Context, document: Mapping[str, Any], exit_code: int, began_s: float) -> bool:
    """Write the samples that were asked for, as the very last. Whether something went wrong with it, which is told."""
    reports = reporting.parsed(context.params.get("report"))
    if not any(one.name == reporting.PROMETHEUS for one in reports):
        return False
    from reconciler.reports.prometheus import Ran

    where = settled(context)
    ran = Ran(
        reporting.verb_of(context),
        where.project,
        where.environment,
        exit_code,
        time.perf_counter() - began_s,
        where.api_calls,
    )
    failures = reporting.measure(document, reports, ran)
    for failure in failures:
        output.complain(failure)
    return bool(failures)


def exit_code_of(error: BaseException) -> int:
    """What the process ends with after *error*."""
    match error:
        case TdrError() | Ended():
            return error.exit_code
        case KeyboardInterrupt():
            return 130
        case _:
            return 1
