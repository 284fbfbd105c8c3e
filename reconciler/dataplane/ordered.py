"""Work that several threads do, a bounded part of it at a time, with what comes of it in the order it was asked for."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

THREADS: Final = min(4, os.cpu_count() or 1)
"""More would only hold more rows in memory: what reads rows and what sends them are the limit by then."""

Given = TypeVar("Given")
Made = TypeVar("Made")


def in_order(work: Callable[[Given], Made], given: Iterable[Given]) -> Generator[Made]:
    """What *work* makes of each of *given*, in their order, while at most a few more than `THREADS` are under way.

    *given* is read in the thread of whoever asks for the next result, so it may belong to that thread. Worth it for work that lets
    go of Python's lock, as engines and arrays do.
    """
    with ThreadPoolExecutor(THREADS, thread_name_prefix="tdr-rows") as pool:
        under_way: deque[Future[Made]] = deque()
        try:
            for one in given:
                under_way.append(pool.submit(work, one))
                if len(under_way) > THREADS + 1:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            for future in under_way:
                future.cancel()
