"""Reports: the result of a run in further formats, each in a file of its own, whatever the run came to."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from reconciler.errors import TdrError, UsageError
from reconciler.reports.characters import visible
from reconciler.reports.formats import Format
from reconciler.reports.rendering import Reading, render

if TYPE_CHECKING:
    from reconciler.reports.prometheus import Ran

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
PROMETHEUS = "prometheus"
"""What is reported only: samples are about a whole run, with how long it took and how it ended."""
MEASURED = frozenset({"plan", "apply", "destroy", "rollback", "drift", "run"})
"""Verbs that samples are reported of."""
_JUDGED = frozenset(verb for verb, formats in FORMATS.items() if Format.SARIF in formats and verb != "show")
FORGES: Mapping[str, frozenset[str]] = {
    "github": _JUDGED,
    "codequality": _JUDGED,
    "terraform": frozenset({"plan"}),
}
"""What forges read from a job, which is reported only -> the verbs that it is reported of."""
_ONLY_REPORTED = (*FORGES, PROMETHEUS)


@dataclass(frozen=True, slots=True)
class Report:
    """One ``FORMAT=FILE``; the file is ``-`` for stdout. *name*: of a `Format`, of `FORGES`, or `PROMETHEUS`."""

    name: str
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


def verb_of(context: typer.Context) -> str:
    """A chain such as ``state list``; every name but the program's own."""
    return context.command_path.partition(" ")[2]


def formats_of(verb: str) -> frozenset[Format]:
    """The formats of *verb*, such as ``state list``."""
    return FORMATS.get(verb, _PLAIN)


def _formats(context: typer.Context) -> frozenset[Format]:
    return formats_of(verb_of(context))


def _listed(formats: frozenset[Format]) -> str:
    return ", ".join(one.value for one in Format if one in formats)


def reports_of(verb: str) -> list[str]:
    """Names of what can be reported of *verb*, such as ``plan``."""
    names = [one.value for one in Format if one in formats_of(verb) and one is not Format.JSONL]
    names += [name for name, verbs in FORGES.items() if verb in verbs]
    return [*names, PROMETHEUS] if verb in MEASURED else names


def parsed(texts: Sequence[str] | None) -> list[Report]:
    """Reports as they are written on the command line.

    Raises:
        UsageError: one is not ``FORMAT=FILE``, or two go to the same place.
    """
    reports: list[Report] = []
    for text in texts or ():
        name, _, file = text.partition("=")
        if name not in {*_ONLY_REPORTED, *(one.value for one in _JUDGING)} or not file:
            known = ", ".join((_listed(_JUDGING), *_ONLY_REPORTED))
            raise UsageError(f"--report {text!r} is not FORMAT=FILE", hint=f"formats: {known}")
        if any(one.file == file for one in reports):
            raise UsageError(f"--report: two reports go to {file!r}", hint="name a file for each")
        reports.append(Report(name, file))
    return reports


def check(context: typer.Context) -> None:
    """Refuse reports that cannot be made, before the verb does anything.

    Raises:
        UsageError: one is not ``FORMAT=FILE``, the verb does not know its format, or stdout holds something else.
    """
    for report in parsed(context.params.get("report")):
        if report.name not in (names := reports_of(verb_of(context))):
            raise UsageError(
                f"`{context.command_path}` has no report {report.name!r}", hint=f"one of {', '.join(names)}"
            )
        if report.file == STDOUT and context.params.get("format") is not Format.TEXT:
            raise UsageError(
                f"--report {report.name}=-: stdout holds the one document of --format",
                hint="leave --format out, or name a file",
            )


def write(document: Mapping[str, Any], reports: Sequence[Report], reading: Reading) -> list[TdrError]:
    """Write *document* in each format; what went wrong, which stops none of the others."""

    def rendered(report: Report) -> str:
        text = render(dict(document), Format(report.name), reading)
        return visible(text) if report.name == Format.TEXT.value else text

    return _written([one for one in reports if one.name not in _ONLY_REPORTED], rendered)


def hand_over(document: Mapping[str, Any], reports: Sequence[Report], below: str) -> list[TdrError]:
    """Write what forges read of *document*; what went wrong, as `write` tells it.

    below: where the project is in its repository, such as ``shop/``; "" where it is the repository.
    """
    from reconciler.reports.forge_reports import REPORTS

    return _written([one for one in reports if one.name in FORGES], lambda one: REPORTS[one.name](document, below))


def measure(document: Mapping[str, Any], reports: Sequence[Report], ran: Ran) -> list[TdrError]:
    """Write the samples of a run that came to *document*; what went wrong, as `write` tells it."""
    from reconciler.reports import prometheus

    def samples(report: Report) -> str:
        return prometheus.text(document, ran, prometheus.earlier(_there(report.file), ran.command))

    return _written([one for one in reports if one.name == PROMETHEUS], samples)


def _there(file: str) -> str:
    """What stands in *file* before it is written; "" where nothing does, or what is no text. A pipe is not waited for."""
    path = Path(file)
    try:
        return path.read_text(encoding="utf-8") if file != STDOUT and path.is_file() else ""
    except (OSError, ValueError):
        return ""


def _written(reports: Sequence[Report], rendered: Callable[[Report], str]) -> list[TdrError]:
    from reconciler.commands.given_files import put

    failures: list[TdrError] = []
    for report in reports:
        try:
            text = rendered(report)
            if report.file == STDOUT:
                sys.stdout.write(text)
                sys.stdout.flush()
            else:
                put(Path(report.file), text.encode())
        except OSError as error:
            message = f"the {report.name} report cannot be written to {report.file!r}: {error.strerror}"
            failures.append(TdrError(message, hint=_SAFE))
        except TdrError as error:
            message = f"the {report.name} report for {report.file!r} cannot be made: {error.message}"
            failures.append(TdrError(message, hint=error.hint))
    return failures


_SAFE = "what the run did is done and remembered; name a file in a folder that is there and can be written to"
