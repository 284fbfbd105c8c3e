"""The verbs on files of tdx, the vendor's command line: tdx read, tdx write."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import output
from reconciler.cli.options import DirectoryOption, EnvOption, FormatOption, LockTimeoutOption, VarOption
from reconciler.cli.session import runtime_of, seconds
from reconciler.reports.formats import Format

files = typer.Typer(help="Segments in the files of tdx, the vendor's command line.", no_args_is_help=True)

DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what would be written.")]


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.add_typer(files, name="tdx")


@files.command()
def read(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="What `tdx sg pull` made.", metavar="FOLDER")],
    parent_segment: Annotated[
        str, typer.Option("--parent-segment", help="Whose segments they are, if no tdx.json says so.", metavar="NAME")
    ] = "",
    dry_run: DryRunOption = False,
    env: EnvOption = None,
    directory: DirectoryOption = None,
    var: VarOption = None,
    lock_timeout: LockTimeoutOption = "0s",
    format: FormatOption = Format.TEXT,
) -> None:
    """Write documents for the segments in FOLDER. Never overwrites, and asks no vendor."""
    from reconciler.commands import tdx_reading
    from reconciler.commands.sole_writing import alone

    wait_s = seconds("--lock-timeout", lock_timeout)
    with runtime_of(
        context, env=env, directory=directory, variables=var, resolve_secrets=False, may_be_empty=True
    ) as runtime:
        root, clock = runtime.project.root, runtime.clock
    # What was read before that may not have what another command has written meanwhile.
    with (
        alone(root, clock, wait_s),
        runtime_of(
            context, env=env, directory=directory, variables=var, resolve_secrets=False, may_be_empty=True
        ) as runtime,
    ):
        answer = tdx_reading.read_folder(runtime, folder, parent_segment, dry_run=dry_run)
    output.finish(answer, format)


@files.command()
def write(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Where to write; one folder a parent segment.", metavar="FOLDER")],
    dry_run: DryRunOption = False,
    env: EnvOption = None,
    directory: DirectoryOption = None,
    var: VarOption = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Write the declared segments into FOLDER, as `tdx sg push` reads them. Never overwrites, and asks no vendor."""
    from reconciler.commands import tdx_writing

    with runtime_of(context, env=env, directory=directory, variables=var, resolve_secrets=False) as runtime:
        answer = tdx_writing.write_folder(runtime, folder, dry_run=dry_run)
    output.finish(answer, format)
