"""Columns judged against objects of Salesforce: each misfit is named with what to write instead, and what fits is let be."""

from __future__ import annotations

import pytest
from salesforce_described import OBJECTS

from reconciler.apis.salesforce_describe import shape_of
from reconciler.manifest.query_columns import columns_put_out
from reconciler.model.queries import Engine
from reconciler.model.salesforce_fit import misfits
from reconciler.model.salesforce_objects import Intent, Misfit, ObjectShape, OutColumn

SHAPES = {name: shape_of(name, told) for name, told in OBJECTS.items()}
TABLES = {"leads": {"email": "string", "name": "string", "visits": "long", "born": "string", "time": "long"}}


def parent(name: str) -> ObjectShape | None:
    return SHAPES.get(name)


def judged(select: str, operation: str, key: str = "", name: str = "Contact") -> list[Misfit]:
    columns = columns_put_out(f"SELECT {select} FROM leads", Engine.TRINO, TABLES)
    assert columns is not None
    return [*misfits(SHAPES[name], columns, Intent(operation, key), parent)]


FITS = [
    ("email AS Email__c, name AS LastName", "upsert", "Email__c"),
    ("email AS EMAIL__C, name AS lastname", "upsert", "Email__c"),
    ("name AS LastName, born AS Birthdate, CAST(visits AS double) AS Score__c, visits AS Visits__c", "insert", ""),
    ("name AS LastName, born = '' AS Flag__c, from_unixtime(time) AS Moment__c, current_date AS Day__c", "insert", ""),
    ("name AS LastName, array['a', 'b'] AS Many__c, visits AS Phone", "insert", ""),
    ('name AS LastName, email AS "Owner.Username", born AS "Account.Code__c"', "insert", ""),
    ("email AS Id, name AS FirstName", "update", "Id"),
    ("email AS Email, name AS FirstName", "update", "Email"),
    ("name AS LastName, born AS Joined__c", "insert", ""),
    ("name AS LastName", "replace", ""),
    ("name AS LastName, 'x' AS FirstName", "insert", ""),
]


@pytest.mark.parametrize(("select", "operation", "key"), FITS, ids=[f"{one[1]} {one[0]}" for one in FITS])
def test_what_fits_is_let_be(select: str, operation: str, key: str) -> None:
    assert judged(select, operation, key) == []


MISFITS = [
    (
        "name AS LastName, born AS FirstNam",
        "insert",
        "",
        "FirstNam is no field of Contact",
        "write `AS FirstName`",
    ),
    ("name AS LastName, visits AS Visits", "insert", "", "column Visits is no field", "write `AS Visits__c`"),
    (
        "name AS LastName, email AS Zzz",
        "insert",
        "",
        "column Zzz is no field",
        "fields that a user may not see are not told",
    ),
    ("name AS LastName, email AS Name", "insert", "", "is made of other fields", "FirstName, LastName"),
    ("name AS LastName, email AS MailingAddress", "insert", "", "is made of", "MailingStreet, MailingCity"),
    ("name AS LastName, visits AS Age__c", "insert", "", "is calculated by Salesforce", "leave the column out"),
    ("name AS LastName, visits AS Number__c", "insert", "", "is numbered by Salesforce", "leave the column out"),
    ("name AS LastName, email AS Id", "insert", "", "Contact.Id cannot be written", "`update: Id`"),
    (
        "email AS Id, born AS Joined__c",
        "update",
        "Id",
        "cannot be written when a record is changed",
        "leave the column out",
    ),
    (
        "email AS Id, time AS Birthdate",
        "update",
        "Id",
        "whole numbers (long), and the field is of type date",
        "from_unixtime",
    ),
    ("email AS Id, time AS Moment__c", "update", "Id", "is of type datetime", "from_unixtime(…) AS Moment__c"),
    ("email AS Id, true AS Score__c", "update", "Id", "truth values (BOOLEAN)", "CAST("),
    ("email AS Id, visits AS Email", "update", "Id", "is of type email", "CAST(… AS VARCHAR)"),
    ("email AS Id, map(array['a'], array[1]) AS Phone", "update", "Id", "which no field holds", "leave it out"),
    ("email AS Email, name AS LastName", "upsert", "Key__c", "no column Key__c, by which", "select it AS Key__c"),
    (
        "email AS Email, name AS LastName",
        "upsert",
        "Email",
        "is no external id",
        "those of Contact are: Key__c, Email__c",
    ),
    ("email AS Emial__c, name AS LastName", "upsert", "Emial__c", "no field Emial__c, by which", "`AS Email__c`"),
    ("email AS Email", "insert", "", "Contact needs LastName", "select … AS LastName"),
    ("name AS LastName, name AS lastname", "insert", "", "is there twice", "a field of its own"),
    ('name AS LastName, email AS "Owners.Username"', "insert", "", "no relationship Owners", 'AS "Owner.Username"'),
    ('name AS LastName, email AS "OwnerId.Username"', "insert", "", "no relationship OwnerId", 'AS "Owner.Username"'),
    (
        'name AS LastName, email AS "User:Owner.Username"',
        "insert",
        "",
        "takes no type before it",
        'AS "Owner.Username"',
    ),
    ('name AS LastName, email AS "Owner.Title"', "insert", "", "Title finds no records of User", "Id, Username"),
    ('name AS LastName, email AS "Account.Zip"', "insert", "", "Zip is no field of Account", "Id, Code__c"),
]


