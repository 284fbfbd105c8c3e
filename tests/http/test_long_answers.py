"""A server that sends without end, or little that unpacks to much, fills no memory: an answer has a bound."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache

import pytest
from http_server import Handler, serving

from reconciler.errors import Denied, OutcomeUnknown, Permanent, ProviderError, Transient, UsageError
from reconciler.http.body import MIB, VARIABLE, most_bytes
from reconciler.http.client import Client
from reconciler.http.dialect import Dialect
from reconciler.http.request import Request, Safety, get, send_json
from reconciler.http.retry import RetryPolicy

BOMB_BYTES = 256 * MIB
"""What it unpacks to."""
MOST_IN_MEMORY_BYTES = 200 * MIB
"""What one read of the network unpacks to, 64 MiB, is copied by zlib while it grows. All of it would take twice `BOMB_BYTES`."""


@dataclass
class Told:
    """What a server says. *asked*: how often it was; *sent_bytes*: so far."""

    body: Callable[[], Iterator[bytes]]
    packed: str = ""
    status: int = 200
    url: str = ""
    asked: list[str] = field(default_factory=list)
    sent_bytes: int = 0


@contextmanager
def telling(told: Told) -> Iterator[Told]:
    class Telling(Handler):
        def asked(self) -> None:
            self.body()
            told.asked.append(self.command)
            self.close_connection = True
            self.send_response(told.status)
            self.send_header("content-type", "application/json")
            self.send_header("connection", "close")
            if told.packed:
                self.send_header("content-encoding", told.packed)
            with suppress(OSError):
                self.end_headers()
                for piece in told.body():
                    self.wfile.write(piece)
                    told.sent_bytes += len(piece)

    with serving(Telling) as told.url:
        yield told


def client(told: Told, most: int = MIB) -> Client:
    policy = RetryPolicy(attempts=3, first_wait_s=0.0)
    return Client(told.url, Dialect("vendor"), policy=policy, most_bytes=most)


def endless() -> Iterator[bytes]:
    while True:
        yield b" " * 65_536


@cache
def bomb() -> bytes:
    packer = zlib.compressobj(level=9, wbits=16 + zlib.MAX_WBITS)
    return b"".join([*(packer.compress(bytes(MIB)) for _ in range(BOMB_BYTES // MIB)), packer.flush()])


def once(body: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: iter([body])


READS: dict[str, Callable[[Client, Request], object]] = {
    "json": Client.json,
    "send": Client.send,
    "whole": Client.whole,
}


@pytest.mark.parametrize("read", READS)
def test_an_answer_without_end_is_left_and_not_asked_for_again(read: str) -> None:
    with telling(Told(endless)) as told, client(told) as calls, pytest.raises(Permanent) as failed:
        READS[read](calls, get("/rows"))

    assert failed.value.message == "vendor: GET /rows answered 200 with more than 1 MiB"
    assert VARIABLE in failed.value.hint
    assert told.asked == ["GET"]
    assert told.sent_bytes < 32 * MIB  # what lies in the buffers of two sockets


@pytest.mark.parametrize("safety", [Safety.ONCE, Safety.IDEMPOTENT])
def test_of_a_write_it_is_said_that_it_may_have_acted(safety: Safety) -> None:
    with telling(Told(endless)) as told, client(told) as calls, pytest.raises(OutcomeUnknown, match="more than 1 MiB"):
        calls.json(send_json("POST", "/rows", {}, safety=safety))


@pytest.mark.parametrize(("size_bytes", "is_taken"), [(MIB, True), (MIB + 1, False)])
@pytest.mark.parametrize("packed", ["", "gzip"])
def test_the_bound_is_of_what_is_unpacked(size_bytes: int, is_taken: bool, packed: str) -> None:  # noqa: FBT001
    body = b" " * (size_bytes - 2) + b"{}"
    with telling(Told(once(gzip.compress(body) if packed else body), packed)) as told, client(told) as calls:
        if is_taken:
            assert calls.json(get("/rows")) == {}
        else:
            with pytest.raises(Permanent, match="more than 1 MiB"):
                calls.json(get("/rows"))


@pytest.mark.parametrize(
    ("packed", "body", "kind"),
    [
        ("gzip", bomb, Permanent),
        ("gzip, gzip", lambda: gzip.compress(bomb()), Transient),
        ("GZIP,deflate", lambda: gzip.compress(bomb()), Transient),
        ("zstd", lambda: b"\x28\xb5\x2f\xfd", Transient),
        ("br", lambda: b"\x0b", Transient),
    ],
    ids=["once", "twice", "two ways", "zstd", "brotli"],
)
def test_what_unpacks_to_much_fills_no_memory(
    packed: str, body: Callable[[], bytes], kind: type[ProviderError]
) -> None:
    with telling(Told(once(body()), packed)) as told, client(told) as calls:
        tracemalloc.start()
        try:
            with pytest.raises(kind) as failed:
                calls.json(get("/rows"))
            _, peak_bytes = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert peak_bytes < MOST_IN_MEMORY_BYTES
    assert ("not asked for" in failed.value.message) == (kind is Transient)


def test_a_stream_is_not_bounded_but_packed_as_asked_for() -> None:
    with telling(Told(once(gzip.compress(bytes(3 * MIB))), "gzip")) as told, client(told) as calls:
        with calls.stream(get("/rows")) as pieces:
            assert sum(map(len, pieces)) == 3 * MIB
        told.packed = "gzip, gzip"
        with pytest.raises(Transient, match="not asked for"), calls.stream(get("/rows")) as pieces:
            list(pieces)


@pytest.mark.parametrize(("packed", "body"), [("", endless), ("gzip, gzip", lambda: iter([gzip.compress(bomb())]))])
def test_a_refusal_is_one_however_long_it_is(packed: str, body: Callable[[], Iterator[bytes]]) -> None:
    with telling(Told(body, packed, status=403)) as told, client(told) as calls, pytest.raises(Denied):
        calls.json(get("/rows"))


@pytest.mark.parametrize(("text", "most"), [(None, 256 * MIB), ("", 256 * MIB), ("1", MIB), ("1024", 1024 * MIB)])
def test_the_bound_is_given_in_mib(text: str | None, most: int) -> None:
    assert most_bytes({} if text is None else {VARIABLE: text}) == most


@pytest.mark.parametrize("text", ["0", "-1", "64MB", "1.5", " 1", "\uff11"])
def test_a_bound_that_is_none_is_said(text: str) -> None:
    with pytest.raises(UsageError, match=VARIABLE):
        most_bytes({VARIABLE: text})
