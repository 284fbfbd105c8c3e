"""One call from end to end: credentials, pace, messages, traces, streams."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from http_doubles import FakeClock, Script
from structlog.testing import capture_logs

from reconciler.errors import Conflict, Denied, OutcomeUnknown, Permanent, Transient
from reconciler.http.answer import Answer
from reconciler.http.bucket import TokenBucket
from reconciler.http.client import Client
from reconciler.http.credentials import FixedKey
from reconciler.http.dialect import Dialect
from reconciler.http.request import Safety, get, path, send_empty, send_form, send_json
from reconciler.http.retry import RetryPolicy
from reconciler.http.trace import log_requests
from reconciler.model.secret import Secret

OK = httpx.Response(200, json={"ok": True})
REFUSED = httpx.Response(401, json={"message": "expired"})


def client(*steps: Any, **options: Any) -> tuple[Client, Script]:
    script = Script(steps)
    return Client("http://vendor.test/api/", Dialect("vendor"), transport=script, random=lambda: 0.0, **options), script


class Renewable:
    """Tokens t1, t2, … of which only the newest is good."""

    def __init__(self, *, can_renew: bool = True) -> None:
        self.number = 1
        self.renewals = 0
        self.can_renew = can_renew

    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer t{self.number}"}

    def renew(self, refused: Mapping[str, str]) -> bool:
        self.renewals += 1
        self.number += self.can_renew
        return self.can_renew


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
def test_refused_credentials_are_renewed_once_and_the_request_repeated(method: str, clock: FakeClock) -> None:
    renewable = Renewable()
    calls, script = client(REFUSED, OK, credentials=renewable, clock=clock)

    assert calls.json(send_json(method, "/x", {"a": 1})) == {"ok": True}
    assert [request.headers["Authorization"] for request in script.requests] == ["Bearer t1", "Bearer t2"]
    assert (renewable.renewals, clock.slept) == (1, [])


@pytest.mark.parametrize("can_renew", [True, False])
def test_credentials_refused_twice_are_a_refusal(can_renew: bool, clock: FakeClock) -> None:  # noqa: FBT001
    renewable = Renewable(can_renew=can_renew)
    calls, script = client(REFUSED, credentials=renewable, clock=clock)

    with pytest.raises(Denied):
        calls.json(get("/x"))
    assert (renewable.renewals, len(script.requests)) == (1, 1 + can_renew)


def test_credentials_are_renewed_once_a_call_however_often_it_is_repeated(clock: FakeClock) -> None:
    renewable = Renewable()
    calls, _ = client(REFUSED, httpx.Response(500), REFUSED, OK, credentials=renewable, clock=clock)

    with pytest.raises(Denied):
        calls.json(get("/x"))
    assert renewable.renewals == 1


def test_threads_refused_together_renew_once() -> None:
    renewable = Renewable()
    together = threading.Barrier(6, timeout=30)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.headers["Authorization"] == "Bearer t1":
            together.wait()
            return REFUSED
        return OK

    calls, _ = client(answer, credentials=renewable)
    threads = [threading.Thread(target=calls.json, args=(get("/x"),)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (renewable.renewals, calls.calls) == (1, 12)


@pytest.mark.parametrize(
    ("request_", "line", "content_type", "body"),
    [
        (get("/x"), "GET http://vendor.test/api/x", None, b""),
        (get("/x", {"a": "1 2", "b": ["x", "y"]}), "GET http://vendor.test/api/x?a=1+2&b=x&b=y", None, b""),
        (
            get(path("a/b", "..", "50%+", "日", ".")),
            "GET http://vendor.test/api/a%2Fb/%2E%2E/50%25%2B/%E6%97%A5/%2E",
            None,
            b"",
        ),
        (
            send_json("POST", "/x", {"ü": [1]}),
            "POST http://vendor.test/api/x",
            "application/json",
            '{"ü":[1]}'.encode(),
        ),
        (
            send_form("POST", "/x", {"a": "b&c", "d": ["1", "2"]}),
            "POST http://vendor.test/api/x",
            "application/x-www-form-urlencoded",
            b"a=b%26c&d=1&d=2",
        ),
        (send_empty("DELETE", "/x", {"force": "true"}), "DELETE http://vendor.test/api/x?force=true", None, b""),
    ],
    ids=["get", "params", "path", "json", "form", "empty"],
)
def test_a_request_is_sent_as_written(request_: Any, line: str, content_type: str | None, body: bytes) -> None:
    calls, script = client(OK)
    calls.json(request_)

    (sent,) = script.requests
    assert (f"{sent.method} {sent.url}".replace("%20", "+"), sent.headers.get("content-type"), sent.read()) == (
        line,
        content_type,
        body,
    )


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (httpx.Response(400, json={"message": "bad"}), "answered 400: bad"),
        (
            httpx.Response(400, json={"error": "invalid_grant", "error_description": "gone"}),
            "answered 400: gone; invalid_grant",
        ),
        (httpx.Response(400, json={"error": {"message": "deep", "code": 3}}), "answered 400: deep"),
        (httpx.Response(400, json={"errors": [{"detail": "one"}, {"detail": "two"}]}), "answered 400: one; two"),
        (
            httpx.Response(400, json={"error": "invalid record", "records": "jane.doe@example.com,hanako@example.com"}),
            "answered 400: invalid record",
        ),
        (httpx.Response(400, json={"message": "no jane.doe@example.com"}), "answered 400: no ***"),
        (httpx.Response(400, json=[]), "answered 400"),
        (httpx.Response(400, json={"code": 1}), "answered 400"),
        (httpx.Response(400, text="plain\n  text"), "answered 400: plain text"),
        (httpx.Response(400, content=b"\xff\xfe"), "answered 400: \ufffd\ufffd"),
        (httpx.Response(400, text="<html><title>Nope</title>"), "answered 400: an HTML page, 'Nope'"),
        (httpx.Response(400), "answered 400"),
        (httpx.Response(400, text="x" * 10_000), "answered 400: " + "x" * 499 + "…"),
        (
            httpx.Response(307, headers={"location": "https://elsewhere/?token=FAKE"}),
            "answered 307: a redirect, which is not followed because it could take credentials elsewhere",
        ),
    ],
)
def test_a_refusal_says_what_the_vendor_said_and_no_more(answer: httpx.Response, message: str) -> None:
    calls, script = client(answer)

    with pytest.raises(Permanent) as caught:
        calls.json(get("/x", {"key": "FAKE"}))

    assert caught.value.message == f"vendor: GET /x {message}"
    assert len(script.requests) == 1


def test_a_secret_shows_neither_in_an_error_nor_in_what_led_to_it() -> None:
    """A header with a line break: the libraries below quote it in their own errors."""
    secret = Secret("env:KEY", "FAKE-multi\nline")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with (
            Client(address, Dialect("vendor"), credentials=FixedKey(secret)) as calls,
            pytest.raises(Permanent) as caught,
        ):
            calls.json(get("/x"))

    shown = []
    link: BaseException | None = caught.value
    while link is not None:
        shown.append(repr(link))
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    assert shown == [
        "Permanent('vendor: GET /x cannot be sent: a header or the address has characters that HTTP does not allow')"
    ]


def test_the_key_of_the_credentials_is_scrubbed_without_being_told() -> None:
    calls, _ = client(
        httpx.Response(400, json={"message": "key FAKE-key-1 is bad"}),
        credentials=FixedKey(Secret("env:KEY", "FAKE-key-1"), header="X-Key", scheme=""),
    )

    with pytest.raises(Permanent) as caught:
        calls.json(get("/x"))

    assert caught.value.message == "vendor: GET /x answered 400: key *** is bad"


def test_a_certificate_that_is_not_trusted_is_not_tried_again(clock: FakeClock) -> None:
    def untrusted(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("certificate verify failed") from ssl.SSLCertVerificationError(1, "self-signed")

    calls, script = client(untrusted, clock=clock)

    with pytest.raises(Permanent) as caught:
        calls.json(get("/x"))

    assert caught.value.hint == "the server's certificate is not trusted here; add its authority to SSL_CERT_FILE"
    assert len(script.requests) == 1


def test_a_dialect_may_know_better_than_the_status() -> None:
    def taken(answer: Answer) -> type[Conflict] | None:
        return Conflict if b"taken" in answer.body else None

    script = Script([httpx.Response(422, json={"message": "name taken"}, headers={"X-Rid": "77"})])
    dialect = Dialect("vendor", request_id_header="x-rid", error=taken, advice=lambda _answer: "choose another")
    with Client("http://vendor.test", dialect, transport=script) as calls, pytest.raises(Conflict) as caught:
        calls.json(send_json("POST", "/x", {}))

    error = caught.value
    assert (error.message, error.hint, error.status, error.request_id) == (
        "vendor: POST /x answered 422: name taken",
        "choose another",
        422,
        "77",
    )


def test_the_trace_tells_what_happened_and_nothing_confidential(clock: FakeClock) -> None:
    events: list[tuple[str, Mapping[str, Any]]] = []
    calls, _ = client(
        httpx.ConnectError("refused"),
        httpx.Response(503, headers={"retry-after": "3", "x-request-id": "r1"}),
        OK,
        clock=clock,
        trace=lambda event, values: events.append((event, values)),
        credentials=FixedKey(Secret("env:KEY", "FAKE-key-1")),
    )
    calls.json(get("/x", {"mail": "jane@example.com"}))

    call = {"call": "vendor: GET /x"}
    assert events == [
        ("request failed", call | {"attempt": 1, "seconds": 0.0, "error": "ConnectError"}),
        ("request will be repeated", call | {"attempt": 1, "wait_s": 0.0}),
        ("request answered", call | {"attempt": 2, "seconds": 0.0, "status": 503, "request_id": "r1"}),
        ("request will be repeated", call | {"attempt": 2, "wait_s": 3.0}),
        ("request answered", call | {"attempt": 3, "seconds": 0.0, "status": 200, "request_id": ""}),
    ]


def test_the_log_is_a_trace(clock: FakeClock) -> None:
    calls, _ = client(OK, clock=clock, trace=log_requests())
    with capture_logs() as lines:
        calls.json(get("/x"))

    assert lines == [
        {
            "event": "request answered",
            "log_level": "debug",
            "call": "vendor: GET /x",
            "attempt": 1,
            "seconds": 0.0,
            "status": 200,
            "request_id": "",
        }
    ]


def test_a_stream_comes_in_pieces_after_the_same_care(clock: FakeClock) -> None:
    calls, script = client(httpx.Response(500), httpx.Response(200, content=b"abc" * 1000), clock=clock)

    with calls.stream(get("/x")) as pieces:
        assert b"".join(pieces) == b"abc" * 1000
    assert len(script.requests) == 2


def test_a_stream_that_is_refused_says_why() -> None:
    calls, _ = client(httpx.Response(404, json={"message": "no such job"}))

    with pytest.raises(Permanent, match="vendor: GET /x answered 404: no such job"), calls.stream(get("/x")):
        pytest.fail("nothing to read")


@pytest.mark.parametrize(("safety", "kind"), [(Safety.READ, Transient), (Safety.ONCE, OutcomeUnknown)])
def test_a_stream_that_breaks_is_an_error(safety: Safety, kind: type[Transient]) -> None:
    class Breaking(httpx.SyncByteStream):
        def __iter__(self) -> Any:
            yield b"abc"
            raise httpx.ReadError("reset")

    calls, _ = client(lambda _request: httpx.Response(200, stream=Breaking()))

    with pytest.raises(Transient) as caught, calls.stream(send_empty("POST", "/x", safety=safety)) as pieces:
        list(pieces)
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("rate", "burst", "takes", "slept"),
    [
        (2.0, 1, 3, [0.5, 0.5]),
        (2.0, 3, 5, [0.5, 0.5]),
        (0.5, 1, 2, [2.0]),
        (1000.0, 10, 10, []),
    ],
)
def test_the_pace_is_kept(rate: float, burst: int, takes: int, slept: list[float], clock: FakeClock) -> None:
    bucket = TokenBucket(rate, burst, clock)
    for _ in range(takes):
        bucket.take()

    assert clock.slept == pytest.approx(slept)


def test_a_pause_gives_the_burst_back_and_no_more(clock: FakeClock) -> None:
    bucket = TokenBucket(1.0, 2, clock)
    for _ in range(2):
        bucket.take()
    clock.time += 1000
    waits = [bucket.take() for _ in range(4)]

    assert waits == pytest.approx([0, 0, 1, 1])


def test_a_clock_that_is_set_back_does_not_stop_the_run(clock: FakeClock) -> None:
    bucket = TokenBucket(1.0, 1, clock)
    bucket.take()
    clock.time -= 3600

    assert bucket.take() <= 1.0


def test_repetitions_keep_the_pace_too(clock: FakeClock) -> None:
    bucket = TokenBucket(0.1, 1, clock)
    calls, _ = client(httpx.Response(500), OK, clock=clock, bucket=bucket, policy=RetryPolicy())

    calls.json(get("/x"))

    assert clock.slept == [0.0, 10.0]


@pytest.mark.parametrize(
    "module",
    ["reconciler.http.client", "reconciler.apis.pinterest_connect", "reconciler.providers.pinterest.provider"],
)
def test_loading_the_code_does_not_load_the_libraries(module: str) -> None:
    heavy = ("httpx", "tenacity", "structlog", "cryptography", "anyio")
    code = f"import sys, {module}; print([name for name in {heavy} if name in sys.modules])"
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout

    assert output == "[]\n"
