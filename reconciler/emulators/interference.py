"""The layer that applies faults around a vendor's application and notes the traffic."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler.emulators.connection import drop
from reconciler.emulators.faults import (
    AnswerLost,
    AnswerReplaced,
    Bare,
    Cut,
    CutMidway,
    Failure,
    Fault,
    FaultBook,
    HtmlPage,
    ListedLate,
    Malformed,
    PageDropped,
    PageEndless,
    PageRepeated,
    RateLimited,
    Slow,
    TokenExpired,
    Truncated,
)
from reconciler.emulators.timeline import Timeline
from reconciler.emulators.traffic import Exchange, Traffic

FAULTS = "tdr.faults"  # scope: the faults that the application itself must act out
EXCHANGE = "tdr.exchange"  # scope: this call's entry in the traffic

_GATEWAY_PAGE = "<html>\r\n<head><title>{status}</title></head>\r\n<body><h1>{status}</h1></body>\r\n</html>\r\n"


class Vendor(Protocol):
    """How a vendor words what any vendor does."""

    def refusal(self, fault: RateLimited | Failure) -> Response:
        """The answer of a vendor that is limiting, or failing."""
        ...

    def expire_token(self, scope: Scope) -> None:
        """Make the token that the request presents invalid."""
        ...


class Interference:
    """An ASGI application: *app* with the faults of *book* around it. Paths are relative to *prefix*."""

    def __init__(
        self, app: ASGIApp, *, prefix: str, vendor: Vendor, book: FaultBook, traffic: Traffic, timeline: Timeline
    ) -> None:
        """Wrap *app*."""
        self._app = app
        self._prefix = prefix
        self._vendor = vendor
        self._book = book
        self._traffic = traffic
        self._timeline = timeline

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call, or not."""
        method, path = scope["method"], scope["path"].removeprefix(self._prefix)
        faults = self._book.striking(method, path)
        exchange = self._traffic.begin(
            time=self._timeline.now(),
            method=method,
            path=path,
            query=scope["query_string"].decode(),
            faults=tuple(fault.kind for fault in faults),
        )
        scope = {**scope, EXCHANGE: exchange}
        within = []
        decisive: Fault | None = None
        for fault in faults:
            match fault:
                case Slow(delay_s=delay_s):
                    await asyncio.sleep(delay_s)
                case TokenExpired():
                    self._vendor.expire_token(scope)
                case ListedLate() | PageRepeated() | PageDropped() | PageEndless():
                    within.append(fault)
                case _:
                    decisive = decisive or fault
        scope[FAULTS] = tuple(within)
        await self._answer(decisive, scope, receive, _noting(send, exchange))

    async def _answer(self, fault: Fault | None, scope: Scope, receive: Receive, send: Send) -> None:
        match fault:
            case Cut():
                await _drain(receive)
                await drop(scope, receive)
            case RateLimited() | Failure():
                await _drain(receive)
                await self._vendor.refusal(fault)(scope, receive, send)
            case HtmlPage(status=status):
                await _drain(receive)
                await _gateway_page(status)(scope, receive, send)
            case AnswerLost():
                await self._capture(scope, receive)
                await drop(scope, receive)
            case AnswerReplaced(status=status):
                await self._capture(scope, receive)
                await _gateway_page(status)(scope, receive, send)
            case CutMidway():
                answer = await self._capture(scope, receive)
                await send(answer.start)
                await send({"type": "http.response.body", "body": answer.half, "more_body": True})
                await drop(scope, receive)
            case Truncated():
                answer = await self._capture(scope, receive)
                await _deliver(answer.start, answer.half, send)
            case Malformed():
                answer = await self._capture(scope, receive)
                await _deliver(answer.start, b'{"items": [}', send)
            case Bare():
                answer = await self._capture(scope, receive)
                await _deliver(answer.start, b"{}", send)
            case _:
                await self._app(scope, receive, send)

    async def _capture(self, scope: Scope, receive: Receive) -> _Answer:
        answer = _Answer()
        await self._app(scope, receive, answer.take)
        return answer


@dataclass(slots=True)
class _Answer:
    """An answer that was given but not sent."""

    start: Message = field(default_factory=dict)
    body: bytes = b""

    @property
    def half(self) -> bytes:
        return self.body[: len(self.body) // 2]

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        else:
            self.body += message.get("body", b"")


def _gateway_page(status: int) -> Response:
    return HTMLResponse(_GATEWAY_PAGE.format(status=status), status)


async def _deliver(start: Message, body: bytes, send: Send) -> None:
    headers = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
    await send({**start, "headers": [*headers, (b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})


async def _drain(receive: Receive) -> None:
    """Read the request to its end, so that what the client sees does not depend on how fast it sends."""
    while (await receive()).get("more_body"):
        pass


def _noting(send: Send, exchange: Exchange) -> Send:
    async def noting(message: Message) -> None:
        if message["type"] == "http.response.start":
            exchange.status = message["status"]
        await send(message)

    return noting
