"""Requests to a server of ours on this machine."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from http_server import Handler, serving

from reconciler.http.loopback import loopback_transport


class Answering(Handler):
    def asked(self) -> None:
        self.answer(200, body=b"ok")


@pytest.fixture
def address() -> Iterator[str]:
    with serving(Answering) as address:
        yield address


def test_no_proxy_comes_between(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")

    with httpx.Client(transport=loopback_transport()) as client:
        assert client.get(address).text == "ok"
