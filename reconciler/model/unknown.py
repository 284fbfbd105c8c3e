"""Values that only the apply will know."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.address import Address


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that the apply of *waits_for* will tell, such as the id of ``audience/vip``."""

    waits_for: Address

    def __str__(self) -> str:
        return f"(known after {self.waits_for})"
