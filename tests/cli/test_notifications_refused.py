"""A receiver that refuses, hangs or must not be sent to is a warning: nothing of the command changes, and nothing secret shows."""

from __future__ import annotations

import json
import signal
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from collector import attributes, collecting
from hook_server import Hook, Sent, hook
from hurried import HurriedClock
from stage import Stage
from telling import KEY, PATH, at_hour, telling

from reconciler.apis.webhooks import Patience, Undelivered, post
from reconciler.manifest import find_project
from reconciler.manifest.secrets import SecretReference
from reconciler.model.notifications import WebhookReceiver
from reconciler.wiring.notifying import Message, Sender


@pytest.fixture
def told() -> Iterator[Hook]:
    with hook() as one:
        yield one


def test_a_receiver_that_stumbles_is_sent_the_same_once_more(project: Stage, told: Hook) -> None:
    told.answers = [(500, {}, b""), (429, {"Retry-After": "1"}, b""), (200, {}, b"ok")]

    said = telling(project, told).tdr("apply", "--yes")

    assert "warning:" not in said.err
    assert len({(one.headers["tdr-delivery"], one.body) for one in told.sent}) == 1
    assert len(told.sent) == 3


@pytest.mark.parametrize(
    ("answer", "times", "words"),
    [
        ((500, {}, b"down"), 4, "it answered 500"),
        ((503, {"Retry-After": "3600"}, b""), 1, "it answered 503"),
        ((429, {"Retry-After": "3600"}, b""), 1, "it answered 429"),
        ((400, {}, b"invalid_payload"), 1, "it answered 400"),
        ((410, {}, b"channel_is_archived"), 1, "it answered 410"),
        ((302, {"Location": "/elsewhere"}, b""), 1, "it answered 302, a redirect, which is not followed"),
        ((307, {"Location": "/elsewhere"}, b""), 1, "it answered 307, a redirect, which is not followed"),
    ],
)
def test_a_receiver_that_refuses_is_a_warning_and_nothing_else(
    project: Stage, told: Hook, answer: Any, times: int, words: str
) -> None:
    told.answers = [answer]

    said = telling(project, told).tdr("apply", "--yes")

    assert said.out.endswith("Apply: 4 done.\n")
    assert f"warning: the webhook receiver at ${{secret:env:HOOK}} was not told: {words}\n" in said.err
    assert [one.path for one in told.sent] == [PATH] * times


def test_a_failure_stays_the_failure_that_it_was(applied: Stage, told: Hook) -> None:
    told.answers = [(400, {}, b"")]
    applied.edit("manifests/shop.yaml", "spec: {}", "spec: {nmae: x}")

    assert "warning: the webhook receiver" in telling(applied, told).tdr("apply", "--yes", expect=7).err


def test_one_receiver_that_refuses_keeps_no_other_from_being_told(applied: Stage, told: Hook) -> None:
    both = """\
notifications:
  - {type: slack, url: "${secret:env:MISSING}"}
  - {type: webhook, url: "${secret:env:NO_ADDRESS}"}
  - {type: webhook, url: "${secret:env:HOOK}", allow_private: true}
"""
    applied.environ["NO_ADDRESS"] = "not an address"
    at_hour(telling(applied, told, text=both), 4)

    said = applied.tdr("apply", "--yes")

    assert told.events() == ["applied"]
    assert "the slack receiver at ${secret:env:MISSING} was not told: the environment variable `MISSING`" in said.err
    assert "the webhook receiver at ${secret:env:NO_ADDRESS} was not told: what its `url` refers to is no" in said.err


def test_nobody_needs_the_address_but_who_sends(applied: Stage, told: Hook) -> None:
    telling(applied, told)
    del applied.environ["HOOK"], applied.environ["KEY"]

    for verb in (("validate",), ("plan",), ("drift",), ("apply", "--yes")):
        assert "warning" not in applied.tdr(*verb).err


def test_the_doctor_tells_what_would_not_be_told(applied: Stage, told: Hook) -> None:
    telling(applied, told)
    assert "1 with an address; none was sent anything" in applied.tdr("doctor").out
    del applied.environ["KEY"]

    said = applied.tdr("doctor", expect=1)

    assert "the webhook receiver at ${secret:env:HOOK}: the environment variable `KEY` is not set" in said.out
    assert told.sent == []


def test_an_address_that_is_written_down_is_refused(project: Stage) -> None:
    project.write(
        "manifests/environments/local.yaml", "notifications: [{type: slack, url: https://hooks.example.com/FAKE-1}]\n"
    )

    said = project.tdr("validate", expect=7)

    assert "is a secret and must not be written in a manifest" in said.err
    assert "FAKE-1" not in said.out + said.err.replace(
        "notifications: [{type: slack, url: https://hooks.example.com/FAKE-1}]", ""
    )


@pytest.mark.parametrize(
    "written", ["{type: mail}", "{type: slack}", "{type: webhook, on: [nothing]}", "{type: slack, on: []}"]
)
def test_a_receiver_that_makes_no_sense_is_refused(project: Stage, written: str) -> None:
    project.write("manifests/environments/local.yaml", f"notifications: [{written}]\n")

    assert "manifests/environments/local.yaml:1" in project.tdr("validate", expect=7).err


def test_this_machine_and_private_networks_are_asked_for(applied: Stage, told: Hook) -> None:
    at_hour(telling(applied, told, text='notifications: [{type: webhook, url: "${secret:env:HOOK}"}]\n'), 4)
    applied.environ["HOOK"] = told.url.replace("http:", "https:") + PATH
    said = applied.tdr("apply", "--yes")
    at_hour(applied, 5)
    applied.environ["HOOK"] = told.url + PATH
    clear = applied.tdr("apply", "--yes")

    assert (
        "was not told: its address is in a private network or on this machine\nhint: say `allow_private: true`"
        in said.err
    )
    assert "was not told: its address is http, which anybody on the way could read and change\n" in clear.err
    assert told.sent == []


