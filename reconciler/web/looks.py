"""Looks at the project: each opens it afresh, as a command does, so that a page shows what is in the files now."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

if TYPE_CHECKING:
    from reconciler.ports.clock import Clock
    from reconciler.wiring import Runtime

T = TypeVar("T")

FRESH_S: Final = 15.0
"""How long a look is shown again: somebody who reloads does not make the vendors answer each time."""
_KEPT: Final = 100
_AT_ONCE: Final = 2
"""How many looks ask vendors at the same time."""


@dataclass(frozen=True, slots=True)
class _Look:
    at: float
    value: object


class Looks:
    """Each look by its name. Two people who ask for the same one wait for one answer."""

    def __init__(self, open_project: Callable[[], AbstractContextManager[Runtime]], clock: Clock) -> None:
        """*open_project*: everything built for the project; closed after the look."""
        self._open = open_project
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Look] = OrderedDict()
        self._asked: dict[str, threading.Lock] = {}
        self._slots = threading.BoundedSemaphore(_AT_ONCE)

    def look(self, name: str, look: Callable[[Runtime], T]) -> tuple[T, float]:
        """What *look* finds, and when, in Unix seconds.

        Raises:
            TdrError: as the look does.
        """
        with self._lock:
            asked = self._asked.setdefault(name, threading.Lock())
        with asked:
            if (kept := self._fresh(name)) is not None:
                return cast("T", kept.value), kept.at
            with self._slots, self._open() as runtime:
                value = look(runtime)
            at = self._clock.now()
            self._keep(name, _Look(at, value))
            return value, at

    def document(self, name: str, answer: Callable[[Runtime], Any]) -> tuple[dict[str, Any], float]:
        """The document of a command's *answer*, and when it was made."""
        return self.look(name, lambda runtime: cast("dict[str, Any]", answer(runtime).document))

    def _fresh(self, name: str) -> _Look | None:
        with self._lock:
            kept = self._kept.get(name)
        return kept if kept is not None and self._clock.now() - kept.at < FRESH_S else None

    def _keep(self, name: str, look: _Look) -> None:
        with self._lock:
            self._kept[name] = look
            self._kept.move_to_end(name)
            while len(self._kept) > _KEPT:
                gone, _ = self._kept.popitem(last=False)
                self._asked.pop(gone, None)
