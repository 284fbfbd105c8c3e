"""Opening a runtime for a verb, and stopping it when a signal comes."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from reconciler.cli.circumstances import circumstances_of
from reconciler.errors import Ended, UsageError
from reconciler.model.unicode import is_unicode

if TYPE_CHECKING:
    from types import FrameType

    from reconciler.commands.interruption import Interruption
    from reconciler.model.address import Address
    from reconciler.wiring import Runtime


@contextlib.contextmanager
def runtime_of(
    context: typer.Context,
    *,
    env: str | None,
    directory: Path | None,
    variables: Sequence[str] | None = None,
    resolve_secrets: bool = True,
    may_be_empty: bool = False,
    parse_all: bool = False,
    sets_aside: bool = False,
) -> Iterator[Runtime]:
    """Everything built for the project and environment asked for; closed at the end."""
    from reconciler.wiring import open_runtime

    with open_runtime(
        start=directory or _here(),
        environment=env,
        variables=given_variables(context, variables),
        resolve_secrets=resolve_secrets,
        clock=context.obj.clock,
        may_be_empty=may_be_empty,
        parse_all=parse_all,
        sets_aside=sets_aside,
        run_id=context.obj.run_id,
    ) as runtime:
        known = circumstances_of(context)
        known.project, known.environment = runtime.project, runtime.environment_name
        known.receivers = runtime.loaded.environment.notifications
        try:
            yield runtime
        finally:
            known.api_calls = runtime.world.api_calls()


def given_variables(context: typer.Context, texts: Sequence[str] | None) -> dict[str, str]:
    """Values for ${var:NAME}: from *texts*, as --var has them, else from files, else from the process's environment.

    Raises:
        UsageError: one is malformed, or a file of them cannot be read.
    """
    return _from_environment() | _from_files(context.obj.var_files) | dict(_pair(text) for text in texts or ())


def _from_files(paths: Sequence[Path]) -> dict[str, str]:
    """Values for ${var:NAME} from files; of one that is in several, the last."""
    if not paths:
        return {}
    from reconciler.manifest.variables import read_variables

    for path in paths:
        if not path.is_file():
            raise UsageError(f"--var-file {str(path)!r} is no file", hint="name one relative to the current folder")
    return {name: value for path in paths for name, value in read_variables(path).items()}


def _from_environment() -> dict[str, str]:
    """Values for ${var:NAME} from environment variables `TDR_VAR_NAME`."""
    prefix = "TDR_VAR_"
    option = "TDR_VAR_FILE"  # that of --var-file; a variable called FILE is given by --var
    given = {
        name.removeprefix(prefix): value
        for name, value in os.environ.items()
        if name.startswith(prefix) and name != option
    }
    for name, value in given.items():
        if not is_unicode(name + value):
            raise UsageError(f"the environment variable {prefix + name!r} is not UTF-8", hint="set it to UTF-8 text")
    return given


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"--var {text!r} is not NAME=VALUE", hint="such as --var region=jp")
    if not is_unicode(text):
        raise UsageError(f"the value of --var {name!r} is not UTF-8", hint="write it as UTF-8 text")
    return name, value


def _here() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise UsageError("the current folder is not there any more", hint="go to a project, or pass -C DIR") from error


def address(text: str) -> Address:
    """An address written on the command line.

    Raises:
        UsageError: it is none.
    """
    from reconciler.model.address import Address

    try:
        return Address.parse(text)
    except ValueError as error:
        raise UsageError(
            str(error), hint="`tdr graph` shows all that is declared, `tdr state list` all that is remembered"
        ) from error


def address_and_pointer(text: str) -> tuple[Address, str]:
    """An address and a JSON pointer written as one, such as ``activation/daily/cron``; the pointer may be left out.

    Raises:
        UsageError: it does not begin with an address.
    """
    kind, name, *path = text.split("/", 2) if "/" in text else (text, "")
    written = f"{kind}/{name}" if "/" in text else kind
    return address(written), "".join(f"/{part}" for part in path)


LONGEST_S = 3650 * 86400
"""Ten years: no date that far from now is past the end of the calendar, and no wait too long for the system's clock."""


def seconds(option: str, text: str) -> float:
    """A duration that *option* gives, such as ``5m``, in seconds.

    Raises:
        UsageError: it is none, or longer than ten years.
    """
    from reconciler.model.duration import whole_seconds

    seconds = whole_seconds(text)
    if seconds is None:
        raise UsageError(f"{option} {text!r} is not a duration", hint="write 90s, 5m or 1h")
    if seconds > LONGEST_S:
        raise UsageError(f"{option} {text!r} is longer than ten years", hint="write 90s, 5m or 1h")
    return float(seconds)


_ending: Ended | None = None


@contextlib.contextmanager
def ending_as_asked() -> Iterator[None]:
    """End by what a signal asked for where compiled code, which it came into, made an error of its own of it."""
    global _ending  # noqa: PLW0603 - of the process, as its signals are
    _ending = None
    try:
        yield
    except (ImportError, SystemError):
        if _ending is not None:
            raise _ending from None
        raise


@contextlib.contextmanager
def _noted() -> Iterator[None]:
    global _ending  # noqa: PLW0603 - as above
    try:
        yield
    except Ended as end:
        _ending = end
        raise


@contextlib.contextmanager
def interruptible(interruption: Interruption) -> Iterator[None]:
    """Hand the signals that ask for an end, and the end of --timeout, to *interruption* for as long as a verb runs."""

    def on_signal(number: int, _frame: FrameType | None) -> None:
        with _noted():
            interruption.ask(number)

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if interruption.is_out_of_time:
        from reconciler.cli import output

        output.say(f"error: {interruption.why()}; nothing new was begun after that")


GRACE_S = 60.0
"""As long as a vendor may be silent before a request is given up; what takes longer than that is not waited for."""


@contextlib.contextmanager
def within(timeout: str) -> Iterator[None]:
    """Send SIGALRM after *timeout*, such as ``20m``; "" waits for ever. What takes no signals is ended by an error.

    A second one follows a minute later, for what is under way and does not end.

    Raises:
        UsageError: it is no duration, or none at all.
    """
    if not timeout:
        yield
        return
    limit_s = seconds("--timeout", timeout)
    if limit_s <= 0:
        raise UsageError("--timeout 0 leaves no time", hint="write 90s, 5m or 1h, or leave it out")

    def over(number: int, _frame: FrameType | None) -> None:
        from reconciler.commands.interruption import ended

        with _noted():
            raise ended(number, "")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, limit_s, GRACE_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
