"""Looks at the project: each opens it afresh, as a command does, so that a page shows what is in the files now."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import AbstractContextManager
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from reconciler.errors import TdrError

if TYPE_CHECKING:
    from reconciler.ports.clock import Clock
    from reconciler.wiring import Runtime

T = TypeVar("T")

FRESH_S: Final = 15.0
"""How long a look is shown again: somebody who reloads does not make the vendors answer each time."""
PATIENCE_S: Final = 10.0
"""How long somebody who asks for a page waits for a look, counted from when the look began."""
_KEPT: Final = 100
_AT_ONCE: Final = 2
"""How many looks ask vendors at the same time."""


class StillLooking(TdrError):
    """A look takes longer than a page is waited for, and there is no earlier one."""


@dataclass(frozen=True, slots=True)
class _Look:
    at: float
    value: object


@dataclass(frozen=True, slots=True)
class _UnderWay:
    """*began*: seconds of the machine's clock."""

    began: float = field(default_factory=time.monotonic)
    found: Future[_Look] = field(default_factory=Future)


class Looks:
    """Each look by its name. Two people who ask for the same one wait for one answer.

    Looks are taken in threads of their own. So a vendor that hangs holds up neither pages that were seen before, nor those
    that ask nobody, nor the end of the process.
    """

    def __init__(
        self,
        open_project: Callable[[], AbstractContextManager[Runtime]],
        clock: Clock,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """*open_project*: everything built for the project; closed after the look."""
        self._open = open_project
        self._clock = clock
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Look] = OrderedDict()
        self._under_way: dict[str, _UnderWay] = {}
        self._asking = _DaemonPool(_AT_ONCE)
        self._reading = _DaemonPool(1)

    def look(self, name: str, look: Callable[[Runtime], T]) -> tuple[T, float]:
        """What *look*, which may ask vendors, finds, and when, in Unix seconds: what it found before where it takes long.

        Raises:
            StillLooking: it takes long, and nothing was found before.
            TdrError: as the look does.
        """
        return self._shown(name, look, self._asking)

    def remembered(self, name: str, look: Callable[[Runtime], T]) -> tuple[T, float]:
        """As `look`, for one that asks no vendor; it does not wait for those that do."""
        return self._shown(name, look, self._reading)

    def awaited(self, name: str, look: Callable[[Runtime], T]) -> tuple[T, float]:
        """As `look`, however long it takes.

        Raises:
            TdrError: as the look does.
        """
        found = self._begun(name, look, self._asking)
        taken = found if isinstance(found, _Look) else found.found.result()
        return cast("T", taken.value), taken.at

    def document(self, name: str, answer: Callable[[Runtime], Any]) -> tuple[dict[str, Any], float]:
        """The document of a command's *answer*, and when it was made."""
        return self.look(name, lambda runtime: cast("dict[str, Any]", answer(runtime).document))

    def _shown(self, name: str, look: Callable[[Runtime], T], pool: _DaemonPool) -> tuple[T, float]:
        found = self._begun(name, look, pool)
        if isinstance(found, _UnderWay):
            wait([found.found], max(0.0, found.began + self._patience_s - time.monotonic()))
            found = found.found.result() if found.found.done() else self._before(name)
        return cast("T", found.value), found.at

    def _begun(self, name: str, look: Callable[[Runtime], object], pool: _DaemonPool) -> _Look | _UnderWay:
        with self._lock:
            kept = self._kept.get(name)
            if kept is not None and self._clock.now() - kept.at < FRESH_S:
                return kept
            running = self._under_way.get(name)
            if running is None:
                running = self._under_way[name] = _UnderWay()
                context = copy_context()
                pool.do(lambda: context.run(self._take, name, look, running.found))
            return running

    def _before(self, name: str) -> _Look:
        with self._lock:
            kept = self._kept.get(name)
        if kept is None:
            raise StillLooking(
                f"this look takes longer than {self._patience_s:g} s, and nothing was seen before",
                hint="this page looks again by itself; `tdr doctor` says who does not answer",
            )
        return kept

    def _take(self, name: str, look: Callable[[Runtime], object], found: Future[_Look]) -> None:
        try:
            with self._open() as runtime:
                value = look(runtime)
            taken = _Look(self._clock.now(), value)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to those who wait
            self._end(name, None)
            found.set_exception(error)
        else:
            self._end(name, taken)
            found.set_result(taken)

    def _end(self, name: str, taken: _Look | None) -> None:
        with self._lock:
            del self._under_way[name]
            if taken is not None:
                self._kept[name] = taken
                self._kept.move_to_end(name)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)


class _DaemonPool:
    """At most *most* threads, which are there while there is something to do and do not keep the process from ending."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._waiting: deque[Callable[[], None]] = deque()
        self._busy = 0

    def do(self, task: Callable[[], None]) -> None:
        """Do *task*, which raises nothing, as soon as somebody is free."""
        with self._lock:
            self._waiting.append(task)
            if self._busy == self._most:
                return
            self._busy += 1
        threading.Thread(target=self._work, name="looking", daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._busy -= 1
                    return
                task = self._waiting.popleft()
            task()
