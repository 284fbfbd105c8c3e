"""What a user learns, and how soon, of a vendor that does not answer."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx
import pytest
from http_doubles import FakeClock, Script, Step
from structlog.testing import capture_logs

from reconciler.errors import NotFound, OutcomeUnknown, Transient
from reconciler.http.client import Client
from reconciler.http.dialect import Dialect
from reconciler.http.request import get, send_json
from reconciler.http.retry import RetryPolicy

READ = get("/things")


def client(
    steps: Sequence[Step], clock: FakeClock, policy: RetryPolicy | None = None, base_url: str = "https://api.test"
) -> tuple[Client, Script]:
    script = Script(steps)
    made = Client(base_url, Dialect("vendor"), clock=clock, random=lambda: 1.0, policy=policy, transport=script)
    return made, script


def refused(_request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("[Errno 111] Connection refused") from ConnectionRefusedError(111, "Connection refused")


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "vendor.localhost", "[::1]"])
def test_nothing_listening_on_this_machine_is_told_at_once(host: str) -> None:
    clock = FakeClock()
    calls, script = client([refused], clock, base_url=f"http://{host}:8080/base")

    with pytest.raises(Transient) as caught:
        calls.json(READ)

    assert caught.value.message == f"vendor: GET /things got no answer: nothing listens at {host}:8080 on this machine"
    assert caught.value.hint == "start it (`tdr serve`, or the sandbox) or correct the address, then run again"
    assert (len(script.requests), clock.slept) == (1, [])


def test_a_real_refusal_is_recognised(closed_port: int) -> None:
    with Client(f"http://127.0.0.1:{closed_port}", Dialect("vendor"), clock=FakeClock()) as calls:
        with pytest.raises(Transient, match=f"nothing listens at 127.0.0.1:{closed_port} on this machine"):
            calls.json(READ)
        assert calls.calls == 1


def test_a_refusal_elsewhere_is_worth_repeating() -> None:
    clock = FakeClock()
    calls, script = client([refused], clock)

    with pytest.raises(Transient, match="Connection refused"):
        calls.json(READ)

    assert (len(script.requests), clock.slept) == (5, [0.5, 1.0, 2.0, 4.0])


def test_a_write_that_may_have_acted_stays_unknown_when_nothing_listens_any_more() -> None:
    calls, _ = client([httpx.ReadTimeout("slow"), refused], FakeClock(), base_url="http://127.0.0.1:8080")

    with pytest.raises(OutcomeUnknown, match="ReadTimeout"):
        calls.json(send_json("PUT", "/things/1", {}))


def test_repeating_is_a_warning_that_says_whom_and_why_once_for_all_who_wait() -> None:
    calls, _ = client([refused], FakeClock())

    with capture_logs() as lines:
        for _ in range(2):
            with pytest.raises(Transient):
                calls.json(READ)

    assert lines == [
        {
            "event": "request failed and is repeated",
            "log_level": "warning",
            "why": "vendor: GET /things got no answer: ConnectError: [Errno 111] Connection refused",
            "hint": "check the address, the network and the proxy",
            "wait_s": 0.5,
        }
    ]


def test_it_is_told_again_when_it_goes_on_for_long() -> None:
    clock = FakeClock()
    calls, _ = client([httpx.Response(503, headers={"retry-after": "25"})], clock, RetryPolicy(attempts=4))

    with capture_logs() as lines, pytest.raises(Transient):
        calls.json(READ)

    assert clock.slept == [25.0 * 1.1] * 3
    assert [line["why"] for line in lines] == ["vendor: GET /things answered 503"] * 2


def _slow(clock: FakeClock, seconds: float) -> Callable[[httpx.Request], httpx.Response]:
    def fail(_request: httpx.Request) -> httpx.Response:
        clock.time += seconds
        raise httpx.ConnectTimeout("timed out")

    return fail


def test_a_vendor_that_is_not_there_is_waited_for_once_and_not_once_a_call() -> None:
    clock = FakeClock()
    calls, script = client([_slow(clock, 10)], clock)
    requests = []

    for _ in range(3):
        with pytest.raises(Transient):
            calls.json(READ)
        requests.append(len(script.requests))

    assert requests == [4, 5, 6]


ANSWERS: Mapping[str, Any] = {"a success": httpx.Response(200, json={}), "a refusal": httpx.Response(404)}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
def test_any_answer_ends_the_silence(answer: httpx.Response) -> None:
    clock = FakeClock()
    slow = _slow(clock, 9)
    calls, script = client([slow, slow, slow, answer, slow, httpx.Response(200, json=[])], clock)

    for _ in range(3):
        with contextlib.suppress(Transient, NotFound):
            calls.json(READ)

    assert len(script.requests) == 6 + 1


def test_a_silence_of_long_ago_counts_for_nothing() -> None:
    clock = FakeClock()
    calls, script = client([refused], clock, RetryPolicy(attempts=2))
    with pytest.raises(Transient):
        calls.json(READ)
    clock.time += 86_400

    with pytest.raises(Transient):
        calls.json(READ)

    assert len(script.requests) == 4
