"""Requests that never leave the process."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reconciler.errors import OutcomeUnknown, Permanent
from reconciler.http.client import Client
from reconciler.http.dialect import Dialect
from reconciler.http.in_process import InProcessTransport
from reconciler.http.request import get, path, send_bytes, send_json

TOGETHER = 8


async def echo(request: Request) -> Response:
    return JSONResponse(
        {
            "method": request.method,
            "path": request.url.path,
            "raw_path": request.scope["raw_path"].decode(),
            "query": str(request.url.query),
            "size": len(await request.body()),
        }
    )


def crash(_request: Request) -> Response:
    raise RuntimeError("a bug")


def packed(_request: Request) -> Response:
    return Response(gzip.compress(b'{"a": 1}'), headers={"content-encoding": "gzip"}, media_type="application/json")


@pytest.fixture
def together() -> threading.Barrier:
    return threading.Barrier(TOGETHER, timeout=30)


@pytest.fixture
def client(together: threading.Barrier) -> Iterator[Client]:
    def meet(_request: Request) -> Response:
        together.wait()
        return JSONResponse(threading.get_ident())

    routes = [
        Route("/crash", crash, methods=["GET", "POST"]),
        Route("/packed", packed),
        Route("/meet", meet),
        Route("/{rest:path}", echo, methods=["GET", "POST", "PUT"]),
    ]
    transport = InProcessTransport(Starlette(routes=routes))
    with Client("http://embedded", Dialect("service"), transport=transport) as calls:
        yield calls


def test_an_application_answers_without_a_socket(client: Client) -> None:
    assert client.json(send_bytes("PUT", path("a b", "ü/."), b"x" * 100_000, "application/octet-stream")) == {
        "method": "PUT",
        "path": "/a b/ü/.",
        "raw_path": "/a%20b/%C3%BC%2F.",
        "query": "",
        "size": 100_000,
    }


def test_a_compressed_answer_is_unpacked_once(client: Client) -> None:
    assert client.json(get("/packed")) == {"a": 1}


def test_many_threads_are_answered_at_the_same_time(client: Client) -> None:
    """Each request waits until all are there, so that one at a time would never end."""
    answers: list[object] = []
    threads = [threading.Thread(target=lambda: answers.append(client.json(get("/meet")))) for _ in range(TOGETHER)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(answers)) == TOGETHER


def test_a_bug_of_the_application_is_an_answer(client: Client) -> None:
    with pytest.raises(OutcomeUnknown, match="service: POST /crash answered 500"):
        client.json(send_json("POST", "/crash", {}))


def test_statuses_are_judged_as_over_the_network(client: Client) -> None:
    with pytest.raises(Permanent, match="service: DELETE /x answered 405"):
        client.json(send_bytes("DELETE", "/x", b"", ""))


def test_the_event_loop_starts_with_the_first_request_and_ends_with_the_client() -> None:
    before = threading.active_count()
    transport = InProcessTransport(Starlette(routes=[Route("/", echo)]))
    with Client("http://embedded", Dialect("service"), transport=transport) as calls:
        assert threading.active_count() == before
        calls.json(get("/"))
        assert threading.active_count() > before
    assert threading.active_count() == before


def test_a_closed_transport_starts_again_when_asked() -> None:
    transport = InProcessTransport(Starlette(routes=[Route("/", echo)]))
    for _ in range(2):
        with httpx.Client(transport=transport) as calls:
            assert calls.get("http://embedded/").status_code == 200
