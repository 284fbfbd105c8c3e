"""Options that mean the same everywhere. Each has an environment variable `TDR_…`; the flag wins."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import reporting
from reconciler.reports.formats import Format


class Refresh(StrEnum):
    """Whether the vendors are looked at."""

    TRUE = "true"
    FALSE = "false"


EnvOption = Annotated[
    str | None,
    typer.Option(
        "--env", "-e", envvar="TDR_ENV", help="Environment; needed when there is more than one.", metavar="NAME"
    ),
]
DirectoryOption = Annotated[
    Path | None,
    typer.Option("--directory", "-C", envvar="TDR_DIRECTORY", help="Run as if started there.", metavar="DIR"),
]
VarOption = Annotated[
    list[str] | None,
    typer.Option("--var", help="Value for ${var:NAME}, before TDR_VAR_NAME; repeatable.", metavar="NAME=VALUE"),
]
FormatOption = Annotated[
    Format,
    typer.Option("--format", envvar="TDR_FORMAT", help="How to print the result.", callback=reporting.usual),
]
ReportOption = Annotated[
    list[str] | None,
    typer.Option(
        "--report",
        help="Also write the result in this format to this file, however the run ends; repeatable. - is stdout.",
        metavar="FORMAT=FILE",
    ),
]
MaxCharsOption = Annotated[
    int | None,
    typer.Option(
        "--max-chars",
        envvar="TDR_MAX_CHARS",
        min=1,
        help="How long Markdown may be; says what is left out.",
        metavar="N",
    ),
]
TargetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--target", help="Only this, and what it needs; repeatable. A glob or @FILE may name many.", metavar="ADDRESS"
    ),
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option("--exclude", help="Not this, nor what needs it; otherwise as --target.", metavar="ADDRESS"),
]
SelectorOption = Annotated[
    list[str] | None,
    typer.Option(
        "--selector", help="Only what has this label (key=value or key!=value); all of several.", metavar="LABEL"
    ),
]
ReplaceOption = Annotated[
    list[str] | None,
    typer.Option("--replace", help="Delete this and make it anew; otherwise as --target.", metavar="ADDRESS"),
]
RefreshOption = Annotated[
    Refresh,
    typer.Option("--refresh", help="With false: compare with what was last applied and ask no vendor anything."),
]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Also show what stays as it is.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", envvar="TDR_YES", help="Do not ask.")]
LockTimeoutOption = Annotated[
    str,
    typer.Option("--lock-timeout", envvar="TDR_LOCK_TIMEOUT", help="How long to wait for another writer, such as 5m."),
]
FailFastOption = Annotated[
    bool,
    typer.Option("--fail-fast", help="Begin nothing new after the first failure; otherwise only what needs it waits."),
]
ParallelOption = Annotated[
    int, typer.Option("--parallelism", envvar="TDR_PARALLELISM", min=1, max=64, help="How many changes at a time.")
]
