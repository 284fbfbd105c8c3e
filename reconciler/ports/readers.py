"""Threads that read side by side, and that nobody waits for when the run is ended."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def readers(count: int, name: str) -> Iterator[ThreadPoolExecutor]:
    """*count* threads for calls that change nothing.

    An exception, such as that of a signal, leaves at once: calls that wait for a slow vendor are left to themselves.
    """
    pool = ThreadPoolExecutor(max_workers=count, thread_name_prefix=name)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
