"""Objects and fields, as describe tells them. Sources: recorded describes of Account, Contact and Lead, shortened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.model.json import Json

TEXTS = frozenset(
    {"string", "email", "phone", "url", "textarea", "picklist", "multipicklist", "combobox", "encryptedstring"}
)
NUMBERS = frozenset({"double", "currency", "percent"})
_SOAP = {"boolean": "boolean", "int": "int", "date": "date", "datetime": "dateTime", "double": "double"}


@dataclass(frozen=True, slots=True)
class Column:
    """A field. *to* are the objects that it refers to; *cascade* and *restrict* say what a deleted parent does.

    compound: the field that it is a part of. values: those of a picklist; *retired* are no longer offered.
    """

    name: str
    type: str = "string"
    length: int = 0
    createable: bool = True
    updateable: bool = True
    nillable: bool = True
    defaulted: bool = False
    external_id: bool = False
    id_lookup: bool = False
    unique: bool = False
    case_sensitive: bool = False
    to: tuple[str, ...] = ()
    relationship: str | None = None
    values: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()
    restricted: bool = False
    calculated: bool = False
    auto_number: bool = False
    compound: str | None = None
    cascade: bool = False
    restrict: bool = False

    @property
    def is_key(self) -> bool:
        """Whether records may be found by it."""
        return self.external_id or self.id_lookup

    @property
    def is_required(self) -> bool:
        """Whether a new record needs it."""
        return self.createable and not self.nillable and not self.defaulted

    @property
    def label(self) -> str:
        """What people read."""
        return self.name.removesuffix("__c").replace("_", " ")

    def described(self) -> dict[str, Json]:
        """As describe lists it."""
        soap = {"id": "tns:ID", "reference": "tns:ID"}.get(self.type, f"xsd:{_SOAP.get(self.type, 'string')}")
        flags = ("aggregatable", "filterable", "groupable", "sortable")
        return {
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "soapType": soap,
            "length": self.length,
            "byteLength": self.length * 3,
            "precision": 18 if self.type in NUMBERS else 0,
            "scale": 2 if self.type in NUMBERS else 0,
            "digits": 8 if self.type == "int" else 0,
            "createable": self.createable,
            "updateable": self.updateable,
            "nillable": self.nillable,
            "defaultedOnCreate": self.defaulted,
            "externalId": self.external_id,
            "idLookup": self.is_key,
            "unique": self.unique,
            "caseSensitive": self.case_sensitive,
            "custom": self.name.endswith("__c"),
            "calculated": self.calculated,
            "autoNumber": self.auto_number,
            "nameField": self.name == "Name",
            "referenceTo": list(self.to),
            "relationshipName": self.relationship,
            "polymorphicForeignKey": len(self.to) > 1,
            "restrictedPicklist": self.restricted,
            "restrictedDelete": self.restrict,
            "cascadeDelete": self.cascade,
            "compoundFieldName": self.compound,
            "picklistValues": [
                {"active": one in self.values, "defaultValue": False, "label": one, "validFor": None, "value": one}
                for one in (*self.values, *self.retired)
            ],
            **dict.fromkeys(flags, True),
        }


@dataclass(frozen=True, slots=True)
class SObject:
    """An object and what the user may do to it."""

    name: str
    prefix: str
    columns: tuple[Column, ...]
    createable: bool = True
    updateable: bool = True
    deletable: bool = True
    queryable: bool = True
    _by_name: dict[str, Column] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._by_name.update({one.name.lower(): one for one in self.columns})

    def column(self, name: str) -> Column | None:
        """The field of that name in any case."""
        return self._by_name.get(name.lower())

    def by_relationship(self, name: str) -> Column | None:
        """The lookup whose relationship is called so, in any case."""
        wanted = name.lower()
        return next((one for one in self.columns if one.relationship and one.relationship.lower() == wanted), None)

    def listed(self, version: str) -> dict[str, Json]:
        """As the list of all objects has it."""
        base = f"/services/data/v{version}/sobjects/{self.name}"
        return {
            "name": self.name,
            "label": self.name.removesuffix("__c").replace("_", " "),
            "labelPlural": self.name.removesuffix("__c").replace("_", " ") + "s",
            "keyPrefix": self.prefix,
            "custom": self.name.endswith("__c"),
            "createable": self.createable,
            "updateable": self.updateable,
            "deletable": self.deletable,
            "undeletable": self.deletable,
            "queryable": self.queryable,
            "retrieveable": True,
            "searchable": True,
            "urls": {"sobject": base, "describe": f"{base}/describe", "rowTemplate": f"{base}/{{ID}}"},
        }

    def described(self, version: str) -> dict[str, Json]:
        """As describe tells it."""
        more: dict[str, Json] = {"fields": [one.described() for one in self.columns]}
        return {**self.listed(version), **more, "childRelationships": [], "recordTypeInfos": []}

    def altered(self, fields: Mapping[str, Mapping[str, Any] | None], rights: Mapping[str, Any]) -> SObject:
        """The object with other *rights* and some other *fields*: by name what changes of each, None for one that goes.

        Raises:
            TypeError: that is no right, or nothing that a field has.
        """
        columns = {one.name: one for one in self.columns}
        for told, changes in fields.items():
            known = self.column(told)
            name = known.name if known is not None else told
            if changes is None:
                columns.pop(name, None)
                continue
            values: dict[str, Any] = {key: tuple(one) if isinstance(one, list) else one for key, one in changes.items()}
            columns[name] = Column(name, **values) if known is None else replace(known, **values)
        return replace(self, columns=tuple(columns.values()), **rights)


def _text(name: str, length: int = 255, *, nillable: bool = True) -> Column:
    return Column(name, length=length, nillable=nillable)


def _external(name: str, *, unique: bool = True, case_sensitive: bool = False) -> Column:
    return Column(name, length=80, external_id=True, unique=unique, case_sensitive=case_sensitive)


def _made(name: str, kind: str) -> Column:
    """What Salesforce fills itself."""
    return Column(name, kind, createable=False, updateable=False, nillable=False, defaulted=True)


_ID = Column("Id", "id", 18, createable=False, updateable=False, nillable=False, defaulted=True, id_lookup=True)
_OWNER = Column("OwnerId", "reference", 18, nillable=False, defaulted=True, to=("User",), relationship="Owner")
_QUEUED = Column("OwnerId", "reference", 18, nillable=False, defaulted=True, to=("Group", "User"), relationship="Owner")
_NAME = _text("Name", nillable=False)
_MADE = (
    _made("IsDeleted", "boolean"),
    _made("CreatedDate", "datetime"),
    _made("SystemModstamp", "datetime"),
)

ACCOUNT = SObject(
    "Account",
    "001",
    (
        _ID,
        _NAME,
        _text("AccountNumber", 40),
        Column("NumberOfEmployees", "int"),
        Column("AnnualRevenue", "currency"),
        Column("Website", "url", 255),
        Column("ParentId", "reference", 18, to=("Account",), relationship="Parent"),
        _OWNER,
        _external("CRM_Id__c"),
        *_MADE,
    ),
)
CONTACT = SObject(
    "Contact",
    "003",
    (
        _ID,
        _text("FirstName", 40),
        _text("LastName", 80, nillable=False),
        Column("Email", "email", 80, id_lookup=True),
        Column("Phone", "phone", 40),
        Column("Birthdate", "date"),
        Column("DoNotCall", "boolean", nillable=False, defaulted=True),
        Column("MailingAddress", "address", createable=False, updateable=False),
        Column("MailingCity", length=40, compound="MailingAddress"),
        Column("AccountId", "reference", 18, to=("Account",), relationship="Account"),
        _OWNER,
        _external("Key__c"),
        _external("Email__c"),
        _external("Case_Key__c", case_sensitive=True),
        _external("Loose_Key__c", unique=False),
        Column("Score__c", "double"),
        Column("Visits__c", "int"),
        Column("Moment__c", "datetime"),
        Column("Tier__c", "picklist", 255, values=("gold", "silver"), restricted=True),
        Column("Likes__c", "multipicklist", 4099, values=("tea", "coffee")),
        *_MADE,
    ),
)
LEAD = SObject(
    "Lead",
    "00Q",
    (
        _ID,
        _text("FirstName", 40),
        _text("LastName", 80, nillable=False),
        _text("Company", nillable=False),
        Column("Email", "email", 80, id_lookup=True),
        Column("Status", "picklist", 255, nillable=False, defaulted=True, values=("Open", "Working", "Closed")),
        _QUEUED,
        _external("Key__c"),
        *_MADE,
    ),
)
ORDER_LINE = SObject(
    "Order_Line__c",
    "a00",
    (
        _ID,
        _text("Name", 80),
        _external("Line_Key__c"),
        Column("Amount__c", "currency"),
        Column("Buyer__c", "reference", 18, nillable=False, to=("Contact",), relationship="Buyer__r", cascade=True),
        Column("Payer__c", "reference", 18, to=("Account",), relationship="Payer__r", restrict=True),
        *_MADE,
    ),
)
USER = SObject(
    "User",
    "005",
    (
        _ID,
        _text("Name", 121),
        Column("Username", "string", 80, id_lookup=True, unique=True),
        _external("Ext__c"),
        *_MADE,
    ),
    deletable=False,
)
GROUP = SObject("Group", "00G", (_ID, _text("Name", 40), Column("Type", "string", 40), *_MADE))
OBJECTS = (ACCOUNT, CONTACT, LEAD, ORDER_LINE, USER, GROUP)