@pytest.mark.parametrize(
    ("select", "operation", "key", "message", "hint"), MISFITS, ids=[f"{one[1]} {one[0]}" for one in MISFITS]
)
def test_what_never_arrives_is_named_with_what_to_write_instead(
    select: str, operation: str, key: str, message: str, hint: str
) -> None:
    (found,) = judged(select, operation, key)

    assert message in found.message
    assert hint in found.hint
    assert found.is_certain


SOME = [
    ("name AS LastName, CAST(email AS varchar(300)) AS FirstName", "insert", "", "may have texts of 300 characters"),
    (
        f"name AS LastName, '{'x' * 41}' AS FirstName",
        "insert",
        "",
        "has texts of 41 characters, and the field holds 40",
    ),
    ("email AS Email__c", "upsert", "Email__c", "rows that would make a record are refused"),
    ("email AS Email__c, name AS LastName, born AS Joined__c", "upsert", "Email__c", "on new records only"),
    ("email AS Phone, name AS FirstName", "update", "Phone", "Contact.Phone is not unique"),
    ("email AS Id, CAST(visits AS double) AS Visits__c", "update", "Id", "has numbers (DOUBLE)"),
    ("email AS Id, visits AS Flag__c", "update", "Id", "is of type boolean"),
]


@pytest.mark.parametrize(("select", "operation", "key", "message"), SOME, ids=[f"{one[1]} {one[0]}" for one in SOME])
def test_what_some_rows_are_refused_for_is_told_and_stops_nothing(
    select: str, operation: str, key: str, message: str
) -> None:
    (found,) = judged(select, operation, key)

    assert message in found.message
    assert not found.is_certain


@pytest.mark.parametrize(
    ("header", "message", "hint"),
    [
        ("Owner.Username", "Owner may be one of Group, User", '"User:Owner.Username"'),
        ("Usr:Owner.Username", "Owner is no Usr, but one of Group, User", '"User:Owner.Username"'),
        ("Group:Owner.Username", "Username is no field of Group", "Id"),
    ],
)
def test_a_parent_of_several_kinds_needs_its_kind(header: str, message: str, hint: str) -> None:
    (found,) = judged(f'name AS LastName, email AS "{header}"', "insert", name="Lead")
    assert message in found.message
    assert hint in found.hint
    assert judged('name AS LastName, email AS "User:Owner.Username"', "insert", name="Lead") == []


@pytest.mark.parametrize(
    ("operation", "lacks"),
    [("insert", "make"), ("upsert", "make or change"), ("update", "change"), ("replace", "make or delete")],
)
def test_what_the_user_may_not_do_to_an_object_is_said(operation: str, lacks: str) -> None:
    found = misfits(SHAPES["Invoice__c"], None, Intent(operation), parent)

    assert [one.message for one in found] == [
        f"the user may not {lacks} records of Invoice__c, which `{operation}` needs"
    ]


def test_texts_that_were_measured_are_told_as_measured() -> None:
    columns = [OutColumn("LastName", "VARCHAR", 81)]

    (found,) = misfits(SHAPES["Contact"], columns, Intent("insert"), parent)

    assert found.is_measured
    assert found.hint == "write `substr(…, 1, 80) AS LastName`"


@pytest.mark.parametrize("sql", ["SELECT * FROM leads", "SELECT leads.* FROM leads", "SELEC"])
def test_columns_that_the_text_does_not_name_are_not_guessed(sql: str) -> None:
    assert columns_put_out(sql, Engine.TRINO, TABLES) is None


@pytest.mark.parametrize(
    ("sql", "types"),
    [
        ("SELECT l.email, o.email FROM leads l JOIN other o ON l.email = o.email", ["string", ""]),
        ("SELECT email FROM leads JOIN other ON true", [""]),
        ("WITH leads AS (SELECT 1 AS email) SELECT email FROM leads", [""]),
        ("SELECT email FROM shop.leads", ["long"]),
        ("SELECT 1 AS a UNION ALL SELECT 'x'", [""]),
        ("SELECT count(*), visits FROM leads GROUP BY visits", ["BIGINT", "long"]),
    ],
)
def test_types_are_told_only_where_one_source_can_be_meant(sql: str, types: list[str]) -> None:
    found = columns_put_out(sql, Engine.TRINO, {**TABLES, "shop.leads": {"email": "long"}})
    assert found is not None
    assert [one.sql_type for one in found] == types
