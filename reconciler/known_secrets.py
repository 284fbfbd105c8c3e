"""Every secret of this process, told here as it is made, so that what is printed can be searched for all of them.

What people configured is known for as long as the process lives. Tokens that vendors replace come without end to a
process that serves for months: of those the newest are known, and one that is still in use is told anew and stays.
Light, for each run loads it; how secrets look in text is the matter of `scrubbing`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Final

MOST_TOKENS: Final = 1_000
"""Two each of more connections than any project has, and days of those that went before."""


class Known:
    """Values that must not be shown, in the order in which they were told. Used by many threads.

    version: another number whenever another value is known or one no longer is.
    """

    def __init__(self) -> None:
        self.version = 0
        self._lasting: dict[str, None] = {}
        self._tokens: dict[str, None] = {}
        self._lock = threading.Lock()

    def remember(self, value: str) -> None:
        """Know *value* from now on."""
        if value in self._lasting:
            return
        with self._lock:
            self._lasting[value] = None
            self._tokens.pop(value, None)
            self.version += 1

    def remember_token(self, value: str) -> None:
        """Know *value* until `MOST_TOKENS` others were told after it."""
        with self._lock:
            if value in self._lasting:
                return
            if value not in self._tokens:
                self.version += 1
            self._tokens.pop(value, None)
            self._tokens[value] = None
            if len(self._tokens) > MOST_TOKENS:
                del self._tokens[next(iter(self._tokens))]

    def values(self) -> tuple[str, ...]:
        """All of them: those that last, then the tokens from the oldest to the newest."""
        with self._lock:
            return (*self._lasting, *self._tokens)

    @contextmanager
    def scope(self) -> Iterator[None]:
        """What is told inside is forgotten afterwards."""
        with self._lock:
            lasting, tokens = dict(self._lasting), dict(self._tokens)
        try:
            yield
        finally:
            with self._lock:
                self._lasting, self._tokens = lasting, tokens
                self.version += 1


OF_PROCESS: Final = Known()


def remember(value: str) -> None:
    """*value* must not be shown by anything in this process, whoever holds it."""
    keep_out_of_dumps()
    OF_PROCESS.remember(value)


def remember_token(value: str) -> None:
    """*value* must not be shown either, and its vendor will replace it."""
    keep_out_of_dumps()
    OF_PROCESS.remember_token(value)


def remembered() -> tuple[str, ...]:
    """All of them, in the order in which they were told; tokens come last."""
    return OF_PROCESS.values()


@cache
def keep_out_of_dumps() -> None:
    """Let the system write no memory of this process, or of programs that it starts, to a disk when it crashes.

    Once, and cheap: 0.1 ms, most of it the import. Collectors that cores are piped to honour the limit as well (core(5),
    systemd-coredump(8)). Where there is no such limit, nothing is done.
    """
    with suppress(ImportError, OSError, ValueError):
        import resource  # noqa: PLC0415 - not on every system

        _, most = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, most))
