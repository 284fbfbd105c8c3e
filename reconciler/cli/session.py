"""Opening a runtime for a verb, and stopping it when a signal comes."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from reconciler.errors import Interrupted, UsageError
from reconciler.model.unicode import is_unicode

if TYPE_CHECKING:
    from types import FrameType

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

    del context
    with open_runtime(
        start=directory or _here(),
        environment=env,
        variables=_from_environment() | dict(_pair(text) for text in variables or ()),
        resolve_secrets=resolve_secrets,
        may_be_empty=may_be_empty,
        parse_all=parse_all,
        sets_aside=sets_aside,
    ) as runtime:
        yield runtime


def _from_environment() -> dict[str, str]:
    """Values for ${var:NAME} from environment variables `TDR_VAR_NAME`."""
    prefix = "TDR_VAR_"
    given = {name.removeprefix(prefix): value for name, value in os.environ.items() if name.startswith(prefix)}
    for name, value in given.items():
        if not is_unicode(name + value):
            raise UsageError(f"the environment variable {prefix + name!r} is not UTF-8", hint="set it to UTF-8 text")
    return given


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"--var {text!r} is not NAME=VALUE")
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
        raise UsageError(str(error)) from error


def address_and_pointer(text: str) -> tuple[Address, str]:
    """An address and a JSON pointer written as one, such as ``activation/daily/cron``; the pointer may be left out.

    Raises:
        UsageError: it does not begin with an address.
    """
    kind, _, rest = text.partition("/")
    name, slash, path = rest.partition("/")
    return address(f"{kind}/{name}"), slash + path


LONGEST_S = 3650 * 86400
"""Ten years: no date that far from now is past the end of the calendar, and no wait too long for the system's clock."""


def seconds(text: str) -> float:
    """A duration written on the command line, such as ``5m``, in seconds.

    Raises:
        UsageError: it is none, or longer than ten years.
    """
    from reconciler.model.duration import whole_seconds

    seconds = whole_seconds(text)
    if seconds is None:
        raise UsageError(f"{text!r} is not a duration", hint="write 90s, 5m or 1h")
    if seconds > LONGEST_S:
        raise UsageError(f"{text!r} is longer than ten years", hint="write 90s, 5m or 1h")
    return float(seconds)


class Stop:
    """Set by the first SIGINT or SIGTERM; the second one interrupts at once."""

    def __init__(self, event: threading.Event) -> None:
        self.event = event
        self.exit_code = 130

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.exit_code = 128 + number
        if self.event.is_set():
            raise Interrupted("interrupted twice; what was under way is marked as unknown in the journal")
        self.event.set()

    @classmethod
    @contextlib.contextmanager
    def watching(cls, event: threading.Event) -> Iterator[Stop]:
        """Take the two signals for as long as a writing verb runs; the first one sets *event*."""
        stop = cls(event)
        before = {number: signal.signal(number, stop._on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield stop
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
