"""Answers over HTTP on the loopback interface."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from reconciler.errors import TdrError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

LOOPBACK = "127.0.0.1"
"""The only interface: the service has no TLS and one user."""


def serve(app: ASGIApp, port: int, announce: Callable[[int], None]) -> None:
    """Serve *app* until SIGINT or SIGTERM. *port* 0 takes a free one; *announce* hears which when requests can come.

    Raises:
        TdrError: the port cannot be used.
    """
    import uvicorn  # noqa: PLC0415 - only when serving

    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((LOOPBACK, port))
            listening.listen(128)
        except OSError as error:
            raise TdrError(
                f"port {port} cannot be used: {error.strerror}", hint="choose another with --port"
            ) from error
        announce(int(listening.getsockname()[1]))
        config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, lifespan="off")
        uvicorn.Server(config).run(sockets=[listening])
