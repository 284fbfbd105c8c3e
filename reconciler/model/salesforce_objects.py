"""An object of Salesforce as one user may use it: what describe tells. No word of HTTP."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.diagnostics import closest


@dataclass(frozen=True, slots=True)
class ObjectField:
    """A field, as one user may use it.

    length: characters that it holds; 0 where it is no text. references: objects that it points at, none where it is no lookup.
    choices: the values that may be picked, where no other is taken; none where any is.
    relationship: how the record behind a lookup is called, such as ``Owner``; compound: the field that it is a part of.
    """

    name: str
    type: str
    length: int = 0
    createable: bool = False
    updateable: bool = False
    required: bool = False
    external_id: bool = False
    id_lookup: bool = False
    unique: bool = False
    calculated: bool = False
    auto_number: bool = False
    relationship: str = ""
    references: tuple[str, ...] = ()
    compound: str = ""
    choices: tuple[str, ...] = ()

    @property
    def finds_records(self) -> bool:
        """Whether Salesforce itself finds records by it."""
        return self.external_id or self.id_lookup

    @property
    def is_custom(self) -> bool:
        """Whether the org made it, and not Salesforce."""
        return self.name.endswith("__c")


@dataclass(frozen=True, slots=True)
class ObjectShape:
    """An object, as one user may use it. Fields that the user may not see are not there."""

    name: str
    createable: bool
    updateable: bool
    deletable: bool
    queryable: bool
    fields: tuple[ObjectField, ...]

    def field(self, name: str) -> ObjectField | None:
        """The field of that API name, in any case."""
        wanted = name.lower()
        return next((one for one in self.fields if one.name.lower() == wanted), None)

    def lookup(self, relationship: str) -> ObjectField | None:
        """The lookup whose record is called so, in any case."""
        wanted = relationship.lower()
        return next((one for one in self.fields if one.relationship.lower() == wanted), None) if wanted else None

    def nearest(self, name: str) -> str:
        """The field that *name* may have been meant for, or "". Custom fields are known without their ``__c`` too."""
        own = self.field(f"{name}__c")
        return own.name if own is not None else closest(name, [one.name for one in self.fields])


@dataclass(frozen=True, slots=True)
class OutColumn:
    """A column that a query puts out.

    sql_type: as its engine calls it, "" where nobody knows. longest: characters of its longest text, None where nobody knows.
    is_bound: whether *longest* is only what the type allows, and not what is there.
    """

    name: str
    sql_type: str = ""
    longest: int | None = None
    is_bound: bool = False


@dataclass(frozen=True, slots=True)
class Intent:
    """What rows do to an object: *operation* is insert, upsert, update or replace; *key* the field that records are found by."""

    operation: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Misfit:
    """One reason why rows will not arrive. *about*: ``column``, ``columns``, ``key`` or ``object``.

    is_certain: no row ever arrives; otherwise some may. is_measured: some rows certainly do not.
    """

    about: str
    message: str
    hint: str
    is_certain: bool = True
    is_measured: bool = False
