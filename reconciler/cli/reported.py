"""Verbs that write reports: also when they come to no result, the reports say why."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand
from typer.exceptions import TyperException

from reconciler.cli import glance, output, reporting, streams
from reconciler.cli.circumstances import Circumstances, Finished, settled
from reconciler.cli.session import given_variables
from reconciler.errors import Ended, ManifestError, TdrError
from reconciler.reports.rendering import Reading

if TYPE_CHECKING:
    from reconciler.reports.documents import Document

# typer brings its own click; what ends a command on purpose is no failure.
_ON_PURPOSE = (typer.Exit, typer.Abort, TyperException)
_TELLING = frozenset({"apply", "destroy", "rollback", "run", "retry", "drift"})
"""Verbs that others are told of. A plan is looked at by who asked for it."""


class Reported(TyperCommand):
    """A verb with `--report`, or one that others are told of."""

    def invoke(self, ctx: Any) -> Any:
        """Run the verb; where it fails, write why into each report, and fail as it did."""
        reporting.check(ctx)
        began_s = time.perf_counter()
        try:
            return super().invoke(ctx)
        except Finished as finished:
            failed = _hand_over(ctx, finished.document)
            failed |= _measure(ctx, finished.document, finished.exit_code, began_s)
            exit_code = streams.untold(finished.exit_code) if failed else finished.exit_code
            _notify(ctx, finished.document, exit_code)
            raise Finished(exit_code, finished.document) from finished
        except _ON_PURPOSE:
            raise
        except (Exception, KeyboardInterrupt) as error:
            document = _document(ctx, error)
            _write(ctx, document)
            _hand_over(ctx, document)
            _measure(ctx, document, exit_code_of(error), began_s)
            if not isinstance(error, KeyboardInterrupt):
                _notify(ctx, document, exit_code_of(error))
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


def _hand_over(context: typer.Context, document: Mapping[str, Any]) -> bool:
    """Write what forges read of it. Whether something went wrong with it, which is told."""
    reports = reporting.parsed(context.params.get("report"))
    if not any(one.name in reporting.FORGES for one in reports):
        return False
    failures = reporting.hand_over(document, reports, _below(context.params.get("directory") or Path()))
    for failure in failures:
        output.complain(failure)
    return bool(failures)


def _below(start: Path) -> str:
    """Where the project around *start* is in its repository, such as ``shop/``; "" where it is all of it, or there is none."""
    root = glance.root_of(start)
    repository = next((one for one in (root, *root.parents) if (one / ".git").exists()), None) if root else None
    return f"{root.relative_to(repository).as_posix()}/" if root and repository and root != repository else ""


def _measure(context: typer.Context, document: Mapping[str, Any], exit_code: int, began_s: float) -> bool:
    """Write the samples that were asked for, as the very last. Whether something went wrong with it, which is told."""
    reports = reporting.parsed(context.params.get("report"))
    if not any(one.name == reporting.PROMETHEUS for one in reports):
        return False
    from reconciler.reports.prometheus import Ran

    where = _settled(context)
    ran = Ran(
        reporting.verb_of(context),
        where.project_name,
        where.environment,
        exit_code,
        time.perf_counter() - began_s,
        where.api_calls,
    )
    failures = reporting.measure(document, reports, ran)
    for failure in failures:
        output.complain(failure)
    return bool(failures)


def _notify(context: typer.Context, document: Mapping[str, Any], exit_code: int) -> None:
    """Tell who is to be told. What goes wrong with it is a warning: what was done is done, and saved by now."""
    verb = reporting.verb_of(context)
    if verb not in _TELLING or context.params.get("plan_only"):
        return
    where = _settled(context)
    if where.project is None or not where.receivers:
        return
    from reconciler.commands import notifying
    from reconciler.ports.clock import SystemClock
    from reconciler.wiring.notifying import Sender

    outcome = notifying.Outcome(verb, context.obj.run_id, exit_code, document)
    sender = Sender(where.project, context.obj.clock or SystemClock(), os.environ)
    try:
        failures = notifying.notify(outcome, where.receivers, where.project, where.environment, sender)
    except (Ended, KeyboardInterrupt):
        # The command itself is over, and ends as it did.
        failures = [
            TdrError(
                "interrupted before everybody was told who is to be", hint="what the command did is done and saved"
            )
        ]
    for failure in failures:
        output.say(f"warning: {failure.message}")
        if failure.hint:
            output.say(f"hint: {failure.hint}")


def _settled(context: typer.Context) -> Circumstances:
    try:
        variables = given_variables(context, context.params.get("var"))
    except TdrError:
        variables = {}  # why is what the command itself ended with
    return settled(context, variables)


def exit_code_of(error: BaseException) -> int:
    """What the process ends with after *error*."""
    match error:
        case TdrError() | Ended():
            return error.exit_code
        case KeyboardInterrupt():
            return 130
        case _:
            return 1
