"""Answers that are fetched before it is their turn: a few requests under way at once, taken in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from types import TracebackType
from typing import Final, Self

from reconciler.http.answer import Answer
from reconciler.http.wire import Sent
from reconciler.sourcespec.addresses import Request

AT_ONCE: Final = 4
"""Requests under way; few, for whoever answers has other clients too."""


class Ahead:
    """Sends requests, those that are expected before they are asked for. One that turns out otherwise is forgotten.

    send: answers one request, and tells when it has left; called in several threads.
    sent: called when an answer begins to be waited for, its request having left; not where a transport does not tell.
    """

    def __init__(self, send: Callable[[Request, Sent | None], Answer], sent: Sent) -> None:
        self._send = send
        self._sent = sent
        self._expected: deque[Request] = deque()
        self._under_way: deque[tuple[Request, Future[Answer]]] = deque()
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._forget()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def expect(self, requests: Iterable[Request]) -> None:
        """From now on *requests* are expected, in this order."""
        self._forget()
        self._expected.extend(requests)
        self._fill()

    def begin(self, request: Request) -> None:
        """Send *request*, which is the next one, now. Returns when it has left, so that what follows does not delay it.

        Nothing where others are expected.
        """
        if self._expected or self._under_way:
            return
        left = Event()
        coming = self._workers().submit(self._send, request, left.set)
        coming.add_done_callback(lambda _: left.set())  # it may never leave, and not every transport tells
        self._under_way.append((request, coming))
        left.wait()

    def answer(self, request: Request) -> Answer:
        """The answer to *request*. Where another one was expected, nothing is from then on.

        Raises:
            ProviderError: as `send`.
        """
        if not self._under_way:
            return self._send(request, self._sent)
        expected, coming = self._under_way[0]
        if expected != request:
            self._forget()
            return self._send(request, self._sent)
        self._under_way.popleft()
        self._sent()
        answer = coming.result()
        self._fill()
        return answer

    def _fill(self) -> None:
        while self._expected and len(self._under_way) < AT_ONCE:
            request = self._expected.popleft()
            self._under_way.append((request, self._workers().submit(self._send, request, None)))

    def _workers(self) -> ThreadPoolExecutor:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(AT_ONCE, "tdr-rest")
        return self._pool

    def _forget(self) -> None:
        """Expect nothing more; what is under way ends by itself, and nobody looks at it."""
        self._expected.clear()
        for _, coming in self._under_way:
            coming.cancel()
        self._under_way.clear()
