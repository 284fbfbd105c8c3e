"""A caller is told when its request has left, and may do something else while the answer is made."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from http_server import Handler, serving

from reconciler.http.client import Client
from reconciler.http.dialect import Dialect
from reconciler.http.request import get
from reconciler.http.retry import RetryPolicy


@dataclass
class Waiting:
    """Answers when whoever asked was told that the request has left; fails the first *failing* requests."""

    failing: int
    address: str = ""
    told: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Waiting]:
    waiting = Waiting(getattr(request, "param", 0))

    class Answering(Handler):
        def asked(self) -> None:
            is_told = waiting.told.wait(10)
            waiting.told.clear()
            waiting.failing -= 1
            self.answer(503 if waiting.failing >= 0 else 200 if is_told else 400, body=b"{}")

    with serving(Answering) as waiting.address:
        yield waiting


def test_it_is_told_before_the_answer_comes(server: Waiting) -> None:
    with Client(server.address, Dialect("vendor")) as client:
        assert [client.whole(get("/x"), sent=server.told.set).status for _ in range(2)] == [200, 200]


@pytest.mark.parametrize("server", [2], indirect=True)
def test_it_is_told_at_each_attempt(server: Waiting) -> None:
    told: list[bool] = []

    def sent() -> None:
        told.append(True)
        server.told.set()

    policy = RetryPolicy(attempts=3, first_wait_s=0.0)
    with Client(server.address, Dialect("vendor"), policy=policy) as client:
        assert client.whole(get("/x"), sent=sent).status == 200
    assert len(told) == 3
