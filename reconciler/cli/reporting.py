"""Reports: the result of a run in further formats, each in a file of its own, whatever the run came to."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from reconciler.errors import TdrError, UsageError
from reconciler.reports.characters import visible
from reconciler.reports.formats import Format
from reconciler.reports.rendering import Reading, render

_ALL = frozenset({Format.TEXT, Format.JSON, Format.MARKDOWN, Format.HTML})
_JUDGING = _ALL | {Format.JUNIT, Format.SARIF}
_WRITING = _JUDGING | {Format.JSONL}
FORMATS: Mapping[str, frozenset[Format]] = {
    **dict.fromkeys(("plan", "drift", "validate", "show"), _JUDGING),
    **dict.fromkeys(("import", "refresh", "status"), _ALL),
    **dict.fromkeys(("apply", "destroy", "rollback"), _WRITING),
    "run": frozenset({Format.TEXT, Format.JSON, Format.JSONL}),
}
"""Verb -> the formats it knows; the others know text and JSON."""
_PLAIN = frozenset({Format.TEXT, Format.JSON})
STDOUT = "-"


@dataclass(frozen=True, slots=True)
class Report:
    """One ``FORMAT=FILE``; the file is ``-`` for stdout."""

    format: Format
    file: str


def usual(context: typer.Context, format: Format) -> Format:
    """*format* if the verb knows it; where it stands for all verbs, in the environment or in tdr.yaml, else text.

    Raises:
        UsageError: the command line itself asks for one that the verb does not know.
    """
    source = context.get_parameter_source("format")
    if source is not None and source.name != "COMMANDLINE" and format not in _formats(context):
        return Format.TEXT
    return known(context, format)


def known(context: typer.Context, format: Format) -> Format:
    """*format*, if the verb knows it.

    Raises:
        UsageError: it does not; names those it does.
    """
    formats = _formats(context)
    if format not in formats:
        raise UsageError(f"`{context.command_path}` has no format {format.value!r}", hint=f"one of {_listed(formats)}")
    return format


def _formats(context: typer.Context) -> frozenset[Format]:
    # A chain such as `tdr state list`; every name but the program's own.
    return FORMATS.get(context.command_path.partition(" ")[2], _PLAIN)


def _listed(formats: frozenset[Format]) -> str:
    return ", ".join(one.value for one in Format if one in formats)


def parsed(texts: Sequence[str] | None) -> list[Report]:
    """Reports as they are written on the command line.

    Raises:
        UsageError: one is not ``FORMAT=FILE``, or two go to the same place.
    """
    reports: list[Report] = []
    for text in texts or ():
        name, _, file = text.partition("=")
        if name not in {one.value for one in _JUDGING} or not file:
            raise UsageError(f"--report {text!r} is not FORMAT=FILE", hint=f"formats: {_listed(_JUDGING)}")
        if any(one.file == file for one in reports):
            raise UsageError(f"--report: two reports go to {file!r}", hint="name a file for each")
        reports.append(Report(Format(name), file))
    return reports


def check(context: typer.Context) -> None:
    """Refuse reports that cannot be made, before the verb does anything.

    Raises:
        UsageError: one is not ``FORMAT=FILE``, the verb does not know its format, or stdout holds something else.
    """
    for report in parsed(context.params.get("report")):
        known(context, report.format)
        if report.file == STDOUT and context.params.get("format") is not Format.TEXT:
            raise UsageError(
                f"--report {report.format.value}=-: stdout holds the one document of --format",
                hint="leave --format out, or name a file",
            )


def write(document: dict[str, Any], reports: Sequence[Report], reading: Reading) -> list[TdrError]:
    """Write *document* to each place; what went wrong, which stops none of the others."""
    from reconciler.commands.given_files import put

    failures: list[TdrError] = []
    for report in reports:
        try:
            rendered = render(document, report.format, reading)
            if report.format is Format.TEXT:
                rendered = visible(rendered)
            if report.file == STDOUT:
                sys.stdout.write(rendered)
                sys.stdout.flush()
            else:
                put(Path(report.file), rendered.encode())
        except OSError as error:
            message = f"the {report.format.value} report cannot be written to {report.file!r}: {error.strerror}"
            failures.append(TdrError(message, hint=_SAFE))
        except TdrError as error:
            message = f"the {report.format.value} report for {report.file!r} cannot be made: {error.message}"
            failures.append(TdrError(message, hint=error.hint))
    return failures


_SAFE = "what the run did is done and remembered; name a file in a folder that is there and can be written to"
