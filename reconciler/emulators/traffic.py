"""What was asked and what was answered, without what was in it."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.json import Json

_KEPT = 100_000  # entries; older ones go


@dataclass(slots=True)
class Exchange:
    """One call. *status* is None while it runs and for an answer that never left.

    body: what the vendor's side kept of the request body on demand, personal data replaced by counts; else None.
    """

    number: int
    time: float
    method: str
    path: str
    query: str
    faults: tuple[str, ...]
    status: int | None = None
    body: Mapping[str, Json] | None = None


@dataclass(slots=True)
class Traffic:
    """The last calls, oldest first."""

    _exchanges: deque[Exchange] = field(default_factory=lambda: deque(maxlen=_KEPT))
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def begin(self, *, time: float, method: str, path: str, query: str, faults: tuple[str, ...]) -> Exchange:
        """Note that a call came in; the caller fills in the *status* when it knows it."""
        exchange = Exchange(next(self._numbers), time, method, path, query, faults)
        self._exchanges.append(exchange)
        return exchange

    def exchanges(self) -> list[Exchange]:
        """All that are kept."""
        return list(self._exchanges)

    def clear(self) -> None:
        """Forget them."""
        self._exchanges.clear()
