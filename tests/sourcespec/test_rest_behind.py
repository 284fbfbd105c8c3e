"""Rows are put down behind the next request: in order, not before it has left, and no error of theirs is lost."""

from __future__ import annotations

import threading

import pytest

from reconciler.connectors.sources.rest_behind import FAR, Behind


def test_work_is_done_in_order_and_all_of_it_by_the_end() -> None:
    done: list[int] = []
    with Behind() as behind:
        for number in range(50):
            behind.hold(lambda number=number: done.append(number))  # type: ignore[misc]
            behind.begin()
    assert done == list(range(50))


def test_work_does_not_begin_before_it_is_told_to() -> None:
    begun = threading.Event()
    with Behind() as behind:
        behind.hold(begun.set)
        assert not begun.wait(0.01)
        behind.begin()
        assert begun.wait(10)


def test_work_begins_with_the_next_one_where_nobody_tells() -> None:
    begun = threading.Event()
    with Behind() as behind:
        behind.hold(begun.set)
        behind.hold(lambda: None)
        assert begun.wait(10)


def test_little_is_waiting_at_once() -> None:
    may_end, all_held = threading.Event(), threading.Event()

    def hold_many() -> None:
        with Behind() as behind:
            for _ in range(FAR + 2):
                behind.hold(lambda: may_end.wait(10) and None)
            all_held.set()

    holding = threading.Thread(target=hold_many)
    holding.start()
    assert not all_held.wait(0.05)
    may_end.set()
    assert all_held.wait(10)
    holding.join()


@pytest.mark.parametrize("after", [0, 5], ids=["at the end", "with a later piece"])
def test_an_error_comes_out(after: int) -> None:
    def fail() -> None:
        raise OSError("no space")

    def holding() -> None:
        with Behind() as behind:
            behind.hold(fail)
            for _ in range(after):
                behind.hold(lambda: None)

    with pytest.raises(OSError, match="no space"):
        holding()


def test_what_is_held_is_forgotten_when_reading_fails() -> None:
    done: list[int] = []

    def reading() -> None:
        with Behind() as behind:
            behind.hold(lambda: done.append(1))
            raise ValueError("the next page is no JSON")

    with pytest.raises(ValueError, match="no JSON"):
        reading()
    assert done == []
