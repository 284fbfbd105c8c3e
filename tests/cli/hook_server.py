"""A server that notifications are sent to: it answers as it is told, and keeps what it was sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from http_server import Handler, serving

Answer = tuple[int, Mapping[str, str], bytes]
"""Status, headers and body."""


@dataclass(frozen=True)
class Sent:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.body)
        return read


@dataclass
class Hook:
    """*answers*: one after the other, the last for ever; a function makes one of a request, and may take its time."""

    url: str = ""
    answers: list[Answer | Callable[[Sent], Answer]] = field(default_factory=lambda: [(200, {}, b"ok")])
    sent: list[Sent] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def events(self) -> list[str]:
        """What was told since this was asked before."""
        told = [one.document["event"] for one in self.sent]
        self.sent.clear()
        return told


@contextmanager
def hook() -> Iterator[Hook]:
    told = Hook()

    class Asked(Handler):
        def asked(self) -> None:
            sent = Sent(self.path, {name.lower(): value for name, value in self.headers.items()}, self.body())
            told.sent.append(sent)
            answer = told.answers.pop(0) if len(told.answers) > 1 else told.answers[0]
            self.answer(*(answer if isinstance(answer, tuple) else answer(sent)))

    with serving(Asked) as told.url:
        try:
            yield told
        finally:
            told.over.set()
