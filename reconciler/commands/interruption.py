"""How a run ends that was asked to: by a signal, or because its time is over."""

from __future__ import annotations

import signal
import threading
from dataclasses import dataclass, field

from reconciler.commands.answer import FAILED, PARTIAL
from reconciler.errors import Ended


@dataclass(slots=True)
class Interruption:
    """One run's. Before anything is written it ends at once; from then on it ends after what is under way."""

    event: threading.Event = field(default_factory=threading.Event)
    is_writing: bool = False
    number: int = signal.SIGINT

    def begin(self) -> None:
        """From now on things are written that must not be left halfway."""
        self.is_writing = True

    def ask(self, number: int) -> None:
        """End the run for the signal *number*. Called from where signals are handled.

        Raises:
            Ended: nothing was written yet, or it was asked before.
        """
        if self.event.is_set() and number != signal.SIGALRM:
            raise ended(number, "interrupted twice; what was under way is marked as unknown in the journal")
        self.number = number
        if not self.is_writing:
            raise ended(number, "interrupted before anything was changed")
        self.event.set()

    def exit_code(self, *, is_anything_done: bool) -> int:
        """What the process ends with when it was cut short."""
        if self.number == signal.SIGALRM:
            return PARTIAL if is_anything_done else FAILED
        return 128 + self.number


def ended(number: int, message: str) -> Ended:
    """What ends a run at once, for the signal *number*."""
    if number == signal.SIGALRM:
        hint = "give it more; TDR_LOG=debug shows what takes it"
        return Ended(FAILED, "the time given by --timeout is over", hint=hint)
    return Ended(128 + number, message)
