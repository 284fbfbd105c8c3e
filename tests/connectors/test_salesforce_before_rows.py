"""A run looks at its object before a row leaves, by the rows as they are, and touches nothing where none could arrive."""

from __future__ import annotations

import pytest
from salesforce_world import UPSERT, World

from reconciler.errors import Permanent
from reconciler.model.json import Json

LONG = "SELECT 'k' || i AS Key__c, repeat('x', 78 + i::INTEGER) AS LastName FROM range(5) t(i)"


def test_texts_that_are_too_long_are_measured_and_told(world: World) -> None:
    report = world.run(LONG, UPSERT)

    assert (report.sent, dict(report.rejected)) == (3, {"STRING_TOO_LONG": 2})

    assert [one for one in world.said if "82 characters, and the field holds 80" in one]


def test_with_none_left_out_they_keep_every_row_here(world: World) -> None:
    with pytest.raises(Permanent, match="nothing was sent: column LastName has texts of 82 characters") as caught:
        world.run(LONG, {**UPSERT, "ignore_invalid_records": False})

    assert "substr(…, 1, 80) AS LastName" in caught.value.hint
    assert (world.jobs, world.contacts()) == ([], {})
    assert world.left_over() == []


PICKLISTS = {
    "Tier__c": {"values": ["Gold", "Silver"], "retired": ["retired"]},
    "Likes__c": {"restricted": True},
}
PICKED = """SELECT 'k' || i AS Key__c, 'Doe' AS LastName, tier AS Tier__c, likes AS Likes__c FROM (VALUES
    (1, 'Gold', 'tea;coffee'), (2, 'gold', NULL), (3, NULL, 'tea'), (4, 'wood', 'tea'),
    (5, 'retired', 'tea;wine')) t(i, tier, likes)"""


def test_values_that_a_restricted_picklist_does_not_offer_are_told_by_row_and_never_by_value(world: World) -> None:
    world.org.alter("Contact", PICKLISTS)
    told = "column Tier__c has values that Tier__c does not offer, in 2 rows (row 4, 5)"
    likes = "column Likes__c has values that Likes__c does not offer, in 1 row (row 5)"
    report = world.run(PICKED, UPSERT)
    # The emulated org minds the case of row 2, which nobody writes down.
    assert (report.sent, dict(report.rejected)) == (2, {"INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": 3})
    assert [one for one in world.said if "does not offer" in one] == [f"notice: {told}", f"notice: {likes}"]


def test_with_none_left_out_they_keep_every_row_here_too(world: World) -> None:
    world.org.alter("Contact", PICKLISTS)
    with pytest.raises(Permanent, match="nothing was sent: column Tier__c has values") as caught:
        world.run(PICKED, {**UPSERT, "ignore_invalid_records": False})

    assert not [value for value in ("wood", "wine", "retired") if value in f"{caught.value}{caught.value.hint}"]
    assert (world.jobs, world.contacts()) == ([], {})


REFUSED: list[tuple[str, dict[str, Json], str]] = [
    ("SELECT 'a' AS LastNam", {"mode": "append"}, "column LastNam is no field of Contact; Contact needs LastName"),
    ("SELECT 'a' AS LastName", {"mode": "append", "object": "Contct"}, "the org has no object Contct"),
    ("SELECT 'a' AS FirstName", {"mode": "truncate"}, "Contact needs LastName"),
    ("SELECT 'a' AS LastName", {"mode": "truncate", "hard_delete": True}, "may not delete records for good"),
    (
        "SELECT 'a' AS Name",
        {"mode": "truncate", "object": "Account"},
        "may not make or delete records of Account",
    ),
    ("SELECT 'a' AS LastName, 1 AS Birthdate", {"mode": "append"}, "the field is of type date"),
]


@pytest.mark.parametrize(("sql", "settings", "told"), REFUSED, ids=[told for _, _, told in REFUSED])
def test_nothing_is_touched_where_no_row_could_arrive(
    world: World, sql: str, settings: dict[str, Json], told: str
) -> None:
    world.put({"LastName": "There before"})
    world.org.control.knobs(hard_delete=False)
    world.org.alter("Account", createable=False, updateable=False, deletable=False)

    with pytest.raises(Permanent, match=told):
        world.run(sql, settings)

    assert (world.jobs, world.binned()) == ([], [])
    assert [one["LastName"] for one in world.contacts().values()] == ["There before"]
