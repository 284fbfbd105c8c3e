"""The job nobody could do before: an export that creates its audience once and updates it ever after."""

from __future__ import annotations

import pytest
from stage import BUYERS, TITLE, Stage

ACTIVATION = "activation/spring-buyers-daily"


def test_the_first_apply_makes_the_audience_and_the_second_plan_is_empty(loaded: Stage) -> None:
    expected = loaded.shop_of(range(BUYERS))
    assert loaded.audiences() == []

    loaded.tdr("apply", "--yes")

    (audience,) = loaded.audiences()
    assert (audience["name"], audience["description"]) == (TITLE, "Bought in spring")
    assert loaded.members() == expected
    assert loaded.tdr("plan", "--detailed-exitcode").out == (
        "Environment local (pinterest 549755885175, treasure_data embedded/1)\n"
        "No changes. 6 resources as declared.\n"
        "  audience/spring-buyers: filling; Pinterest takes up to 48 hours\n"
    )


def test_the_second_and_the_third_run_succeed_where_create_failed(applied: Stage) -> None:
    before = applied.batches()

    for _ in range(2):
        members = applied.load(range(BUYERS))
        assert applied.tdr("run", ACTIVATION, "--format", "json").document["status"] == "success"
        assert applied.members() == members
    assert applied.batches() == before, "nothing to send for the same members"

    members = applied.load(range(10, BUYERS + 10))
    applied.tdr("run", ACTIVATION)

    assert applied.batches() > before
    assert applied.members() == members
    assert (len(applied.audiences()), len(applied.control.lists())) == (1, 1)


FIRST, SECOND = range(BUYERS), range(40, 170)


@pytest.mark.parametrize(
    ("membership", "result"),
    [
        ("replace", set(SECOND)),
        ("add", set(FIRST) | set(SECOND)),
        ("remove", set(FIRST) - set(SECOND)),
        ("clear", set()),
    ],
)
def test_a_run_does_to_the_members_what_the_manifest_says(applied: Stage, membership: str, result: set[int]) -> None:
    applied.edit("manifests/activation.yaml", "membership: replace", f"membership: {membership}")
    applied.tdr("apply", "--yes", *applied.approvals())
    applied.load(SECOND)

    applied.tdr("run", ACTIVATION)

    assert applied.members() == applied.shop_of(result)
    applied.tdr("plan", "--detailed-exitcode")


@pytest.mark.parametrize("membership", ["replace", "add"])
def test_repeated_runs_over_a_changing_query_follow_it_exactly(applied: Stage, membership: str) -> None:
    applied.edit("manifests/activation.yaml", "membership: replace", f"membership: {membership}")
    applied.tdr("apply", "--yes")
    ever: set[int] = set(FIRST)

    for buyers in (range(60, 200), range(3), range(100, 160)):
        applied.load(buyers)
        applied.tdr("run", ACTIVATION)
        ever |= set(buyers)
        assert applied.members() == applied.shop_of(buyers if membership == "replace" else ever)


def test_a_query_that_finds_nobody_empties_no_audience(applied: Stage) -> None:
    members = applied.members()
    applied.load([])

    said = applied.tdr("run", ACTIVATION, expect=1)

    assert applied.members() == members
    assert "no valid row" in said.err or "clear" in said.err


def test_rows_that_cannot_be_sent_are_skipped_or_stop_the_run(applied: Stage) -> None:
    expected = applied.shop_of(range(BUYERS))
    text = (applied.folder / "data/customers.csv").read_text(encoding="utf-8")
    applied.write("data/customers.csv", text + "not an address,yes\n,yes\n")
    applied.tdr("run", "import/customers")

    applied.tdr("run", ACTIVATION)
    assert applied.members() == expected

    applied.edit("manifests/activation.yaml", "membership: replace", "membership: replace\n  on_invalid: fail")
    applied.tdr("apply", "--yes")
    said = applied.tdr("run", ACTIVATION, expect=1)
    assert applied.members() == expected
    assert "not an address" not in said.out + said.err


def test_a_changed_title_is_an_update_of_the_same_audience(applied: Stage) -> None:
    (before,) = applied.audiences()
    applied.edit("manifests/pinterest.yaml", "title: Spring buyers", "title: Buyers of spring")

    applied.tdr("apply", "--yes")

    (after,) = applied.audiences()
    assert (after["id"], after["name"]) == (before["id"], "Buyers of spring")
    applied.tdr("plan", "--detailed-exitcode")
    applied.tdr("run", ACTIVATION)
    assert (len(applied.audiences()), len(applied.control.lists())) == (1, 1)


def test_an_audience_that_moves_to_another_ad_account_is_made_anew_by_the_run_that_fills_it(applied: Stage) -> None:
    (old,) = applied.audiences()
    applied.control.call("PUT", "/accounts/549700000003", {"name": "Third shop", "permissions": ["OWNER"]})
    applied.edit("manifests/pinterest.yaml", '"549700000001"', '"549700000003"')

    held = applied.tdr("plan", "--format", "json", expect=3).document
    applied.tdr("apply", "--yes", *applied.approvals())

    assert [gate["rule"] for gate in held["gates"]] == ["audience_replace"]
    (new,) = applied.audiences()
    assert (new["ad_account_id"], new["id"] != old["id"]) == ("549700000003", True)
    assert len(applied.members()) == BUYERS
    assert applied.records()["audience/spring-buyers"]["id"] == new["id"]
    assert applied.tdr("plan", "--detailed-exitcode").code == 0
