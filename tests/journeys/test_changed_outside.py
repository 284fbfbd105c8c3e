"""What others change is seen, explained and repaired; what cannot be read is never taken for gone."""

from __future__ import annotations

import pytest
from stage import BUYERS, TITLE, Stage

AUDIENCES = "/ad_accounts/*/audiences"
WRITING = {"POST", "PATCH", "PUT", "DELETE"}


def writes(stage: Stage) -> list[str]:
    return [
        f"{one['method']} {one['path']}"
        for one in stage.control.traffic()
        if one["method"] in WRITING and "oauth" not in one["path"]
    ]


def test_a_changed_cron_and_a_deleted_audience_are_drift_and_are_repaired(applied: Stage) -> None:
    with applied.somebody() as client:
        client.update_saved_query("spring-buyers-daily", {"cron": "0 5 * * *"})
    (audience,) = applied.audiences()
    applied.control.call("DELETE", f"/audiences/{audience['id']}")

    drift = applied.tdr("drift", "--format", "json", expect=2).document
    plan = applied.tdr("plan", "--format", "json", "--detailed-exitcode", expect=2).document

    verdicts = {one["address"]: one["verdict"] for one in drift["resources"] if one["verdict"] != "in_sync"}
    assert verdicts == {"activation/spring-buyers-daily": "drifted", "audience/spring-buyers": "missing"}
    changes = {one["address"]: one for one in plan["changes"] if one["actions"] != ["noop"]}
    assert {address: (one["actions"], one["reason"]) for address, one in changes.items()} == {
        "activation/spring-buyers-daily": (["update"], "config_and_drift"),
        "audience/spring-buyers": (["create"], "missing_remotely"),
    }
    cron = next(one for one in changes["activation/spring-buyers-daily"]["fields"] if one["path"] == "/cron")
    assert (cron["before"], cron["after"], cron["origin"]) == ("0 5 * * *", "0 3 * * *", "drift")

    applied.tdr("apply", "--yes")

    (again,) = applied.audiences()
    assert again["name"] == TITLE
    assert again["id"] != audience["id"]
    assert applied.members() == applied.shop_of(range(BUYERS))
    assert applied.tdr("drift").code == 0
    with applied.somebody() as client:
        (query,) = [one for one in client.saved_queries() if one["name"] == "spring-buyers-daily"]
        assert query["cron"] == "0 3 * * *"


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "error", "status": 403},
        pytest.param({"kind": "error", "status": 500}, marks=pytest.mark.slow),
        pytest.param({"kind": "truncated"}, marks=pytest.mark.slow),
    ],
)
def test_audiences_that_cannot_be_read_are_not_made_again(applied: Stage, fault: dict[str, object]) -> None:
    before, records = writes(applied), applied.records()
    applied.control.fault(**({"method": "GET", "path": "/ad_accounts/**", "count": None} | fault))

    plan = applied.tdr("plan", "--format", "json", expect=1).document
    drift = applied.tdr("drift", "--format", "json", expect=1).document
    applied.tdr("apply", "--yes", expect=1)

    assert plan["summary"].get("undecided", 0) >= 1
    assert not drift["complete"]
    assert writes(applied) == before
    assert applied.records() == records
    applied.control.clear_faults()
    applied.tdr("plan", "--detailed-exitcode")


def test_nothing_is_made_when_it_cannot_be_seen_whether_it_exists(loaded: Stage) -> None:
    loaded.control.fault("error", status=403, method="GET", path=AUDIENCES, count=None)

    loaded.tdr("apply", "--yes", expect=None)

    assert writes(loaded) == []
    assert loaded.control.lists() == []


def test_two_audiences_of_one_title_stop_the_run_until_one_is_named(loaded: Stage) -> None:
    for _ in range(2):
        list_id = loaded.control.call("POST", "/lists", {"ad_account_id": "549700000001", "name": TITLE})["id"]
        made = loaded.control.call(
            "POST", "/audiences", {"ad_account_id": "549700000001", "name": TITLE, "customer_list_id": list_id}
        )

    plan = loaded.tdr("plan", "--format", "json", expect=3).document
    assert "ambiguous_identity" in {gate["rule"] for gate in plan["gates"]}
    loaded.tdr("apply", "--yes", expect=3)

    loaded.edit("manifests/pinterest.yaml", "  title:", f'  audience_id: "{made["id"]}"\n  title:')
    loaded.tdr("apply", "--yes")
    loaded.tdr("run", "activation/spring-buyers-daily")
    assert loaded.control.members(list_id) == sorted(loaded.shop_of(range(BUYERS)))
    assert len(loaded.audiences()) == 2


def test_an_audience_of_somebody_else_is_not_taken_without_a_word(loaded: Stage) -> None:
    list_id = loaded.control.call("POST", "/lists", {"ad_account_id": "549700000001", "name": TITLE})["id"]
    loaded.control.call(
        "POST", "/audiences", {"ad_account_id": "549700000001", "name": TITLE, "customer_list_id": list_id}
    )

    loaded.tdr("apply", "--yes", expect=3)
    assert loaded.control.members(list_id) == []
    loaded.edit(
        "manifests/pinterest.yaml",
        "metadata: {name: spring-buyers}",
        "metadata: {name: spring-buyers}\nlifecycle: {adopt: always}",
    )
    loaded.tdr("apply", "--yes")
    loaded.tdr("run", "activation/spring-buyers-daily")

    assert len(loaded.audiences()) == 1
    assert loaded.members() == loaded.shop_of(range(BUYERS))
    loaded.tdr("plan", "--detailed-exitcode")


@pytest.mark.slow
def test_a_vendor_that_is_gone_is_1_and_not_absence(applied: Stage) -> None:
    nowhere = "http://127.0.0.1:9/v5"

    said = applied.tdr("plan", expect=1, TDR_VAR_pinterest=nowhere)

    assert "got no answer" in said.out + said.err


def test_removing_the_documents_removes_what_they_made_in_order(applied: Stage) -> None:
    applied.write("manifests/activation.yaml", "")
    text = (applied.folder / "manifests/pinterest.yaml").read_text(encoding="utf-8")
    applied.write("manifests/pinterest.yaml", text[: text.index("---\n")])

    applied.tdr("apply", "--yes")

    assert applied.audiences() == []
    assert set(applied.records()) == {
        "connection/pinterest-main",
        "database/shop",
        "import/customers",
        "table/customers",
    }
    applied.tdr("plan", "--detailed-exitcode")
