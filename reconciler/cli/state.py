"""The verbs on the memory: state …, lock …."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reconciler.cli import output
from reconciler.cli.options import DirectoryOption, EnvOption, FormatOption, LockTimeoutOption
from reconciler.cli.session import address, runtime_of, seconds
from reconciler.reports.formats import Format

if TYPE_CHECKING:
    from reconciler.commands.answer import Answer
    from reconciler.wiring import Runtime

AddressArgument = Annotated[str, typer.Argument(help="Address, such as audience/vip.", metavar="ADDRESS")]
MaybeAddressArgument = Annotated[
    str | None, typer.Argument(help="Address; everything when left out.", metavar="[ADDRESS]")
]
FromArgument = Annotated[str, typer.Argument(help="Address that the state knows, such as query/old.", metavar="FROM")]
ToArgument = Annotated[str, typer.Argument(help="Address in the manifests, such as query/new.", metavar="TO")]
SerialArgument = Annotated[int, typer.Argument(help="Serial from `tdr state history`.", min=0)]
FileArgument = Annotated[Path, typer.Argument(help="File that `tdr state pull` wrote.", metavar="FILE")]
LockIdArgument = Annotated[str, typer.Argument(help="Id of the lock, from `tdr lock status`.", metavar="LOCK_ID")]
OldPlaceOption = Annotated[
    str,
    typer.Option(
        "--from",
        help="Where the state was: `local` for the folder, or a YAML file with what `state` said then.",
        metavar="local|FILE",
    ),
]

states = typer.Typer(
    help="Look at the state, or mend it. Every change keeps the state before it.", no_args_is_help=True
)
locks = typer.Typer(help="See which run is writing, or take its lock away when it is gone.", no_args_is_help=True)

# What every verb takes besides its own.
_SHARED: dict[str, tuple[Any, Any]] = {
    "env": (EnvOption, None),
    "directory": (DirectoryOption, None),
    "format": (FormatOption, Format.TEXT),
}


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.add_typer(states, name="state")
    app.add_typer(locks, name="lock")


def _verb(
    app: typer.Typer, name: str, *, format: Format = Format.TEXT
) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    """Register what asks a runtime as the verb *name*: it is given the options of all, and its answer is printed."""

    def register(ask: Callable[..., Answer]) -> Callable[..., Answer]:
        _, *own = (
            parameter.replace(annotation=globals().get(parameter.annotation))
            for parameter in inspect.signature(ask).parameters.values()
        )
        shared = _SHARED | {"format": (FormatOption, format)}

        def verb(context: typer.Context, **given: Any) -> None:
            env, directory, chosen = (given.pop(option) for option in shared)
            with runtime_of(context, env=env, directory=directory, resolve_secrets=False) as runtime:
                answer = ask(runtime, **given)
            output.finish(answer, chosen)

        positional = inspect.Parameter.POSITIONAL_OR_KEYWORD
        parameters = [
            inspect.Parameter("context", positional, annotation=typer.Context),
            *own,
            *(
                inspect.Parameter(option, positional, default=default, annotation=hint)
                for option, (hint, default) in shared.items()
            ),
        ]
        # typer reads the command line's shape from the signature.
        verb.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        verb.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        verb.__doc__ = ask.__doc__
        app.command(name)(verb)
        return ask

    return register


@_verb(states, "list")
def listing(runtime: Runtime) -> Answer:
    """List what is remembered."""
    from reconciler.commands import state

    return state.listing(runtime)


@_verb(states, "show", format=Format.JSON)
def show(runtime: Runtime, what: MaybeAddressArgument = None) -> Answer:
    """Show one record, or the whole state."""
    from reconciler.commands import state

    return state.show(runtime, address(what) if what else None)


@_verb(states, "rm")
def remove(runtime: Runtime, what: AddressArgument, lock_timeout: LockTimeoutOption = "0s") -> Answer:
    """Forget a resource. The object stays at its vendor."""
    from reconciler.commands import state

    return state.remove(runtime, address(what), seconds("--lock-timeout", lock_timeout))


@_verb(states, "mv")
def move(runtime: Runtime, source: FromArgument, target: ToArgument, lock_timeout: LockTimeoutOption = "0s") -> Answer:
    """Remember a resource under another address, as when its document was renamed. Changes nothing at its vendor."""
    from reconciler.commands import state

    return state.move(runtime, address(source), address(target), seconds("--lock-timeout", lock_timeout))


@_verb(states, "history")
def history(runtime: Runtime) -> Answer:
    """List the earlier states that are kept."""
    from reconciler.commands import state

    return state.history(runtime)


@_verb(states, "restore")
def restore(runtime: Runtime, serial: SerialArgument, lock_timeout: LockTimeoutOption = "0s") -> Answer:
    """Go back to a state that is kept."""
    from reconciler.commands import state

    return state.restore(runtime, serial, seconds("--lock-timeout", lock_timeout))


@_verb(states, "pull", format=Format.JSON)
def pull(runtime: Runtime) -> Answer:
    """Print the whole state as one document, which `push` takes. Always JSON."""
    from reconciler.commands import state_transfer

    return state_transfer.pull(runtime)


@_verb(states, "push")
def push(runtime: Runtime, file: FileArgument, lock_timeout: LockTimeoutOption = "0s") -> Answer:
    """Make a state in a file the current one. Refuses another project's, another lineage's, and an older one."""
    from reconciler.commands import state_transfer

    return state_transfer.push(runtime, file, seconds("--lock-timeout", lock_timeout))


@_verb(states, "migrate")
def migrate(runtime: Runtime, old: OldPlaceOption, lock_timeout: LockTimeoutOption = "0s") -> Answer:
    """Move the state, its history and the runs to where `state` says now. The old place then points there."""
    from reconciler.commands import state_transfer

    source = runtime.state.at(runtime.state.place_in(old))
    return state_transfer.migrate(runtime, source, seconds("--lock-timeout", lock_timeout))


@_verb(states, "verify")
def verify(runtime: Runtime) -> Answer:
    """Read all that is kept, and tell what is damaged. Exits 1 if anything is."""
    from reconciler.commands import state_transfer

    return state_transfer.verify(runtime)


@_verb(states, "mend")
def mend(runtime: Runtime, lock_timeout: LockTimeoutOption = "0s") -> Answer:
    """Set a damaged journal aside, under another name, and go on from its last good line."""
    from reconciler.commands import state_transfer

    return state_transfer.mend(runtime, seconds("--lock-timeout", lock_timeout))


@_verb(locks, "status")
def status(runtime: Runtime) -> Answer:
    """Show who holds the lock."""
    from reconciler.commands import state

    return state.lock_status(runtime)


@_verb(locks, "release")
def release(runtime: Runtime, lock_id: LockIdArgument) -> Answer:
    """Take the lock from a holder that is gone. Refuses while the holder is alive."""
    from reconciler.commands import state

    return state.lock_release(runtime, lock_id)
