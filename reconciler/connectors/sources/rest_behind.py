"""What is done with answers while the next one is waited for: in another thread, in order, and never far behind."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Final, Self

FAR: Final = 2
"""Pieces of work that may wait; each holds a page of rows."""


class Behind:
    """Does one piece of work after the other. The first error ends it, and comes out with the next piece or at the end."""

    def __init__(self) -> None:
        self._held: deque[Callable[[], None]] = deque()
        self._waiting: deque[Future[None]] = deque()
        self._pool = ThreadPoolExecutor(1, "tdr-rest-rows")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.begin()
                while self._waiting:
                    self._waiting.popleft().result()
        finally:
            self._pool.shutdown(cancel_futures=True)

    def hold(self, work: Callable[[], None]) -> None:
        """Do *work* after the next `begin`; waits while too much is waiting.

        Raises:
            Exception: what earlier work raised.
        """
        if self._held:
            self.begin()
        while len(self._waiting) >= FAR:
            self._waiting.popleft().result()
        self._held.append(work)

    def begin(self) -> None:
        """Begin what is held: a request is on its way, which needs this interpreter until then."""
        while self._held:
            self._waiting.append(self._pool.submit(self._held.popleft()))
