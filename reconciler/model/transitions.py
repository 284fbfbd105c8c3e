"""How objects come under another address, or under none: what `kind: Transitions` and an environment's `imports` may say.

A person writes entries, which name places for messages; the engine is given `Transitions`, which has been checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from reconciler.model.address import Address
from reconciler.model.spec import API_VERSION, OnDelete, Spec

KIND = "Transitions"


def _address(value: str) -> str:
    Address.parse(value)
    return value


AddressText = Annotated[str, AfterValidator(_address)]
RemoteId = Annotated[str, Field(min_length=1, max_length=512)]


class ImportEntry(Spec):
    """The object *id* at its vendor becomes *to*."""

    to: AddressText
    """Address of a document."""
    id: RemoteId
    """The vendor's id: digits of an audience, the name of a saved query, `database.table`."""


class MoveEntry(Spec):
    """What state remembers as *from* is remembered as *to*."""

    from_: Annotated[AddressText, Field(alias="from")]
    """Address that no document has any more."""
    to: AddressText
    """Address that its document has now."""


class RemovalEntry(Spec):
    """What becomes of an object whose document is gone."""

    address: AddressText
    """Address that no document has any more."""
    on_delete: Literal["forget", "delete", "disable"] = "forget"
    """`forget` leaves the object as it is; the others as in `lifecycle`."""


class TransitionsDocument(Spec):
    """A document that tells what became of addresses; entries may stay after they have been applied."""

    apiVersion: Literal[API_VERSION]  # type: ignore[valid-type] # noqa: N815 - the field's standard spelling in manifests
    """Version of the format."""
    kind: Literal["Transitions"]
    """What the document is."""
    imports: tuple[ImportEntry, ...] = ()
    """Objects that documents are to be from now on."""
    moved: tuple[MoveEntry, ...] = ()
    """Resources that have another address now."""
    removed: tuple[RemovalEntry, ...] = ()
    """Resources whose document is gone."""


@dataclass(frozen=True, slots=True)
class Transitions:
    """All entries of a project as one environment sees it.

    imports: declared address -> the vendor's id of the object that is to be it.
    moved: former address -> the address it has now, chains followed to their end.
    removed: address that no document has -> what becomes of its object.
    """

    imports: Mapping[Address, str] = field(default_factory=dict)
    moved: Mapping[Address, Address] = field(default_factory=dict)
    removed: Mapping[Address, OnDelete] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.imports or self.moved or self.removed)
