"""What generating manifests asks of a vendor: everything that is there, and how a document would say it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, runtime_checkable

from reconciler.model.activation import AudienceVerbs
from reconciler.model.address import Address
from reconciler.model.json import Json
from reconciler.model.observation import Observation
from reconciler.model.spec import Spec


@dataclass(frozen=True, slots=True)
class Found:
    """One object that a document could declare.

    kind: lower case, as in addresses.
    label: what people call it there.
    through: the connection it was seen through, for what is seen through one.
    has_twins: whether others have its natural key.
    depth: how many objects of its own kind it needs, one after the other, as a folder does those it lies in; those are
        declared first.
    """

    kind: str
    label: str
    observation: Observation
    through: Address | None = None
    has_twins: bool = False
    depth: int = 0

    @property
    def remote_id(self) -> str:
        """The vendor's id."""
        return self.observation.remote_id


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A part of a vendor that would not tell what is in it. *why* is for the user."""

    where: str
    why: str


@dataclass(frozen=True, slots=True)
class Built:
    """What a vendor makes of other objects and keeps by itself, with all that is in it: no document declares it.

    kind: lower case, as in addresses. why: for the user.
    """

    kind: str
    label: str
    why: str


@dataclass(frozen=True, slots=True)
class SecretPlace:
    """Stands in a tree for a secret, which nobody can read; whoever writes the document gives it a reference."""


DeclaredTree: TypeAlias = "Mapping[str, Json | SecretPlace | DeclaredTree]"


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a document's `spec` says, keys as in manifests, defaults left out. *notes* are assumptions to tell a reader."""

    spec: DeclaredTree
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Undeclarable:
    """No document can say it. *why* names what it cannot say."""

    why: str


@dataclass(frozen=True, slots=True)
class Directory:
    """What a declaration may refer to.

    names: kind and vendor's id -> name of the document that declares it.
    specs: what those documents say, and all others of the project.
    verbs: what exports to audiences understand; None where nobody holds audiences.
    """

    names: Mapping[tuple[str, str], str] = field(default_factory=dict)
    specs: Mapping[Address, Spec] = field(default_factory=dict)
    verbs: AudienceVerbs | None = None

    def name_of(self, kind: str, remote_id: str) -> str | None:
        """Name of the document that declares an object, or None."""
        return self.names.get((kind, remote_id))


@runtime_checkable
class Lists(Protocol):
    """A provider that can tell everything it holds.

    Law: what `desired` makes of the document that `declare` describes is what was observed.
    """

    def listing(self) -> Iterable[Found | Unlisted | Built]:
        """Everything there of the kinds it knows, what cannot be declared included."""
        ...

    def declare(self, found: Found, name: str, directory: Directory) -> Declaration | Undeclarable:
        """The inverse of `desired`, for a document called *name*."""
        ...
