"""A saved plan is refused once what it was made from is another: a secret, the object, the project."""

from __future__ import annotations

import pytest
from stage import Stage


def test_a_secret_that_was_rotated_after_the_plan_makes_it_stale(applied: Stage) -> None:
    applied.environ["PINTEREST_CLIENT_SECRET"] = "FAKE-first-rotation"
    applied.tdr("plan", "--out", "plan.json")
    applied.environ["PINTEREST_CLIENT_SECRET"] = "FAKE-second-rotation"

    said = applied.tdr("apply", "plan.json", expect=4)

    assert "FAKE" not in said.out + said.err
    assert "plan again" in said.err


def test_an_object_that_was_changed_after_the_plan_makes_it_stale_and_is_named(applied: Stage) -> None:
    applied.edit("manifests/pinterest.yaml", "0 3 * * *", "0 4 * * *")
    applied.tdr("plan", "--out", "plan.json")
    with applied.somebody() as client:
        client.update_saved_query("spring-buyers-daily", {"cron": "0 1 * * *"})

    said = applied.tdr("apply", "plan.json", expect=4)

    assert "activation/spring-buyers-daily" in said.err
    assert "0 1 * * *" in said.err


@pytest.mark.parametrize("what", ["environment", "project", "state"])
def test_a_plan_of_another_place_is_refused(applied: Stage, what: str) -> None:
    applied.edit("manifests/pinterest.yaml", "0 3 * * *", "0 4 * * *")
    applied.tdr("plan", "--out", "plan.json")
    options: list[str] = []
    match what:
        case "environment":
            local = (applied.folder / "manifests/environments/local.yaml").read_text(encoding="utf-8")
            applied.write("manifests/environments/other.yaml", local)
            options = ["--env", "other"]
        case "project":
            applied.edit("tdr.yaml", "project: shop", "project: shed")
        case _:
            for name in ("state.json", "journal.jsonl"):
                (applied.state / name).unlink(missing_ok=True)

    said = applied.tdr("apply", "plan.json", *options, expect=None)

    assert said.code in {1, 4}, said
    assert "error:" in said.err
    assert "another" in said.err or "lineage" in said.err or "other" in said.err, said.err
