"""Printing: results to stdout, everything else to stderr."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Any

import typer

from reconciler.cli.options import Format

if TYPE_CHECKING:
    from reconciler.commands.answer import Answer
    from reconciler.errors import TdrError

# Control characters but line ends and tabs; and the marks that reorder a line.
_OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
COLOURS = {"+": "green", "~": "yellow", "-": "red", "»": "cyan", "?": "magenta", "!": "red"}


def finish(answer: Answer, format: Format, *, verbose: bool = False) -> None:
    """Print the result and end with its exit code."""
    emit(answer.document, format, verbose=verbose)
    raise typer.Exit(answer.exit_code)


def emit(document: dict[str, Any], format: Format, *, verbose: bool = False) -> None:
    """Print *document* to stdout."""
    if format is Format.JSON:
        import orjson

        sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n")
        return
    rendered = visible(_render(document, verbose=verbose))
    sys.stdout.write(_coloured(rendered) if colours() else rendered)
    sys.stdout.flush()


def _render(document: dict[str, Any], *, verbose: bool) -> str:
    """*document* as text; only the module of its format is loaded."""
    from reconciler.reports import text

    match document["format"]:
        case "tdr.plan":
            return text.plan(document, verbose=verbose)
        case "tdr.run" if "who" in document:
            from reconciler.reports import history

            return history.run_text(document)
        case "tdr.run":
            return text.run(document)
        case "tdr.validation":
            return text.validation(document)
        case "tdr.drift":
            from reconciler.reports import drift

            return drift.text(document, verbose=verbose)
        case "tdr.plan_diff":
            from reconciler.reports.plan_diff import plan_diff

            return plan_diff(document)
        case "tdr.import":
            from reconciler.reports.importing import imported

            return imported(document)
        case "tdr.status":
            from reconciler.reports import status

            return status.text(document)
        case "tdr.history":
            from reconciler.reports import history

            return history.text(document)
        case "tdr.explanation":
            from reconciler.reports import explaining

            return explaining.text(document)
        case _:
            return text.table(document)


def visible(text: str) -> str:
    """*text* with escapes in place of what a terminal would obey: names and messages of vendors are not ours."""
    return _OBEYED.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def colours() -> bool:
    """Whether stdout takes colours: a terminal, and nobody asked for none."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def _coloured(text: str) -> str:
    return "".join(
        typer.style(line, fg=COLOURS[line.lstrip()[0]]) if line.strip() and line.lstrip()[0] in COLOURS else line
        for line in text.splitlines(keepends=True)
    )


def say(message: str) -> None:
    """One line to stderr."""
    sys.stderr.write(visible(message) + "\n")
    sys.stderr.flush()


def complain(error: TdrError) -> None:
    """An error as a person needs it: what, where, what now."""
    from reconciler.errors import ManifestError

    if isinstance(error, ManifestError):
        from reconciler.ports.clock import SystemClock, rfc3339
        from reconciler.reports import documents, text

        document = documents.diagnostics_document(error.diagnostics, rfc3339(SystemClock().now()))
        sys.stderr.write(visible(text.diagnostics(document)))
    say(f"error: {error.message}")
    request = getattr(error, "request_id", "")
    if request:
        say(f"  request {request}")
    if error.hint:
        say(f"hint: {error.hint}")
