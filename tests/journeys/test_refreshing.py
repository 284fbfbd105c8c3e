"""A refresh beside a vendor that does not tell everything: what could not be read stays remembered as it was."""

from __future__ import annotations

from stage import Stage


def test_what_cannot_be_read_stays_as_it_was_and_the_rest_is_taken_in(applied: Stage) -> None:
    with applied.somebody() as client:
        client.update_saved_query("spring-buyers-daily", {"cron": "0 5 * * *"})
    before = applied.records()
    applied.control.fault("error", status=403, method="GET", path="/ad_accounts/**", count=None)

    told = applied.tdr("refresh", "--yes", "--format", "json", expect=1).document

    assert (told["remembered"], told["complete"]) == (True, False)
    left = {one["address"]: one["verdict"] for one in told["resources"] if one["outcome"] == "left"}
    assert left == {"audience/spring-buyers": "unknown"}
    after = applied.records()
    activation = "activation/spring-buyers-daily"
    assert after.pop(activation)["applied"] == before.pop(activation)["applied"] | {"cron": "0 5 * * *"}
    assert after == before
    applied.control.clear_faults()
    applied.tdr("drift")
    applied.tdr("apply", "--yes")
    with applied.somebody() as client:
        assert [one["cron"] for one in client.saved_queries()] == ["0 3 * * *"]
