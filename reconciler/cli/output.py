"""Printing: results to stdout, everything else to stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from reconciler.cli import reporting, streams
from reconciler.cli.circumstances import Finished
from reconciler.reports.characters import visible
from reconciler.reports.formats import Format
from reconciler.reports.rendering import Reading, render

if TYPE_CHECKING:
    from reconciler.commands.answer import Answer
    from reconciler.errors import Ended, TdrError

_is_told = True
_print: Callable[[str], None] | None = None
COLOURS = {"+": "green", "~": "yellow", "-": "red", "»": "cyan", "?": "magenta", "!": "red"}
IN_FULL = Reading()


def finish(
    answer: Answer,
    format: Format,
    reading: Reading = IN_FULL,
    report: Sequence[str] | None = None,
    *,
    page: Callable[[dict[str, Any]], str] | None = None,
) -> NoReturn:
    """Print the result, write the reports that were asked for, and end with its exit code.

    page: what is printed of the document, in place of the document in *format*.
    report: as on the command line, ``FORMAT=FILE`` each. One that cannot be written, or a page that cannot be made short
    enough, is told once everything else is done, and makes a success a failure.
    """
    from reconciler.errors import TdrError

    try:
        if page is None:
            emit(answer.document, format, reading)
        else:
            sys.stdout.write(page(answer.document))
    except TdrError as error:
        complain(error)
        answer = replace(answer, exit_code=streams.untold(answer.exit_code))
    finish_shown(answer, reading, report)


def finish_shown(answer: Answer, reading: Reading, report: Sequence[str] | None) -> NoReturn:
    """As `finish`, when the result was printed before."""
    failures = reporting.write(answer.document, reporting.parsed(report), reading)
    for failure in failures:
        complain(failure)
    raise Finished(streams.untold(answer.exit_code) if failures else answer.exit_code, answer.document)


def emit(document: dict[str, Any], format: Format, reading: Reading = IN_FULL) -> None:
    """Print *document* to stdout.

    Raises:
        TdrError: it cannot be made as short as asked for.
    """
    rendered = render(document, format, reading)
    if format is Format.TEXT:
        rendered = visible(rendered)
        rendered = _coloured(rendered) if colours() else rendered
    sys.stdout.write(rendered)
    sys.stdout.flush()


def colours() -> bool:
    """Whether stdout takes colours: a terminal, and nobody asked for none."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def _coloured(text: str) -> str:
    return "".join(
        typer.style(line, fg=COLOURS[line.lstrip()[0]]) if line.strip() and line.lstrip()[0] in COLOURS else line
        for line in text.splitlines(keepends=True)
    )


def show_progress(shown: object) -> None:
    """From now on `tell` says things, or nothing."""
    global _is_told  # noqa: PLW0603 - of the process, as stderr is
    _is_told = bool(shown)


def tells() -> bool:
    """Whether `tell` says anything."""
    return _is_told


def tell(message: str) -> None:
    """One line to stderr about what is going on, which --quiet leaves out."""
    if _is_told:
        say(message)


def say(message: str) -> None:
    """One line to stderr."""
    line = visible(message)
    if _print is not None:
        _print(line)
        return
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def print_by(printing: Callable[[str], None] | None) -> None:
    """From now on lines for stderr go through *printing*, which has the last line of the terminal; None: straight there."""
    global _print  # noqa: PLW0603 - of the process, as stderr is
    _print = printing


def complain(error: TdrError | Ended) -> None:
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
