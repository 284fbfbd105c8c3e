"""What is repeated, how often, and how long is waited in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import httpx
import pytest
from http_doubles import FakeClock, Script, Step

from reconciler.errors import (
    Conflict,
    Denied,
    NotFound,
    OutcomeUnknown,
    Permanent,
    ProviderError,
    Transient,
)
from reconciler.http.client import Client
from reconciler.http.dialect import Dialect
from reconciler.http.request import Request, Safety, get, send_empty, send_json
from reconciler.http.retry import RetryPolicy

OK = httpx.Response(200, json={"ok": True})
READ = get("/things")
PUT = send_json("PUT", "/things/1", {"a": 1})
DELETE = send_empty("DELETE", "/things/1")
POST = send_json("POST", "/things", {"a": 1})
PATCH = send_json("PATCH", "/things/1", {"a": 1})
SAFE_PATCH = send_json("PATCH", "/things/1", {"a": 1}, safety=Safety.IDEMPOTENT)


def client(
    steps: Sequence[Step],
    clock: FakeClock,
    policy: RetryPolicy | None = None,
    random: Callable[[], float] = lambda: 0.0,
) -> tuple[Client, Script]:
    script = Script(steps)
    calls = Client("http://vendor.test", Dialect("vendor"), clock=clock, transport=script, policy=policy, random=random)
    return calls, script


def status(code: int, **headers: str) -> httpx.Response:
    return httpx.Response(code, json={"message": "no"}, headers={k.replace("_", "-"): v for k, v in headers.items()})


@pytest.mark.parametrize("request_", [READ, PUT, DELETE, SAFE_PATCH], ids=lambda r: f"{r.method}-{r.safety}")
@pytest.mark.parametrize(
    "failure",
    [
        *(status(code) for code in (408, 425, 429, 500, 502, 503, 504)),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("closed"),
        httpx.WriteError("broken"),
        httpx.Response(200, text="<html><title>Down</title></html>"),
        httpx.Response(200, text='{"ok": tr'),
    ],
    ids=lambda f: str(f.status_code) if isinstance(f, httpx.Response) else type(f).__name__,
)
def test_what_may_be_repeated_is_repeated(request_: Request, failure: Step, clock: FakeClock) -> None:
    calls, script = client([failure, failure, OK], clock)

    assert calls.json(request_) == {"ok": True}
    assert len(script.requests) == 3
    assert calls.calls == 3
    assert [sent.read() for sent in script.requests] == [request_.body or b""] * 3


@pytest.mark.parametrize("request_", [POST, PATCH], ids=lambda r: r.method)
@pytest.mark.parametrize(
    "failure",
    [
        *(status(code) for code in (408, 500, 502, 503, 504)),
        httpx.ReadTimeout("slow"),
        httpx.WriteTimeout("slow"),
        httpx.WriteError("broken"),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("closed"),
        httpx.Response(200, text="<!DOCTYPE html><title>Sign in</title>"),
        httpx.Response(200, text='{"id": "50'),
        httpx.Response(200, text=""),
    ],
    ids=lambda f: f"{f.status_code} {f.text[:9]}" if isinstance(f, httpx.Response) else type(f).__name__,
)
def test_a_write_that_may_have_acted_is_not_sent_twice(request_: Request, failure: Step, clock: FakeClock) -> None:
    calls, script = client([failure, OK], clock)

    with pytest.raises(OutcomeUnknown):
        calls.json(request_)

    assert len(script.requests) == 1
    assert clock.slept == []


@pytest.mark.parametrize("request_", [POST, PATCH], ids=lambda r: r.method)
def test_a_page_for_people_is_no_success_even_where_the_body_does_not_matter(
    request_: Request, clock: FakeClock
) -> None:
    calls, _ = client([httpx.Response(200, text="<html><title>Sign in</title>")], clock)

    with pytest.raises(OutcomeUnknown, match="answered 200 with an HTML page"):
        calls.send(request_)


@pytest.mark.parametrize(
    "failure",
    [status(429, retry_after="2"), status(425), httpx.ConnectError("refused"), httpx.ConnectTimeout("slow")],
    ids=["429", "425", "ConnectError", "ConnectTimeout"],
)
def test_a_create_that_cannot_have_acted_is_sent_again(failure: Step, clock: FakeClock) -> None:
    calls, script = client([failure, OK], clock)

    assert calls.json(POST) == {"ok": True}
    assert len(script.requests) == 2


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, Permanent),
        (401, Denied),
        (403, Denied),
        (404, NotFound),
        (405, Permanent),
        (409, Conflict),
        (413, Permanent),
        (422, Permanent),
        (301, Permanent),
        (302, Permanent),
    ],
)
def test_a_refusal_is_final(code: int, kind: type[ProviderError], clock: FakeClock) -> None:
    calls, script = client([status(code, x_request_id="r-7"), OK], clock)

    with pytest.raises(ProviderError) as caught:
        calls.json(READ)

    assert type(caught.value) is kind
    assert (caught.value.status, caught.value.request_id) == (code, "r-7")
    assert len(script.requests) == 1


def test_a_page_for_people_is_no_proof_of_absence(clock: FakeClock) -> None:
    calls, _ = client([httpx.Response(404, text="<html><title>No such host</title>")], clock)

    with pytest.raises(Permanent, match="answered 404: an HTML page, 'No such host'") as caught:
        calls.json(READ)

    assert not isinstance(caught.value, NotFound)


@pytest.mark.parametrize(
    ("header", "waited"),
    [
        ("2", 2.0),
        (" 2 ", 2.0),
        ("0.493", 1.0),
        ("0", 1.0),
        ("-5", 1.0),
        ("1.5", 1.5),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 10.0),
        ("Wed, 21 Oct 2026 09:28:00 +0200", 10.0),
        ("Wed, 21 Oct 2026 07:28:00 -0000", 10.0),
        ("Wed, 21 Oct 2020 07:28:00 GMT", 1.0),
        ("60", 60.0),
    ],
)
def test_an_asked_wait_is_kept_however_it_is_spelled(header: str, waited: float, clock: FakeClock) -> None:
    calls, _ = client([status(429, retry_after=header), OK], clock)

    assert calls.json(READ) == {"ok": True}
    assert clock.slept == [waited]


@pytest.mark.parametrize("header", ["", "soon", "nan", "inf", "Wed, 99 Oct 2026 07:28:00 GMT", "1e999"])
def test_a_senseless_wait_leaves_our_own(header: str, clock: FakeClock) -> None:
    calls, _ = client([status(429, retry_after=header), OK], clock, random=lambda: 1.0)

    assert calls.json(READ) == {"ok": True}
    assert clock.slept == [0.5]


@pytest.mark.parametrize("request_", [READ, POST], ids=["GET", "POST"])
def test_a_day_is_not_waited_for(request_: Request, clock: FakeClock) -> None:
    calls, script = client([status(429, retry_after="86400"), OK], clock)

    with pytest.raises(Transient) as caught:
        calls.json(request_)

    assert caught.value.message == (
        f"vendor: {request_.method} /things answered 429: no; it asks to wait 86400 s, more than the 60 s a run waits"
    )
    assert caught.value.hint == "run again in 24 hours"
    assert caught.value.retry_after_s == 86_400
    assert not isinstance(caught.value, OutcomeUnknown)
    assert (clock.slept, len(script.requests)) == ([], 1)


def test_waits_double_up_to_the_longest_and_are_drawn_at_random(clock: FakeClock) -> None:
    draws = iter([1.0, 0.5, 0.25, 1.0, 1.0, 1.0])
    policy = RetryPolicy(attempts=6, first_wait_s=1.0, longest_wait_s=6.0)
    calls, script = client([status(500)], clock, policy, random=lambda: next(draws))

    with pytest.raises(Transient):
        calls.json(READ)

    assert clock.slept == [1.0, 1.0, 1.0, 6.0, 6.0]
    assert len(script.requests) == 6


def test_those_told_the_same_wait_come_back_apart(clock: FakeClock) -> None:
    calls, _ = client([status(429, retry_after="10"), OK], clock, random=lambda: 0.5)

    calls.json(READ)

    assert clock.slept == [10.5]


def test_repeating_ends_with_the_time_for_it(clock: FakeClock) -> None:
    policy = RetryPolicy(attempts=100, longest_wait_s=60, total_s=100)
    calls, script = client([status(503, retry_after="40")], clock, policy)

    with pytest.raises(Transient):
        calls.json(READ)

    assert clock.slept == [40.0, 40.0]
    assert len(script.requests) == 3


def test_a_write_that_may_have_acted_stays_unknown_when_later_attempts_do_not_arrive(clock: FakeClock) -> None:
    calls, _ = client([httpx.ReadTimeout("slow"), httpx.ConnectError("refused")], clock)

    with pytest.raises(OutcomeUnknown) as caught:
        calls.json(PUT)

    assert caught.value.message == "vendor: PUT /things/1 got no answer: ReadTimeout: slow"


def test_a_later_refusal_answers_for_the_write(clock: FakeClock) -> None:
    calls, _ = client([httpx.ReadTimeout("slow"), status(404)], clock)

    with pytest.raises(NotFound):
        calls.json(DELETE)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([httpx.ReadTimeout("")], "vendor: GET /things got no answer: ReadTimeout"),
        ([httpx.ConnectError("[Errno 111]")], "vendor: GET /things got no answer: ConnectError: [Errno 111]"),
        ([httpx.Response(200, text="<html>x")], "vendor: GET /things answered 200 with an HTML page"),
        ([httpx.Response(200, text="[1, 2")], "vendor: GET /things answered 200 with malformed or truncated JSON"),
        ([httpx.Response(200, text=" ")], "vendor: GET /things answered 200 with an empty body"),
        (
            [httpx.Response(502, text="<html><head><title>502 Bad\nGateway</title>")],
            "vendor: GET /things answered 502: an HTML page, '502 Bad\\nGateway'",
        ),
    ],
)
def test_a_read_that_fails_for_good_says_how(steps: list[Step], message: str, clock: FakeClock) -> None:
    calls, _ = client(steps, clock, RetryPolicy(attempts=2))

    with pytest.raises(Transient) as caught:
        calls.json(READ)

    assert caught.value.message == message
    assert not isinstance(caught.value, OutcomeUnknown)


def test_an_answer_without_content_is_none(clock: FakeClock) -> None:
    calls, _ = client([httpx.Response(204)], clock)

    assert calls.json(DELETE) is None


def test_a_vendor_may_ask_to_wait_in_its_own_way(clock: FakeClock) -> None:
    script = Script([status(429, x_reset="7"), OK])
    dialect = Dialect("vendor", wait_s=lambda answer: float(answer.headers["X-Reset"]))
    calls = Client("http://vendor.test", dialect, clock=clock, transport=script, random=lambda: 0.0)

    calls.json(READ)

    assert clock.slept == [7.0]
