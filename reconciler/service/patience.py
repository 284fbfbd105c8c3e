"""HTTP/1.1 as uvicorn speaks it, with bounds for those who connect: how many they are, and how long they may take.

uvicorn waits without end for a request that has begun, and for somebody who does not take an answer: a few hundred sockets
that say a byte now and then are enough to keep everybody else out.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle


@dataclass(frozen=True, slots=True)
class Patience:
    """What those who connect may ask of a server. None is without a bound.

    connections: at once; whoever comes on top of them is told 503.
    head_s: seconds from the connection, or the first byte of a further request, to the end of its headers.
    body_s: seconds from there to the end of its body.
    unread_s: seconds in which nothing of an answer is taken.
    """

    connections: int = 256
    head_s: float = 30.0
    body_s: float | None = None
    unread_s: float | None = None


OF_THIS_MACHINE: Final = Patience()
"""For clients of one user, who may read an answer as slowly as they handle it."""
OF_ANYBODY: Final = Patience(head_s=10.0, body_s=30.0, unread_s=30.0)
"""For browsers, perhaps of other machines."""

_BUSY: Final = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_TOO_SLOW: Final = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class _Bounded(H11Protocol):
    """One connection."""

    patience: Patience
    _arriving: asyncio.TimerHandle | None = None
    _in_body: RequestResponseCycle | None = None
    """The request whose body is waited for."""
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn narrows it
        super().connection_made(transport)
        if len(self.connections) > self.patience.connections:
            transport.write(_BUSY)
            transport.close()
            return
        self._arriving = self.loop.call_later(self.patience.head_s, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        self._has_arrived()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._arriving is None and self._is_between_requests():
            self._arriving = self.loop.call_later(self.patience.head_s, self._give_up)
        super().data_received(data)
        self._watch_what_arrives()

    def on_response_complete(self) -> None:
        # What was sent before the answer was whole is looked at in here: the next request may begin without another byte.
        super().on_response_complete()
        self._watch_what_arrives()

    def _watch_what_arrives(self) -> None:
        if self._is_between_requests():
            return
        if not self.cycle.more_body or self.patience.body_s is None:
            self._has_arrived()
        elif self._in_body is not self.cycle:
            self._has_arrived()
            self._in_body = self.cycle
            self._arriving = self.loop.call_later(self.patience.body_s, self._give_up)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_what_is_unread()

    def resume_writing(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        # Closing waits for what was written to be taken.
        self._watch_what_is_unread()

    def _is_between_requests(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _has_arrived(self) -> None:
        self._in_body = None
        if self._arriving is not None:
            self._arriving.cancel()
            self._arriving = None

    def _watch_what_is_unread(self) -> None:
        if self._unread is None and self.patience.unread_s is not None:
            self._unread = self.loop.call_later(self.patience.unread_s, self.transport.abort)

    def _give_up(self) -> None:
        if self.transport.is_closing():
            return
        if self._in_body is not None:
            self.transport.abort()
            return
        self.transport.write(_TOO_SLOW)
        self.transport.close()


def protocol(patience: Patience) -> type[H11Protocol]:
    """What uvicorn is to speak."""
    return type("Bounded", (_Bounded,), {"patience": patience})
