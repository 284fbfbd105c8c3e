"""What is told while a run is under way: lines on stderr for people, or events on stdout for programs."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

import typer

from reconciler.cli import output
from reconciler.ports.clock import Clock, SystemClock, rfc3339
from reconciler.reports.formats import Format
from reconciler.reports.rendering import Reading, render

if TYPE_CHECKING:
    from reconciler.commands.answer import Answer
    from reconciler.model.address import Address

BEAT_S = 10.0
"""A reader is promised a sign of life of every operation at least every 15 seconds."""


class Following(Protocol):
    """Whoever is told."""

    def operation(self, address: Address, event: str, message: str) -> None:
        """Of one operation: see `engine.applying.Listener`."""
        ...

    def tell(self, event: str, facts: Mapping[str, Any]) -> None:
        """Of the run as a whole: see `commands.applying.Run`."""
        ...

    def planned(self, document: dict[str, Any]) -> None:
        """The plan, before anybody is asked."""
        ...


@contextlib.contextmanager
def following(format: Format, command: str) -> Iterator[Following]:
    """Whoever follows a run of *command*, such as ``tdr apply``, that is printed in *format*."""
    if format is not Format.JSONL:
        yield Lines(format)
        return
    with Events(command, _to_stdout, SystemClock()) as events:
        yield events


def _to_stdout(line: str) -> None:
    sys.stdout.write(line)
    sys.stdout.flush()


@dataclass(frozen=True, slots=True)
class Lines:
    """A line to stderr for each thing that happens to an operation; the plan as text."""

    format: Format

    def operation(self, address: Address, event: str, message: str) -> None:
        """Tell it."""
        told = "" if event in _TOLD_AT_THE_END else message
        output.tell(f"{address}: {event if event != 'progress' else '…'} {told}".rstrip())

    def tell(self, event: str, facts: Mapping[str, Any]) -> None:
        """Nothing: the report says it."""

    def planned(self, document: dict[str, Any]) -> None:
        """Print it, where people read."""
        if self.format is Format.TEXT:
            output.emit(document, self.format)


_TOLD_AT_THE_END = frozenset({"failed", "skipped", "unknown"})
"""Events whose message stands in the summary of the run, with its hint."""


@dataclass(slots=True)
class _Operation:
    action: str
    since: float


@dataclass
class Events:
    """One JSON object a line, each written at once; ends with a `summary`, whatever happened.

    write: takes a line with its line break.
    beat_s: how often an operation that lasts gives a sign of life.
    """

    command: str
    write: Callable[[str], None]
    clock: Clock
    beat_s: float = BEAT_S
    _running: dict[str, _Operation] = field(default_factory=dict)
    _is_summed_up: bool = False
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        """Begin with the version."""
        self.tell("version", {"command": self.command})
        self._beating = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._beating.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """End the signs of life; where it failed, say why."""
        self._over.set()
        self._beating.join()
        if error is None or self._is_summed_up or isinstance(error, (typer.Exit, typer.Abort)):
            return
        from reconciler.cli.reported import exit_code_of
        from reconciler.reports import events

        for name, facts in events.failure(error):
            self.tell(name, facts)
        self.tell("summary", events.summary(None, exit_code_of(error)))

    def tell(self, event: str, facts: Mapping[str, Any]) -> None:
        """Write one event."""
        from reconciler.reports import events

        with self._lock:
            document = events.event(event, rfc3339(self.clock.now()), facts)
            self.write(render(document, Format.JSONL, Reading()))

    def operation(self, address: Address, event: str, message: str) -> None:
        """Write what happened to an operation."""
        from reconciler.reports import events

        now, name = self.clock.now(), str(address)
        with self._lock:
            if event == "start":
                self._running[name] = _Operation(message, now)
            known = self._running.get(name)
            facts: dict[str, Any] = {"address": name, "action": known.action if known else None}
            if event != "start":
                facts["elapsed_s"] = round(now - known.since, 3) if known else None
                facts["message"] = "" if event == "done" else message
            if event not in {"start", "progress"}:
                self._running.pop(name, None)
            self.tell(events.NAMES[event], facts)

    def planned(self, document: dict[str, Any]) -> None:
        """Write what is going to be done."""
        from reconciler.reports import events

        for name, facts in events.plan_loaded(document):
            self.tell(name, facts)

    def summed_up(self, answer: Answer) -> None:
        """Write the last event."""
        from reconciler.reports import events

        self._is_summed_up = True
        self.tell("summary", events.summary(answer.document, answer.exit_code))

    def _beat(self) -> None:
        while not self._over.wait(self.beat_s):
            # Whole, so that nothing gives a sign of life once it has ended.
            with self._lock:
                for name, operation in self._running.items():
                    elapsed_s = round(self.clock.now() - operation.since, 3)
                    facts = {"address": name, "action": operation.action, "elapsed_s": elapsed_s, "message": ""}
                    self.tell("op_progress", facts)
