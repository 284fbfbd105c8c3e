"""Where tokens live that a vendor replaces at every use."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from reconciler import known_secrets


@dataclass(frozen=True, slots=True)
class Tokens:
    """An access token and the refresh token that makes the next one. Times are Unix seconds."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: float = 0.0
    refresh_expires_at: float | None = None

    def __post_init__(self) -> None:
        """Both tokens are secrets from the first moment on."""
        known_secrets.remember_token(self.access_token)
        known_secrets.remember_token(self.refresh_token)


class TokenStore(Protocol):
    """Keeps the newest tokens per credential, across processes."""

    def load(self, key: str) -> Tokens | None:
        """The newest tokens of *key*, or None."""
        ...

    def save(self, key: str, tokens: Tokens) -> None:
        """Durable when it returns; called before the new tokens are used for the first time."""
        ...

    def exclusive(self, key: str) -> AbstractContextManager[None]:
        """Only one holder at a time, threads and processes alike: two refreshes at once may revoke each other."""
        ...
