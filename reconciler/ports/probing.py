"""What a vendor leaves open, and how an account answers it when it is only looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from reconciler.model.probe import FactName, Told


@dataclass(frozen=True, slots=True)
class Answered:
    """One fact as an account answers it.

    asked: the request, such as ``GET /v3/schedule/list``.
    seen: what the answer was recognised by, without names or values of the account.
    effects: answer -> what the provider does with it; all three are in it.
    """

    fact: FactName
    question: str
    asked: str
    told: Told
    seen: str
    effects: Mapping[Told, str] = field(repr=False)

    @property
    def effect(self) -> str:
        """What the provider does with this answer."""
        return self.effects[self.told]


@runtime_checkable
class Probes(Protocol):
    """A provider some of whose facts an account must tell."""

    def account(self) -> str:
        """Who answers."""
        ...

    def reach(self) -> None:
        """Ask one small thing that only a good key is answered.

        Raises:
            ProviderError: the key is refused, or nobody answers.
        """
        ...

    def probe(self) -> Sequence[Answered]:
        """Ask for every fact by reading only; what cannot be told is `Told.UNKNOWN`.

        Raises:
            ProviderError: nothing could be read, or the vendor is not there for now; then nothing was learnt.
        """
        ...
