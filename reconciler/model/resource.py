"""One manifest document, resolved: what a person declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.address import Address
from reconciler.model.spec import Lifecycle, Spec


@dataclass(frozen=True, slots=True)
class Origin:
    """Which document of which file a resource came from; enough to find its lines again when a message needs them."""

    file: str
    document: int


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """The field at *path* (a JSON pointer below the document) names the resource *target*."""

    path: str
    target: Address


@dataclass(frozen=True, slots=True)
class Resource:
    """A declared resource. *references* are sorted; those to objects that no document declares are left out."""

    address: Address
    spec: Spec
    lifecycle: Lifecycle
    origin: Origin
    references: tuple[Reference, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def depends_on(self) -> tuple[Address, ...]:
        """The resources this one names, sorted, each once."""
        targets = {reference.target for reference in self.references}
        return tuple(sorted(targets) if len(targets) > 1 else targets)
