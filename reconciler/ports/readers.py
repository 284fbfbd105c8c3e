"""Threads that read side by side, and that nobody waits for when the run is ended."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class ContextPool(ThreadPoolExecutor):
    """Threads whose lines in the log and whose spans belong to what whoever calls them is at."""

    def submit(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have *call* made by a thread."""
        context = contextvars.copy_context()
        return super().submit(lambda: context.run(call, *args, **kwargs))


@contextmanager
def readers(count: int, name: str) -> Iterator[ContextPool]:
    """*count* threads for calls that change nothing.

    An exception, such as that of a signal, leaves at once: calls that wait for a slow vendor are left to themselves.
    """
    pool = ContextPool(max_workers=count, thread_name_prefix=name)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
