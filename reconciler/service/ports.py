"""What the service needs from outside besides `reconciler.ports`: cron and encryption at rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class SparkPlace:
    """A cluster that answers Spark Connect.

    url: such as ``sc://spark.example.com:15002``, with parameters after ``/;`` where there are any.
    token: asked for with each job, for it may change; "" for none.
    """

    url: str
    token: Callable[[], str]
