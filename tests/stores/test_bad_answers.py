"""What a place answers that refuses, fails or lies: an error that says so, and never a state that looks empty or saved."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import liar
import pytest
from liar import HTML, Answer
from places import Place, SteppingClock

from reconciler.errors import StateError
from reconciler.stores.http_server import Text

PAGE = {"Content-Type": "text/html; charset=utf-8"}
DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
EXPIRED = b"<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>"
DATED = {"Last-Modified": "Wed, 25 Nov 2026 00:00:00 GMT"}
TAGGED = DATED | {"ETag": '"0123456789abcdef0123456789abcdef"'}


@pytest.mark.parametrize(
    ("kind", "answer", "words"),
    [
        ("s3", Answer(403, DENIED), "refuses the credentials"),
        ("s3", Answer(400, EXPIRED), "refuses the credentials"),
        ("s3", Answer(500), "cannot be reached"),
        ("s3", Answer(503, b"<Error><Code>SlowDown</Code></Error>"), "cannot be reached"),
        ("s3", Answer(200, HTML, PAGE | TAGGED), "is torn or not JSON"),
        ("s3", Answer(200, HTML, PAGE | DATED), "gives its objects no ETag"),
        ("s3", Answer(200, b'{"format": ', TAGGED, length=4000), "cannot be reached"),
        ("s3", Answer(200, b"{", TAGGED, length=2**40), "has more than 256 MiB"),
        ("s3", Answer(200, b"", TAGGED), "invalid list response"),
        ("http", Answer(401), "answered 401 to GET"),
        ("http", Answer(403), "answered 403 to GET"),
        ("http", Answer(500), "answered 500 to GET"),
        ("http", Answer(302, b"", {"Location": "/login"}), "answered 302 to GET"),
        ("http", Answer(200, HTML, PAGE), "answered with a web page to GET"),
        ("http", Answer(200, HTML), "is torn or not JSON"),
        ("http", Answer(200, b'{"format": "tdr.shelf"', length=4000), "cannot be reached"),
        ("http", Answer(200, b"[]"), "is not a state of tdr"),
        (
            "http",
            Answer(200, b"[]", {"Content-Encoding": "gzip, gzip"}),
            "answered GET with a body packed by gzip, gzip",
        ),
        ("http", Answer(404), "has no locks: it answered 404 to LOCK"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_reading_ends_with_what_was_answered(kind: str, answer: Answer, words: str, tmp_path: Path) -> None:
    with liar.saying(answer) as address, ExitStack() as closing:
        place = Place(kind, address, "shop/prod", tmp_path, SteppingClock(), closing)
        with pytest.raises(StateError) as refused:
            place.open().read()

    assert words in refused.value.message
    assert refused.value.hint
    assert "FAKE" not in refused.value.message + refused.value.hint


def test_a_state_that_goes_on_for_too_long_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TDR_MAX_ANSWER_MIB", "1")
    with liar.saying(Answer(200, b" " * (1024 * 1024 + 1))) as address, ExitStack() as closing:
        place = Place("http", address, "shop/prod", tmp_path, SteppingClock(), closing)
        with pytest.raises(StateError, match="answered GET with more than 1 MiB") as refused:
            place.open().read()

    assert "TDR_MAX_ANSWER_MIB" in refused.value.hint


def test_a_web_page_is_no_lock_and_no_saved_state(tmp_path: Path) -> None:
    with liar.saying(Answer(200, HTML, PAGE)) as address, ExitStack() as closing:
        server = Place("http", address, "", tmp_path, SteppingClock(), closing).server()
        for ask in (
            lambda: server.lock({"ID": "1"}),
            lambda: server.unlock({"ID": "1"}),
            lambda: server.post(Text(1, "lineage"), "1"),
        ):
            with pytest.raises(StateError, match="answered with a web page"):
                ask()
