"""Printing: results to stdout, everything else to stderr."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

import typer

from reconciler.cli.options import Format

if TYPE_CHECKING:
    from reconciler.commands.answer import Answer
    from reconciler.errors import TdrError

# Control characters but line ends and tabs; and the marks that reorder a line.
_OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
COLOURS = {"+": "green", "~": "yellow", "-": "red", "»": "cyan", "?": "magenta", "!": "red"}

RENDERERS = {
    "tdr.plan": ("text", "plan"),
    "tdr.run": ("text", "run"),
    "tdr.run, kept": ("history", "run_text"),
    "tdr.plan_diff": ("plan_diff", "plan_diff"),
    "tdr.job": ("rows", "job"),
    "tdr.validation": ("text", "validation"),
    "tdr.drift": ("drift", "text"),
    "tdr.import": ("importing", "imported"),
    "tdr.status": ("status", "text"),
    "tdr.history": ("history", "text"),
    "tdr.explanation": ("explaining", "text"),
    "tdr.schedule": ("schedule_explained", "text"),
    "tdr.tdx": ("tdx", "text"),
}
"""Format -> module of `reports` and its function; the others are tables."""
WITH_MORE = {"tdr.plan", "tdr.drift"}
"""Formats that --verbose shows more of."""


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
    name = str(document["format"])
    if name == "tdr.run" and "who" in document:
        name = "tdr.run, kept"
    module, function = RENDERERS.get(name, ("text", "table"))
    render: Callable[..., str] = getattr(import_module(f"reconciler.reports.{module}"), function)
    return render(document, verbose=verbose) if name in WITH_MORE else render(document)


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

        document = documents.validation_document(error.diagnostics, rfc3339(SystemClock().now()))
        sys.stderr.write(visible(text.diagnostics(document)))
    say(f"error: {error.message}")
    request = getattr(error, "request_id", "")
    if request:
        say(f"  request {request}")
    if error.hint:
        say(f"hint: {error.hint}")
