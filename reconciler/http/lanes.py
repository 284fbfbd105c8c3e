"""Many requests at once, each on a connection of its own.

A pool of httpcore looks at all its connections before and after every request, with a system call for each that is idle;
with ten of them that costs more than the request itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import cast

import httpx


class Lanes(httpx.BaseTransport):
    """Carries a request over the lane that became free last, or a new one. Safe for many threads.

    made: makes a transport for one request at a time.
    most: requests under way at once; others wait as long as their pool timeout says.
    """

    def __init__(self, made: Callable[[], httpx.BaseTransport], most: int) -> None:
        self._made = made
        self._room = threading.BoundedSemaphore(most)
        self._lock = threading.Lock()
        self._free: list[httpx.BaseTransport] = []
        self._is_closed = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send *request*; its lane is free again when the answer has been read or closed.

        Raises:
            httpx.PoolTimeout: no lane became free in time.
        """
        lane = self._taken(request.extensions.get("timeout", {}).get("pool"))
        try:
            response = lane.handle_request(request)
        except BaseException:
            self._give_back(lane)
            raise
        response.stream = _Carried(cast("httpx.SyncByteStream", response.stream), lambda: self._give_back(lane))
        return response

    def close(self) -> None:
        """Close what is free now, and the others when they become so."""
        with self._lock:
            self._is_closed = True
            free, self._free = self._free, []
        for lane in free:
            lane.close()

    def _taken(self, longest_s: float | None) -> httpx.BaseTransport:
        if not self._room.acquire(timeout=longest_s):
            raise httpx.PoolTimeout("too many requests are under way")
        with self._lock:
            if self._free:
                return self._free.pop()
        return self._made()

    def _give_back(self, lane: httpx.BaseTransport) -> None:
        with self._lock:
            is_closed = self._is_closed
            if not is_closed:
                self._free.append(lane)
        if is_closed:
            lane.close()
        self._room.release()


class _Carried(httpx.SyncByteStream):
    """The body of an answer; gives its lane back once."""

    def __init__(self, stream: httpx.SyncByteStream, give_back: Callable[[], None]) -> None:
        self._stream = stream
        self._give_back: Callable[[], None] | None = give_back

    def __iter__(self) -> Iterator[bytes]:
        yield from self._stream

    def close(self) -> None:
        give_back, self._give_back = self._give_back, None
        try:
            self._stream.close()
        finally:
            if give_back is not None:
                give_back()
