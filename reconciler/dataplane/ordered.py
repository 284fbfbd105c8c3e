"""Work that several threads do, a bounded part of it at a time, with what comes of it in the order it was asked for."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Final, TypeVar

THREADS: Final = min(4, os.cpu_count() or 1)
"""More would only hold more rows in memory: what reads rows and what sends them are the limit by then."""

Given = TypeVar("Given")
Made = TypeVar("Made")


def threads() -> ThreadPoolExecutor:
    """Threads for `in_order`, to be used as a context: it ends when none of them is at work any more."""
    return ThreadPoolExecutor(THREADS, thread_name_prefix="tdr-rows")


def in_order(pool: Executor, work: Callable[[Given], Made], given: Iterable[Given]) -> Iterator[Made]:
    """What *work* makes of each of *given*, in their order, while at most a few more than `THREADS` are under way.

    *given* is read in the thread of whoever asks for the next result, so it may belong to that thread. Worth it for work that lets
    go of Python's lock, as engines and arrays do.

    pool: belongs to the caller, who ends it. One of this generator's own would end wherever a forgotten one is collected, and a
        thread that is just starting may wait there for itself.
    """
    under_way: deque[Future[Made]] = deque()
    for one in given:
        under_way.append(pool.submit(work, one))
        if len(under_way) > THREADS + 1:
            yield under_way.popleft().result()
    while under_way:
        yield under_way.popleft().result()
