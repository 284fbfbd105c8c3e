"""The verbs on the memory: state …, lock …."""

from __future__ import annotations

from typing import Annotated

import typer

from reconciler.cli import output
from reconciler.cli.options import DirectoryOption, EnvOption, Format, FormatOption, LockTimeoutOption
from reconciler.cli.session import address, runtime_of, seconds

AddressArgument = Annotated[str, typer.Argument(help="Address, such as audience/vip.", metavar="ADDRESS")]

states = typer.Typer(
    help="Look at the state, or mend it. Every change keeps the state before it.", no_args_is_help=True
)
locks = typer.Typer(help="Who is writing.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.add_typer(states, name="state")
    app.add_typer(locks, name="lock")


@states.command("list")
def listing(
    context: typer.Context,
    env: EnvOption = None,
    directory: DirectoryOption = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """List what is remembered."""
    from reconciler.commands import state

    with runtime_of(context, env=env, directory=directory, resolve_secrets=False) as runtime:
        answer = state.listing(runtime)
    output.finish(answer, format)


@states.command()
def show(
    context: typer.Context,
    what: Annotated[str | None, typer.Argument(help="Address; everything when left out.", metavar="[ADDRESS]")] = None,
    env: EnvOption = None,
    directory: DirectoryOption = None,
    format: FormatOption = Format.JSON,
) -> None:
    """Show one record, or the whole state."""
    from reconciler.commands import state

    chosen = address(what) if what else None
    with runtime_of(context, env=env, directory=directory, resolve_secrets=False) as runtime:
        answer = state.show(runtime, chosen)
    output.finish(answer, format)


@states.command("rm")
def remove(
    context: typer.Context,
    what: AddressArgument,
    env: EnvOption = None,
    directory: DirectoryOption = None,
    lock_timeout: LockTimeoutOption = "0s",
    format: FormatOption = Format.TEXT,
) -> None:
    """Forget a resource. The object stays at its vendor."""
    from reconciler.commands import state

    chosen = address(what)
    with runtime_of(context, env=env, directory=directory, resolve_secrets=False) as runtime:
        answer = state.remove(runtime, chosen, seconds(lock_timeout))
    output.finish(answer, format)


@states.command("mv")
def move(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="Address that the state knows, such as query/old.", metavar="FROM")],
    target: Annotated[str, typer.Argument(help="Address in the manifests, such as query/new.", metavar="TO")],
    env: EnvOption = None,
    directory: DirectoryOption = None,
    lock_timeout: LockTimeoutOption = "0s",
    format: FormatOption = Format.TEXT,
) -> None:
    """Remember a resource under another address, as when its document was renamed. Changes nothing at its vendor."""
    from reconciler.commands import state

    one, other = address(source), address(target)
    with runtime_of(context, env=env, directory=directory, resolve_secrets=False) as runtime:
        answer = state.move(runtime, one, other, seconds(lock_timeout))
    output.finish(answer, format)


@states.command()
def history(
    context: typer.Context,
    env: EnvOption = None,
    directory: DirectoryOption = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """List the states kept."""
    from reconciler.commands import state

    with runtime_of(context, env=env, directory=directory, resolve_secrets=False) as runtime:
        answer = state.history(runtime)
    output.finish(answer, format)


@states.command()
def restore(
    context: typer.Context,
    serial: Annotated[int, typer.Argument(help="Serial from `tdr state history`.", min=0)],
    env: EnvOption = None,
    directory: DirectoryOption = None,
    lock_timeout: LockTimeoutOption = "0s",
    format: FormatOption = Format.TEXT,
) -> None:
    """Go back to a state that is kept."""
    from reconciler.commands import state

    with runtime_of(context, env=env, directory=directory, resolve_secrets=False) as runtime:
        answer = state.restore(runtime, serial, seconds(lock_timeout))
    output.finish(answer, format)


@locks.command()
def status(
    context: typer.Context,
    env: EnvOption = None,
    directory: DirectoryOption = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Show who holds the lock."""
    from reconciler.commands import state

    with runtime_of(context, env=env, directory=directory, resolve_secrets=False) as runtime:
        answer = state.lock_status(runtime)
    output.finish(answer, format)


@locks.command()
def release(
    context: typer.Context,
    lock_id: Annotated[str, typer.Argument(help="Id of the lock, from `tdr lock status`.", metavar="LOCK_ID")],
    env: EnvOption = None,
    directory: DirectoryOption = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Take the lock from a holder that is gone. Refuses while the holder is alive."""
    from reconciler.commands import state

    with runtime_of(context, env=env, directory=directory, resolve_secrets=False) as runtime:
        answer = state.lock_release(runtime, lock_id)
    output.finish(answer, format)
