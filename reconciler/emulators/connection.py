"""Connections that an application can drop in the middle of a request.

ASGI has no word for "close the socket now": an application that raises is answered with 500 on its behalf. The protocol
class below puts a function into the scope that closes the transport, so that a client sees what it sees when a vendor's
load balancer dies.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_KEY = "tdr.close_connection"


class DroppableProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, with a way to hang up for the application."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn narrows it
        """Give the application of this connection the means to close it."""
        super().connection_made(transport)
        self.app = _with_closer(self.app, transport.close)


def _with_closer(app: ASGIApp, close: Callable[[], None]) -> ASGIApp:
    async def closable(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, _KEY: close}, receive, send)

    return closable


async def drop(scope: Scope, receive: Receive) -> None:
    """Close the connection of *scope* after what was already sent, and return when it is closed.

    Raises:
        RuntimeError: the server in front is not `serving.Server`, so there is no connection to close.
    """
    close = scope.get(_KEY)
    if close is None:
        raise RuntimeError("connections can only be dropped over real HTTP: use `serving.Server`")
    close()
    while (await receive())["type"] != "http.disconnect":
        pass
