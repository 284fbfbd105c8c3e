"""Who connects and does not come to the point, or takes no answer, keeps nobody else out and no server from ending."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler.service.patience import Patience
from reconciler.service.serving import bound, server_of

SHORT = Patience(head_s=0.3, body_s=0.3, unread_s=0.3)
GET = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\n"
PATIENT_S = 60
"""Far beyond what any test waits for: one that gets there has found a bound that is none."""


@contextmanager
def listening(
    app: ASGIApp, patience: Patience = SHORT, last_answers_s: int = 1
) -> Iterator[Callable[[], socket.socket]]:
    """What connects to a server of *app*, which has to end when the context does."""
    with bound("127.0.0.1", 0) as listener, ExitStack() as opened:
        server = server_of(app, patience, last_answers_s)
        thread = threading.Thread(target=lambda: server.run(sockets=[listener]), daemon=True)
        thread.start()

        def connect() -> socket.socket:
            connection = opened.enter_context(socket.create_connection(listener.getsockname()))
            connection.settimeout(PATIENT_S)
            return connection

        try:
            yield connect
        finally:
            server.should_exit = True
            thread.join(PATIENT_S)
            assert not thread.is_alive()


async def hello(_scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


def said(connection: socket.socket) -> bytes:
    """All until the other end closes."""
    told = bytearray()
    with suppress(ConnectionResetError):
        while piece := connection.recv(65_536):
            told += piece
    return bytes(told)


def answered(connection: socket.socket) -> bytes:
    """One answer of `hello`."""
    told = bytearray()
    while not told.endswith(b"hello"):
        piece = connection.recv(65_536)
        assert piece, bytes(told)
        told += piece
    return bytes(told)


def trickle(connection: socket.socket, byte: bytes) -> None:
    """Send it again and again until nobody takes it."""
    pause_s = 0.02
    with suppress(OSError):
        for _ in range(round(PATIENT_S / pause_s)):
            connection.sendall(byte)
            time.sleep(pause_s)
        raise AssertionError("it was taken for as long as it was sent")


@pytest.mark.parametrize(
    "begun", [b"", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nX: "], ids=["nothing", "a line", "half"]
)
def test_headers_that_do_not_come_are_not_waited_for(begun: bytes) -> None:
    with listening(hello) as connect:
        connection = connect()
        connection.sendall(begun)

        assert said(connection).startswith(b"HTTP/1.1 408 ")


def test_headers_that_come_by_the_byte_are_not_waited_for() -> None:
    with listening(hello) as connect:
        connection = connect()
        connection.sendall(b"GET / HTTP/1.1\r\nX: ")

        trickle(connection, b"a")


def test_a_further_request_has_the_same_time_as_the_first() -> None:
    with listening(hello) as connect:
        connection = connect()
        for _ in range(3):
            connection.sendall(GET)
            assert answered(connection).startswith(b"HTTP/1.1 200 ")
        connection.sendall(GET[:-2])

        assert said(connection).startswith(b"HTTP/1.1 408 ")


def test_a_body_that_comes_by_the_byte_is_not_waited_for() -> None:
    with listening(hello) as connect:
        connection = connect()
        connection.sendall(POST.replace(b"100", b"100000000"))

        trickle(connection, b"a")


@pytest.mark.parametrize("before", [b"", GET], ids=["alone", "after another"])
def test_a_body_is_not_waited_for_where_the_answer_was_early(before: bytes) -> None:
    async def at_once(_scope: Scope, _receive: Receive, send: Send) -> None:
        await hello(_scope, nothing, send)

    async def nothing() -> Message:
        return {"type": "http.request"}

    with listening(at_once) as connect:
        connection = connect()
        connection.sendall(before + POST)
        answered(connection)

        trickle(connection, b"a")


def test_headers_that_were_begun_with_the_request_before_are_not_waited_for() -> None:
    with listening(hello) as connect:
        connection = connect()
        connection.sendall(GET + GET[:-2] + b"X: ")
        answered(connection)

        trickle(connection, b"a")


def test_a_body_that_was_begun_with_the_request_before_is_not_waited_for() -> None:
    with listening(hello) as connect:
        connection = connect()
        connection.sendall(GET + POST)

        assert said(connection).startswith(b"HTTP/1.1 200 ")


def test_a_body_may_take_its_time_where_nobody_bounds_it() -> None:
    with listening(hello, replace(SHORT, body_s=None)) as connect:
        slow, other = connect(), connect()
        slow.sendall(POST)
        assert said(other).startswith(b"HTTP/1.1 408 ")  # what has a bound is over by now
        slow.sendall(bytes(100))

        assert answered(slow).startswith(b"HTTP/1.1 200 ")


def test_who_answers_may_take_as_long_as_it_takes() -> None:
    over = threading.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.to_thread(over.wait)
        await hello(scope, receive, send)

    with listening(slow) as connect:
        asking, other = connect(), connect()
        asking.sendall(GET)
        assert said(other).startswith(b"HTTP/1.1 408 ")
        over.set()

        assert answered(asking).startswith(b"HTTP/1.1 200 ")


def test_an_answer_that_nobody_takes_is_not_kept() -> None:
    left = threading.Event()

    async def much(_scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(1000):
            await send({"type": "http.response.body", "body": bytes(1_000_000), "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        left.set()

    with listening(much) as connect:
        connect().sendall(GET)

        assert left.wait(PATIENT_S)


def test_who_comes_on_top_of_too_many_is_told_so_and_a_place_becomes_free_again() -> None:
    with listening(hello, Patience(connections=3)) as connect:
        held = [connect() for _ in range(3)]
        for one in held:  # each is known to the server, and kept
            one.sendall(GET)
            answered(one)
        assert said(connect()).startswith(b"HTTP/1.1 503 ")

        held[0].close()
        while True:
            again = connect()
            again.sendall(GET)
            with suppress(ConnectionError):
                if again.recv(12) == b"HTTP/1.1 200":
                    break


def test_silent_connections_make_room_by_themselves() -> None:
    with listening(hello, replace(SHORT, connections=5)) as connect:
        silent = [connect() for _ in range(5)]
        assert all(said(one).startswith(b"HTTP/1.1 408 ") for one in silent)

        last = connect()
        last.sendall(GET)
        assert answered(last).startswith(b"HTTP/1.1 200 ")


def test_no_upgrade_leads_out_of_the_bounds() -> None:
    upgrade = (
        b"Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAA\r\n\r\n"
    )
    with listening(hello) as connect:
        connection = connect()
        connection.sendall(GET[:-2] + upgrade)
        assert answered(connection).startswith(b"HTTP/1.1 200 ")
        connection.sendall(GET[:-2])

        assert said(connection).startswith(b"HTTP/1.1 408 ")


def test_a_server_ends_whoever_is_still_waiting() -> None:
    asked = threading.Event()

    async def never(_scope: Scope, _receive: Receive, _send: Send) -> None:
        asked.set()
        await asyncio.Event().wait()

    with listening(never, Patience()) as connect:
        connect().sendall(GET)
        connect()
        connect().sendall(GET[:-2])
        assert asked.wait(PATIENT_S)
