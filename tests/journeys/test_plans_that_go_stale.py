"""A saved plan is refused once what it was made from is another: a secret, the object, the project."""

from __future__ import annotations

from collections.abc import Callable

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


def other_environment(applied: Stage) -> list[str]:
    local = (applied.folder / "manifests/environments/local.yaml").read_text(encoding="utf-8")
    applied.write("manifests/environments/other.yaml", local)
    return ["--env", "other"]


def other_project(applied: Stage) -> list[str]:
    applied.edit("tdr.yaml", "project: shop", "project: shed")
    return []


def lost_state(applied: Stage) -> list[str]:
    for name in ("state.json", "journal.jsonl"):
        (applied.state / name).unlink(missing_ok=True)
    return []


def state_made_anew(applied: Stage) -> list[str]:
    """Another lineage of the same project: everything is applied again from nothing, while the service keeps its own."""
    (applied.folder / "before").mkdir()
    for path in applied.state.iterdir():
        if path.name not in {"service", "tokens"}:
            path.rename(applied.folder / "before" / path.name)
    applied.tdr("import", "--rebuild", "--yes")
    return []


@pytest.mark.parametrize(
    ("elsewhere", "code", "complaint"),
    [
        (other_environment, 4, "the plan is for the environment 'local', not 'other'"),
        (other_project, 1, "is the state of project 'shop', not of 'shed'"),
        (lost_state, 1, "state.json"),
        (state_made_anew, 4, "the plan was made with another state"),
    ],
)
def test_a_plan_of_another_place_is_refused(
    applied: Stage, elsewhere: Callable[[Stage], list[str]], code: int, complaint: str
) -> None:
    applied.edit("manifests/pinterest.yaml", "0 3 * * *", "0 4 * * *")
    applied.tdr("plan", "--out", "plan.json")
    options = elsewhere(applied)

    said = applied.tdr("apply", "plan.json", *options, expect=code)

    assert complaint in said.err
    assert "hint:" in said.err