@pytest.mark.parametrize("flags", [(), ("--debug",), ("--log-format", "json")])
def test_no_error_shows_the_address_or_the_key(project: Stage, told: Hook, flags: tuple[str, ...]) -> None:
    def echo(sent: Sent) -> tuple[int, dict[str, str], bytes]:
        said = f"no {told.url}{sent.path}?key={KEY} {sent.path} {sent.headers['tdr-signature']} {sent.path[10:]}"
        return 500, {"x-request-id": sent.path}, json.dumps({"message": said}).encode()

    told.answers = [echo]

    said = telling(project, told).tdr("apply", "--yes", *flags, TDR_LOG="debug")

    assert "it answered 500" in said.err
    for shown in (
        PATH,
        PATH.strip("/"),
        PATH[10:],
        PATH.rpartition("/")[2],
        KEY,
        told.url,
        told.url.rpartition(":")[2] + "/",
    ):
        assert shown not in said.out + said.err


def test_spans_show_no_address(project: Stage, told: Hook) -> None:
    with collecting() as collector:
        otel = {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.address}
        telling(project, told).process("apply", "--yes", **otel)

        calls = [one for one in map(attributes, collector.named("POST")) if one["tdr.call"] == "notification: POST "]
        assert len(calls) == len(told.sent) == 1
        assert told.sent[0].headers["traceparent"].split("-")[2] in {
            one.span_id.hex() for one in collector.named("POST")
        }
        assert PATH not in str(collector.received)


def test_nothing_listens_there(project: Stage, told: Hook) -> None:
    telling(project, told)
    project.environ["HOOK"] = "http://127.0.0.1:9" + PATH

    said = project.tdr("apply", "--yes")

    assert "was not told: nothing listens at its address on this machine\n" in said.err
    assert "127.0.0.1:9" not in said.err


def test_an_address_without_a_server_shows_no_name(project: Stage) -> None:
    project.write("manifests/environments/local.yaml", 'notifications: [{type: slack, url: "${secret:env:HOOK}"}]\n')

    said = project.tdr("apply", "--yes", HOOK="https://no-such-host.invalid/FAKE-hook-path")

    assert "warning: the slack receiver at ${secret:env:HOOK} was not told: " in said.err
    assert "no-such-host" not in said.err


def silent(told: Hook) -> None:
    def wait(_sent: Sent) -> tuple[int, dict[str, str], bytes]:
        told.over.wait()
        return 200, {}, b""

    told.answers = [wait]


def test_a_receiver_that_hangs_is_given_up(told: Hook) -> None:
    silent(told)

    with pytest.raises(Undelivered, match=r"^no answer came$"):
        post(
            told.url + PATH,
            b"{}",
            {},
            allow_private=True,
            clock=HurriedClock(),
            patience=Patience(attempts=2, answer_s=0.05, total_s=10),
        )

    assert len(told.sent) == 2


@contextmanager
def flooding(head: bytes, piece: bytes) -> Iterator[tuple[str, list[bool]]]:
    """A receiver that takes one message and then says *piece* for as long as somebody listens, and whether somebody left."""
    left: list[bool] = []

    def answer() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.recv(65536)
            connection.sendall(head)
            while True:
                connection.sendall(piece)
        left.append(True)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}{PATH}", left
        thread.join(30)


LONG = b"x" * 1_000_000
PACKED = zlib.compress(bytes(100_000_000), wbits=31)


@pytest.mark.parametrize(
    ("head", "piece", "words"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n", LONG, ""),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x", ""),
        (b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n", PACKED, ""),
        (b"HTTP/1.1 400 No\r\n\r\n", LONG, "it answered 400"),
        (b"HTTP/1.1 400 No\r\ncontent-encoding: gzip\r\n\r\n", PACKED, "it answered 400"),
        (b"HTTP/1.1 302 Away\r\nlocation: http://10.0.0.1/\r\n\r\n", LONG, "it answered 302"),
    ],
)
def test_an_answer_without_an_end_is_left(head: bytes, piece: bytes, words: str) -> None:
    told = ""
    with flooding(head, piece) as (address, left):
        try:
            post(address, b"{}", {}, allow_private=True, clock=HurriedClock(), patience=Patience())
        except Undelivered as error:
            told = error.message

    assert told.startswith(words)
    assert bool(told) == bool(words)
    assert left == [True], "it could not say more"


def test_no_receiver_takes_longer_than_all_may(applied: Stage, told: Hook) -> None:
    silent(told)
    receiver = WebhookReceiver(type="webhook", url=SecretReference.to("env:HOOK"), allow_private=True)
    sender = Sender(
        find_project(applied.folder), HurriedClock(), {"HOOK": told.url + PATH}, Patience(answer_s=60), limit_s=0.2
    )

    failures = sender.send([Message(receiver, {"event": "applied"}), Message(receiver, {"event": "failed"})])

    assert [one.message for one in failures] == [
        "the webhook receiver at ${secret:env:HOOK} was not told: no answer came within 0.2 s"
    ] * 2


def test_who_does_not_wait_for_a_receiver_keeps_the_exit_code(applied: Stage, told: Hook) -> None:
    silent(told)
    telling(applied, told)
    at_hour(applied, 4)
    process = applied.spawn("apply", "--yes")
    while not told.sent:
        assert process.poll() is None
        time.sleep(0.02)

    process.send_signal(signal.SIGINT)

    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert err.endswith(
        "warning: interrupted before everybody was told who is to be\nhint: what the command did is done and saved\n"
    )
