"""A server of one protocol in a process of its own, so that what it takes of a core is not counted to what is measured."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


def _serve(protocol: Callable[[], asyncio.BaseProtocol], port: multiprocessing.SimpleQueue[int]) -> None:
    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
        port.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    with suppress(KeyboardInterrupt):
        asyncio.run(run())


@contextmanager
def served(protocol: Callable[[], asyncio.BaseProtocol]) -> Iterator[int]:
    """Port of a server that runs while the context is open. *protocol* is a class of a module: another process has to find it."""
    spawn = multiprocessing.get_context("spawn")
    port = spawn.SimpleQueue()
    process = spawn.Process(target=_serve, args=(protocol, port), daemon=True)
    process.start()
    try:
        yield port.get()
    finally:
        process.terminate()
        process.join()
