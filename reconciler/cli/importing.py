"""The verb that takes over what is there: import."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import output
from reconciler.cli.following import Lines
from reconciler.cli.options import (
    DirectoryOption,
    EnvOption,
    FormatOption,
    LockTimeoutOption,
    MaxCharsOption,
    ReportOption,
    VarOption,
    YesOption,
)
from reconciler.cli.reported import Reported
from reconciler.cli.session import address, runtime_of, seconds
from reconciler.cli.writing import consent_of
from reconciler.errors import UsageError
from reconciler.reports.formats import Format
from reconciler.reports.rendering import Reading

if TYPE_CHECKING:
    from reconciler.wiring import Runtime


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("import", cls=Reported)(import_)


def import_(
    context: typer.Context,
    what: Annotated[
        str | None,
        typer.Argument(help="Address the object is to have, a .dig file, or a folder of them.", metavar="[ADDRESS]"),
    ] = None,
    remote_id: Annotated[str | None, typer.Argument(help="The vendor's id of the object.", metavar="[ID]")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything that no document declares.")] = False,
    kind: Annotated[str, typer.Option("--kind", help="With --all: only this kind, such as audience.")] = "",
    name_glob: Annotated[str, typer.Option("--name-glob", help="With --all: only what is called so there.")] = "*",
    rebuild: Annotated[bool, typer.Option("--rebuild", help="The state is lost: find again what is declared.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --all or a file: show what would be written.")
    ] = False,
    env: EnvOption = None,
    directory: DirectoryOption = None,
    var: VarOption = None,
    yes: YesOption = False,
    lock_timeout: LockTimeoutOption = "0s",
    format: FormatOption = Format.TEXT,
    max_chars: MaxCharsOption = None,
    report: ReportOption = None,
) -> None:
    """Take over what is there: write its document where there is none, and remember it. Changes nothing at any vendor."""
    from reconciler.adoption.drafting import ORDER, Selection
    from reconciler.commands import importing

    is_file = bool(what) and not remote_id and (str(what).endswith(".dig") or Path(str(what)).is_dir())
    if [bool(what), everything, rebuild].count(True) != 1 or (bool(what) != bool(remote_id) and not is_file):
        raise UsageError(
            "say what to import",
            hint="tdr import ADDRESS ID, tdr import FILE.dig, tdr import FOLDER, tdr import --all, or tdr import --rebuild",
        )
    if kind and kind.lower() not in ORDER:
        raise UsageError(f"{kind!r} is no kind that can be imported", hint=f"one of {', '.join(ORDER)}")
    wait_s = seconds("--lock-timeout", lock_timeout)

    def open_project() -> AbstractContextManager[Runtime]:
        # Of files no vendor is asked, so nobody needs credentials.
        return runtime_of(
            context, env=env, directory=directory, variables=var, may_be_empty=True, resolve_secrets=not is_file
        )

    if rebuild:
        consent = consent_of(Lines(format), yes=yes, question="Remember all of this?", otherwise="pass --yes")
        with open_project() as runtime:
            answer = importing.rebuild(runtime, consent, wait_s)
    elif what and is_file:
        answer = importing.import_workflow(open_project, Path(what), dry_run=dry_run, lock_timeout_s=wait_s)
    elif what and remote_id:
        answer = importing.import_one(open_project, address(what), remote_id, wait_s)
    else:
        selection = Selection(kind=kind.lower(), name_glob=name_glob)
        answer = importing.import_all(open_project, selection, dry_run=dry_run, lock_timeout_s=wait_s)
    output.finish(answer, format, Reading(max_chars=max_chars), report)
