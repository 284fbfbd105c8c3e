"""The form that anybody may post: whatever comes, it takes neither long nor much, and the log tells of no bug."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from typing import Any
from urllib.parse import urlencode

import pytest
from structlog.testing import capture_logs

from reconciler.ports.clock import SystemClock
from reconciler.web.access import COOKIE, Access
from reconciler.web.app import Dashboard
from reconciler.web.looks import Looks
from reconciler.web.samples import Samples

TOKEN = "a token of twenty characters or more"
FORM = b"application/x-www-form-urlencoded"
MULTIPART = b'--x\r\nContent-Disposition: form-data; name="token"; filename="t"\r\n\r\n%s\r\n--x--\r\n'


class Hurried(asyncio.SelectorEventLoop):
    """A loop whose seconds are hundredths."""

    def time(self) -> float:
        return super().time() * 100


class Browser:
    """What one request is answered. *pieces*: of its body; after them nothing comes, or it hangs up where *leaves*."""

    def __init__(self, pieces: Iterator[bytes], length: int, *, leaves: bool = False) -> None:
        self._pieces = pieces
        self._length = length
        self._leaves = leaves
        self.status = 0
        self.headers: Mapping[bytes, bytes] = {}
        self.text = ""

    async def receive(self) -> dict[str, Any]:
        piece = next(self._pieces, None)
        if piece is None and self._leaves:
            return {"type": "http.disconnect"}
        if piece is None:
            await asyncio.Event().wait()
        self._length -= len(piece or b"")
        return {"type": "http.request", "body": piece, "more_body": self._length > 0}

    async def send(self, message: Mapping[str, Any]) -> None:
        self.status = message.get("status", self.status)
        self.headers = dict(message.get("headers", self.headers))
        self.text += message.get("body", b"").decode()


def posted(
    *pieces: bytes, length: str | None = None, kind: bytes = FORM, access: Access | None = None, leaves: bool = False
) -> Browser:
    told = str(sum(map(len, pieces))) if length is None else length
    headers = [(b"host", b"tdr.example"), (b"content-type", kind)]
    headers += [(b"content-length", told.encode())] if told else []
    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "scheme": "http", "path": "/login", "raw_path": b"/login",
        "query_string": b"", "root_path": "", "headers": headers, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    browser = Browser(iter(pieces), int(told[:6]) if told.isdigit() and told.isascii() else 0, leaves=leaves)
    clock = SystemClock()
    nobody: Any = nullcontext
    dashboard = Dashboard(Looks(nobody, clock), Samples(nobody, clock), access or Access(TOKEN, is_local=False))
    with asyncio.Runner(loop_factory=Hurried) as runner:
        runner.run(dashboard.application()(scope, browser.receive, browser.send))
    return browser


def form(token: str) -> bytes:
    return urlencode({"token": token}).encode()


def test_the_token_lets_in_also_when_it_comes_byte_by_byte() -> None:
    assert posted(form(TOKEN)).status == 303
    told = posted(*(bytes([one]) for one in form(f" {TOKEN}\r\n")))
    assert told.status == 303
    assert told.headers[b"set-cookie"].startswith(COOKIE.encode())


@pytest.mark.parametrize(
    "body",
    [b"", b"token=", b"token", b"=", b"&" * 4000, b"token=%ff%fe%00", b"\xff\xfe", b"token=%ed%a0%80", b"token=a&token=b",
     form(TOKEN[:-1]), form(TOKEN + "x"), form(TOKEN.upper())],
)  # fmt: skip
def test_anything_else_is_refused(body: bytes) -> None:
    refused = posted(body)

    assert (refused.status, b"set-cookie" in refused.headers) == (403, False)
    assert 'role="alert"' in refused.text


@pytest.mark.parametrize("length", ["", "4097", "99999999999", "9" * 5000, "-1", "+5", "1_0", "٣", "5, 5", "0x5", " "])
def test_a_form_whose_length_is_not_told_or_too_much_is_not_read(length: str) -> None:
    assert posted(b"token", length=length).status == 413


@pytest.mark.slow
@pytest.mark.parametrize("pieces", [[], [b"token=a"]], ids=["nothing", "a part"])
def test_a_form_that_does_not_come_is_not_waited_for(pieces: list[bytes]) -> None:
    assert posted(*pieces, length="100").status == 408


@pytest.mark.parametrize(
    "body", [MULTIPART % b"x", b"--x\r\nBad\r\n\r\nzz\r\n--x--\r\n", b"abc"], ids=["file", "bad header", "no part"]
)
def test_no_other_kind_of_form_is_taken_apart(body: bytes) -> None:
    with capture_logs() as told:
        assert posted(body, kind=b"multipart/form-data; boundary=x").status == 403
        assert posted(body, kind=b"multipart/form-data").status == 403
    assert told == []


def test_who_hangs_up_is_no_bug() -> None:
    with capture_logs() as told:
        posted(b"token=", length="100", leaves=True)
    assert told == []
