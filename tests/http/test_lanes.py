"""Requests at once, each on a connection of its own."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from reconciler.http.lanes import Lanes


class Lane(httpx.BaseTransport):
    """Answers with its number; told to fail, it fails."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.is_closed = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/broken":
            raise httpx.ReadError("broken")
        return httpx.Response(200, stream=Body(str(self.number)))

    def close(self) -> None:
        self.is_closed = True


class Body(httpx.SyncByteStream):
    def __init__(self, text: str) -> None:
        self._text = text

    def __iter__(self) -> Iterator[bytes]:
        yield self._text.encode()


class Road:
    """Lanes, and all that were made."""

    def __init__(self, most: int = 3) -> None:
        self.made: list[Lane] = []
        self.lanes = Lanes(self._make, most)

    def _make(self) -> Lane:
        self.made.append(Lane(len(self.made)))
        return self.made[-1]

    def ask(self, path: str = "/") -> httpx.Response:
        request = httpx.Request("GET", f"http://vendor.test{path}", extensions={"timeout": {"pool": 0}})
        return self.lanes.handle_request(request)


def test_one_after_the_other_uses_one_lane() -> None:
    road = Road()

    assert [road.ask().read() for _ in range(3)] == [b"0", b"0", b"0"]


def test_what_is_under_way_keeps_its_lane() -> None:
    road = Road()
    first, second = road.ask(), road.ask()

    assert (first.read(), second.read(), len(road.made)) == (b"0", b"1", 2)


def test_the_lane_that_became_free_last_is_used_first() -> None:
    road = Road()
    first, second = road.ask(), road.ask()
    second.close()
    first.close()

    assert road.ask().read() == b"0"


def test_an_answer_closed_twice_gives_its_lane_back_once() -> None:
    road = Road()
    first = road.ask()
    first.close()
    first.close()
    second, third = road.ask(), road.ask()

    assert (second.read(), third.read()) == (b"0", b"1")


def test_a_request_that_fails_gives_its_lane_back() -> None:
    road = Road(most=1)
    for _ in range(2):
        with pytest.raises(httpx.ReadError):
            road.ask("/broken")

    assert (road.ask().read(), len(road.made)) == (b"0", 1)


def test_no_more_are_under_way_than_may_be() -> None:
    road = Road(most=1)
    under_way = road.ask()

    with pytest.raises(httpx.PoolTimeout):
        road.ask()
    under_way.close()
    assert road.ask().read() == b"0"


def test_closing_waits_for_nobody_and_forgets_nobody() -> None:
    road = Road()
    under_way, done = road.ask(), road.ask()
    done.close()

    road.lanes.close()

    assert [lane.is_closed for lane in road.made] == [False, True]
    assert under_way.read() == b"0"
    assert [lane.is_closed for lane in road.made] == [True, True]
