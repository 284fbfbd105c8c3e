"""One who is asked and does not answer holds up nothing else: pages that were seen, what asks nobody, and the end."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from http_server import Handler, serving

sys.path.insert(0, str(Path(__file__).parents[1] / "journeys"))

from stage import Stage
from stage_fixtures import applied, filled_state, loaded, running_sandbox, stage

from reconciler.errors import TdrError
from reconciler.web.looks import FRESH_S, Looks, StillLooking

__all__ = ["applied", "filled_state", "loaded", "running_sandbox", "stage"]


class Hand:
    """A clock that somebody sets."""

    def __init__(self) -> None:
        self.at = 1000.0

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        raise AssertionError(seconds)


class Vendor:
    """Answers when it is let."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.asked = 0

    def __call__(self, _runtime: Any) -> int:
        self.asked += 1
        assert self.answers.wait(30)
        return self.asked


def at_hand(patience_s: float = 0.05) -> tuple[Looks, Hand]:
    clock = Hand()
    nobody: Any = nullcontext
    return Looks(nobody, clock, patience_s), clock


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    one = Vendor()
    yield one
    one.answers.set()


def test_what_was_seen_before_is_shown_while_nobody_answers_and_what_is_seen_then(vendor: Vendor) -> None:
    looks, clock = at_hand()
    vendor.answers.set()
    assert looks.awaited("all", vendor) == (1, 1000.0)
    vendor.answers.clear()
    clock.at += FRESH_S

    assert looks.look("all", vendor) == (1, 1000.0)
    assert looks.look("all", vendor) == (1, 1000.0)
    vendor.answers.set()

    assert looks.awaited("all", vendor) == (2, clock.at)
    assert vendor.asked == 2, "who hangs is asked once"


def test_where_nothing_was_seen_before_that_is_told(vendor: Vendor) -> None:
    looks, _ = at_hand()

    with pytest.raises(StillLooking, match=r"takes longer than 0\.05 s"):
        looks.look("all", vendor)


def test_what_asks_nobody_does_not_wait_for_what_does(vendor: Vendor) -> None:
    looks, _ = at_hand(patience_s=30)
    beginnings = [threading.Thread(target=lambda name=name: looks.look(name, vendor)) for name in "abcdefgh"]
    for one in beginnings:
        one.start()

    assert looks.remembered("metrics", lambda _: "text") == ("text", 1000.0)

    vendor.answers.set()
    for one in beginnings:
        one.join(30)
    assert vendor.asked == len(beginnings)


def test_all_who_wait_are_told_why_it_failed_and_the_next_look_is_a_new_one(vendor: Vendor) -> None:
    looks, _ = at_hand(patience_s=30)
    told: list[str] = []

    def fails(runtime: Any) -> int:
        vendor(runtime)
        raise TdrError(f"number {vendor.asked}")

    def ask() -> None:
        try:
            looks.look("all", fails)
        except TdrError as error:
            told.append(error.message)

    waiting = [threading.Thread(target=ask) for _ in range(3)]
    for one in waiting:
        one.start()
    vendor.answers.set()
    for one in waiting:
        one.join(30)
    ask()

    assert sorted(set(told)) == [f"number {number}" for number in range(1, vendor.asked + 1)]
    assert len(told) == 4


def test_a_project_that_cannot_be_opened_is_told_like_a_look_that_fails() -> None:
    def closed() -> AbstractContextManager[Any]:
        raise TdrError("no project")

    with pytest.raises(TdrError, match="no project"):
        Looks(closed, Hand()).look("all", lambda _: 1)


# -- the whole -----------------------------------------------------------------------------------------------------------


@contextmanager
def before(there: httpx.URL) -> Iterator[tuple[httpx.URL, threading.Event]]:
    """An address that leads to *there*, and what lets requests through: while it is not set, they are held."""
    lets = threading.Event()
    lets.set()

    with httpx.Client(base_url=there.copy_with(path="/"), trust_env=False) as client:

        class Passing(Handler):
            def asked(self) -> None:
                body = self.body()
                lets.wait()
                told = client.request(self.command, self.path, headers=dict(self.headers.items()), content=body)
                # Nobody may wait any more.
                self.answer(told.status_code, {"content-type": told.headers.get("content-type", "")}, told.content)

        with serving(Passing) as address:
            try:
                yield there.copy_with(port=httpx.URL(address).port), lets
            finally:
                lets.set()


@contextmanager
def served(stage: Stage) -> Iterator[tuple[Callable[[str], httpx.Response], subprocess.Popen[str]]]:
    server = stage.spawn("serve", "--dashboard", "127.0.0.1:0", "--sample-every", "0")
    try:
        assert server.stderr is not None
        # The service beside it, where there is one, is told of before.
        lines = iter(server.stderr.readline, "")
        address = next(line for line in lines if "Dashboard at " in line).rpartition(" ")[2].strip()
        with httpx.Client(base_url=address, timeout=30, trust_env=False) as client:
            yield client.get, server
    finally:
        server.kill()
        server.communicate(timeout=60)


@pytest.mark.slow
def test_a_vendor_that_hangs_leaves_the_other_pages_and_the_end_alone(applied: Stage) -> None:
    with before(httpx.URL(applied.environ["TDR_VAR_pinterest"])) as (address, lets):
        applied.environ["TDR_VAR_pinterest"] = str(address)
        with served(applied) as (get, server):
            assert get("/").status_code == 200
            lets.clear()
            hanging = [threading.Thread(target=get, args=("/plan",), daemon=True) for _ in range(50)]
            for one in hanging:
                one.start()

            assert "tdr_objects" in get("/metrics").text
            assert get("/assets/page.css").status_code == 200
            told = get("/plan")
            assert "this look takes longer than 10 s" in told.text
            assert (told.status_code, told.headers["refresh"]) == (503, "5")
            for one in hanging:
                one.join(60)

            server.send_signal(signal.SIGTERM)
            assert server.wait(60) in {0, 143}


@pytest.mark.slow
@pytest.mark.parametrize("alone", [False, True], ids=["beside the service", "alone"])
def test_who_asks_and_never_reads_does_not_keep_it_from_ending(applied: Stage, alone: bool) -> None:  # noqa: FBT001 - a parameter
    if alone:
        there = "treasure_data: {endpoint: 'http://127.0.0.1:9', api_key: '${secret:env:TD}'}\n"
        applied.write("manifests/environments/local.yaml", f'endpoints: {{pinterest: "${{var:pinterest}}"}}\n{there}')
        applied.environ["TD"] = "1234/0123456789abcdef0123456789abcdef01234567"
    with served(applied) as (get, server):
        place = get("/metrics").request.url
        request = f"GET /{'a' * 6000} HTTP/1.1\r\nHost: {place.host}:{place.port}\r\n\r\n".encode()
        with socket.create_connection((place.host, place.port or 0)) as one:
            one.settimeout(2)
            with suppress(TimeoutError):  # until neither side takes more
                while True:
                    one.sendall(request)
            assert get("/metrics").status_code == 200

            server.send_signal(signal.SIGTERM)
            assert server.wait(60) in {0, 143}
