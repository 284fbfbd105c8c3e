"""A server that answers every request with the same thing, whatever was asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from http_server import Handler, serving

HTML = b"<!DOCTYPE html><html><title>Sign in</title></html>"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. *length*: the size that is promised, where it is not that of *body*."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None


@contextmanager
def saying(answer: Answer) -> Iterator[str]:
    """The address of a server that says *answer*."""

    class Saying(Handler):
        def asked(self) -> None:
            self.body()
            self.answer(answer.status, answer.headers, answer.body, promised=answer.length)

    with serving(Saying) as address:
        yield address
