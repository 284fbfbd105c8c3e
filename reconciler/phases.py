"""What a command is at: told to whoever waits for it, and to OpenTelemetry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

from reconciler import spans


@dataclass(frozen=True, slots=True)
class Progress:
    """Where something stands, for people. *done* of *total* counts what the text says; *total* is 0 where nobody knows."""

    text: str
    done: int = 0
    total: int = 0


class Watcher(Protocol):
    """Whoever waits. Called by whichever thread is at it."""

    def begun(self, where: Callable[[], Progress]) -> Callable[[], None]:
        """Something has begun, and *where* tells at any time where it stands; what is returned is called when it has ended."""
        ...


_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextmanager
def watched_by(watcher: Watcher) -> Iterator[None]:
    """What is done inside, also by threads that carry this context, is told to *watcher*."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


@contextmanager
def phase(name: str, where: str | Callable[[], Progress]) -> Iterator[None]:
    """A part of a command, as a span called *name*. *where* says for people what it is, or where it stands by then."""
    watcher = _watcher.get()
    with spans.span(name):
        if watcher is None:
            yield
            return
        text = where
        ended = watcher.begun((lambda: Progress(text)) if isinstance(text, str) else text)
        try:
            yield
        finally:
            ended()
