"""How long a vendor has not answered at all, which no single call can know."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from reconciler.errors import ProviderError
from reconciler.ports.clock import Clock

T = TypeVar("T")


class Silence:
    """Time since a vendor gave no answer, over all calls. Safe for many threads."""

    def __init__(self, clock: Clock, longest_s: float) -> None:
        self._clock = clock
        self._longest_s = longest_s
        self._began: float | None = None
        self._last = 0.0

    def watch(self, attempt: Callable[[], T]) -> T:
        """What *attempt* returns; it has then answered, and has done so when it raises an error with a status."""
        try:
            answer = attempt()
        except ProviderError as error:
            if error.status is None:
                self._note()
            else:
                self._began = None
            raise
        self._began = None
        return answer

    def would_be_too_long(self, wait_s: float) -> bool:
        """Whether nothing will have answered for longer than allowed after *wait_s* more seconds."""
        began = self._began
        return began is not None and self._clock.now() + wait_s - began > self._longest_s

    def _note(self) -> None:
        now = self._clock.now()
        if self._began is None or now - self._last > self._longest_s:
            # What was noted long ago says nothing about today.
            self._began = now
        self._last = now
