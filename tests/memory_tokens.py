"""Tokens that are kept as long as the process lives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from reconciler.ports.tokens import Tokens


class MemoryTokens:
    def __init__(self) -> None:
        self._saved: dict[str, Tokens] = {}

    def load(self, key: str) -> Tokens | None:
        return self._saved.get(key)

    def save(self, key: str, tokens: Tokens) -> None:
        self._saved[key] = tokens

    @contextmanager
    def exclusive(self, key: str) -> Iterator[None]:
        del key
        yield
