"""What an org may tell of its objects, in the words of describe."""

from __future__ import annotations

from typing import Any

Described = dict[str, Any]


def text(name: str, length: int = 255, **more: Any) -> Described:
    return field(name, "string", length=length, **more)


def field(name: str, kind: str, **more: Any) -> Described:
    told = {"name": name, "type": kind, "createable": True, "updateable": True, "nillable": True, "length": 0}
    return told | {"defaultedOnCreate": False, "externalId": False, "idLookup": False, "calculated": False} | more


def unwritable(name: str, kind: str, **more: Any) -> Described:
    return field(name, kind, createable=False, updateable=False, **more)


def lookup(name: str, relationship: str, *references: str, **more: Any) -> Described:
    return field(name, "reference", length=18, relationshipName=relationship, referenceTo=list(references), **more)


def picklist(name: str, kind: str, *values: str) -> Described:
    """A restricted one, with a value that was offered once."""
    listed = [{"value": value, "label": value, "active": True} for value in values]
    old = {"value": "retired", "label": "retired", "active": False}
    return field(name, kind, length=255, restrictedPicklist=True, picklistValues=[*listed, old])


def sobject(name: str, *fields: Described, **more: Any) -> Described:
    rights = dict.fromkeys(("createable", "updateable", "deletable", "queryable"), True)
    identity = unwritable("Id", "id", length=18, nillable=False, idLookup=True)
    return {"name": name, **rights, "fields": [identity, *fields], **more}


CONTACT = sobject(
    "Contact",
    unwritable("Name", "string", length=121, nillable=False),
    text("FirstName", 40, compoundFieldName="Name"),
    text("LastName", 80, nillable=False, compoundFieldName="Name"),
    field("Email", "email", length=80, idLookup=True),
    field("Phone", "phone", length=40),
    field("Birthdate", "date"),
    field("DoNotCall", "boolean", nillable=False, defaultedOnCreate=True),
    lookup("OwnerId", "Owner", "User", nillable=False, defaultedOnCreate=True),
    lookup("AccountId", "Account", "Account"),
    unwritable("MailingAddress", "address"),
    text("MailingStreet", 255, compoundFieldName="MailingAddress"),
    text("MailingCity", 40, compoundFieldName="MailingAddress"),
    text("Key__c", 80, externalId=True, unique=True, idLookup=True),
    text("Email__c", 80, externalId=True, unique=True, idLookup=True),
    text("Empty__c"),
    text("LastOther"),
    text("Name__c", unique=True),
    field("Score__c", "double"),
    field("Visits__c", "int", digits=8),
    field("Flag__c", "boolean", nillable=False, defaultedOnCreate=True),
    field("Day__c", "date"),
    field("Moment__c", "datetime"),
    field("Many__c", "multipicklist", length=4099),
    picklist("Tier__c", "picklist", "Gold", "Silver"),
    picklist("Likes__c", "multipicklist", "tea", "coffee"),
    unwritable("Age__c", "double", calculated=True),
    unwritable("Number__c", "string", length=30, autoNumber=True),
    field("Joined__c", "date", updateable=False),
)
LEAD = sobject("Lead", lookup("OwnerId", "Owner", "Group", "User"), text("LastName", 80, nillable=False))
ACCOUNT = sobject("Account", text("Name", nillable=False), text("Code__c", 20, externalId=True, idLookup=True))
USER = sobject("User", text("Username", 80, idLookup=True), text("Title", 80))
GROUP = sobject("Group", text("DeveloperName", 80))
READ_ONLY = sobject("Invoice__c", text("Name"), createable=False, updateable=False, deletable=False)
OBJECTS = {one["name"]: one for one in (CONTACT, LEAD, ACCOUNT, USER, GROUP, READ_ONLY)}
