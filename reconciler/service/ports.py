"""What the service needs from outside besides `reconciler.ports`: cron and encryption at rest."""

from __future__ import annotations

from typing import Protocol


class CronPort(Protocol):
    """The meaning of cron expressions."""

    def check(self, cron: str, timezone: str) -> None:
        """Refuse an expression or time zone the vendor would refuse.

        Raises:
            ValueError: with the reason, fit for the user.
        """
        ...

    def next_after(self, cron: str, timezone: str, unix_s: float) -> float | None:
        """The first run strictly after *unix_s*, in Unix seconds, or None when there is none."""
        ...


class Sealer(Protocol):
    """Authenticated encryption of what must not lie about in clear."""

    def seal(self, plain: bytes) -> bytes:
        """Encrypt *plain*."""
        ...

    def open(self, sealed: bytes) -> bytes:
        """Decrypt what `seal` made."""
        ...
