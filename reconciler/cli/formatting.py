"""The verb that puts manifests in one form: fmt."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import output
from reconciler.cli.options import DirectoryOption, FormatOption
from reconciler.errors import UsageError
from reconciler.reports.formats import Format

if TYPE_CHECKING:
    from reconciler.commands.answer import Answer


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(fmt)


def fmt(
    paths: Annotated[
        list[str] | None,
        typer.Argument(help="Files and folders; the whole project when left out, - for stdin.", metavar="[PATH]..."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit with 2 when a file is not in form.")
    ] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Write nothing; show what would change.")] = False,
    directory: DirectoryOption = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Put manifests, environments and tdr.yaml in one form: order of keys, indentation and quotes. What they say stays."""
    from reconciler.commands import formatting as commands
    from reconciler.commands.formatting import Doing
    from reconciler.ports.clock import SystemClock

    doing = Doing.CHECK if check else Doing.SHOW if diff else Doing.WRITE
    asked = list(paths or ())
    clock = SystemClock()
    if commands.STDIN not in asked:
        _finish(commands.fmt(directory or Path(), asked, clock, doing), format, diff=diff)
    if len(asked) > 1:
        raise UsageError("- stands alone: stdin is one file", hint="name the files, or give one to stdin")
    if doing is Doing.WRITE and format is not Format.TEXT:
        raise UsageError("- writes the text itself to stdout", hint="leave --format out, or add --check")
    answer, text = commands.from_stdin(sys.stdin.buffer.read(), clock, doing)
    if doing is not Doing.WRITE:
        _finish(answer, format, diff=diff)
    # Also what cannot be read: who pipes a file through gets it back as it was.
    sys.stdout.write("")
    sys.stdout.flush()
    sys.stdout.buffer.write(text)
    sys.stdout.buffer.flush()
    _complain(answer)
    raise typer.Exit(answer.exit_code)


def _finish(answer: Answer, format: Format, *, diff: bool) -> None:
    from reconciler.reports import formatting as reports
    from reconciler.reports.characters import visible

    if format is not Format.TEXT:
        output.finish(answer, format)
    sys.stdout.write(visible(reports.diff(answer.document) if diff else reports.text(answer.document)))
    sys.stdout.flush()
    _complain(answer)
    output.say(reports.summary(answer.document))
    raise typer.Exit(answer.exit_code)


def _complain(answer: Answer) -> None:
    from reconciler.reports import text
    from reconciler.reports.characters import visible

    sys.stderr.write(visible(text.diagnostics(answer.document)))
