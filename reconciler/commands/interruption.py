"""How a run ends that was asked to: by a signal, or because its time is over."""

from __future__ import annotations

import signal
import threading
from dataclasses import dataclass, field
from typing import Final

from reconciler.commands.answer import FAILED, PARTIAL
from reconciler.errors import Ended

OUT_OF_TIME: Final = "the time given by --timeout is over"


@dataclass(slots=True)
class Interruption:
    """One run's. Before anything is written it ends at once; from then on it ends after what is under way."""

    event: threading.Event = field(default_factory=threading.Event)
    is_writing: bool = False
    number: int = signal.SIGINT
    alarms: int = 0

    def begin(self) -> None:
        """From now on things are written that must not be left halfway."""
        self.is_writing = True

    def ask(self, number: int) -> None:
        """End the run for the signal *number*. Called from where signals are handled.

        The alarm of --timeout rings twice. Who has sent a signal before the first waits for the second.

        Raises:
            Ended: nothing was written yet, or it was asked before.
        """
        is_alarm = number == signal.SIGALRM
        self.alarms += is_alarm
        if self.event.is_set() and (self.alarms > 1 or not is_alarm):
            raise _cut_off(number)
        if not self.event.is_set():
            self.number = number
        if not self.is_writing:
            raise ended(number, "interrupted before anything was changed")
        self.event.set()

    @property
    def is_out_of_time(self) -> bool:
        """Whether it is --timeout that ends the run."""
        return self.event.is_set() and self.number == signal.SIGALRM

    def why(self) -> str:
        """Why nothing new is begun, once *event* is set."""
        return OUT_OF_TIME if self.is_out_of_time else "interrupted"

    def exit_code(self, *, is_anything_done: bool) -> int:
        """What the process ends with when it was cut short."""
        if self.is_out_of_time:
            return PARTIAL if is_anything_done else FAILED
        return 128 + self.number


def ended(number: int, message: str) -> Ended:
    """What ends a run at once, for the signal *number*, before it has written anything."""
    if number == signal.SIGALRM:
        return Ended(FAILED, OUT_OF_TIME, hint="give it more; TDR_LOG=debug shows what takes it")
    return Ended(128 + number, message, hint="run the same command again" if message else "")


def _cut_off(number: int) -> Ended:
    """What ends a run in the middle of writing."""
    left = "what was under way is marked as unknown in the journal"
    if number == signal.SIGALRM:
        return Ended(PARTIAL, f"{OUT_OF_TIME}, and more; {left}", hint="run the same command again; it looks first")
    return Ended(128 + number, f"interrupted twice; {left}", hint="run the same command again; it looks first")
