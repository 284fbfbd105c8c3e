"""A saved plan is held against what it touches, runs once, and gives way to an equal one only when asked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stage import Stage

from reconciler.model.json import digest

MANIFEST = "manifests/shop.yaml"
CRON, LATER = "0 3 * * *", "0 4 * * *"
OTHER = (
    "---\napiVersion: tdr/v1\nkind: Query\nmetadata: {name: other}\n"
    'spec: {database: shop, sql: "SELECT 1 AS one", schedule: {cron: "0 1 * * *"}}\n'
)


@pytest.fixture
def two(project: Stage) -> Stage:
    """Two queries, applied."""
    project.write("manifests/other.yaml", OTHER.removeprefix("---\n"))
    project.tdr("apply", "--yes")
    return project


def planned(stage: Stage, name: str = "plan.json", *arguments: str) -> dict[str, Any]:
    stage.tdr("plan", "--out", name, *arguments)
    document: dict[str, Any] = json.loads((stage.folder / name).read_text())
    return document


def cron(stage: Stage, name: str) -> str:
    with stage.somebody() as client:
        return str(next(one for one in client.saved_queries() if one["name"] == name)["cron"])


def test_what_moved_elsewhere_does_not_matter_and_stays_as_it_is(two: Stage) -> None:
    two.edit(MANIFEST, CRON, LATER)
    planned(two)
    with two.somebody() as client:
        client.update_saved_query("other", {"cron": "0 2 * * *"})

    two.tdr("apply", "plan.json", "--no-settle")

    assert cron(two, "buyers-per-month") == LATER
    assert cron(two, "other") == "0 2 * * *", "nothing that was not reviewed is written"
    assert [change["address"] for change in changes(two)] == ["query/other"]


def changes(stage: Stage) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = stage.tdr("plan", "--format", "json").document["changes"]
    return [change for change in told if change["actions"] != ["noop"]]


def test_a_field_that_starts_from_elsewhere_is_told_then_and_now(two: Stage) -> None:
    two.edit(MANIFEST, CRON, LATER)
    planned(two)
    with two.somebody() as client:
        client.update_saved_query("buyers-per-month", {"cron": "0 5 * * *"})

    said = two.tdr("apply", "plan.json", expect=4)

    assert said.err.splitlines()[0] == (
        'error: query/buyers-per-month: /cron was "0 3 * * *" → "0 4 * * *" when planned, and is "0 5 * * *" → "0 4 * * *" now'
    )
    assert "--replan-if-equal" in said.err
    two.tdr("apply", "plan.json", "--replan-if-equal")
    assert cron(two, "buyers-per-month") == LATER


def test_an_equal_new_plan_stands_in_for_one_whose_manifests_or_time_moved(two: Stage) -> None:
    two.edit(MANIFEST, CRON, LATER)
    planned(two, "plan.json", "--expires", "1h")
    two.write(
        "manifests/schedule.yaml", 'apiVersion: tdr/v1\nkind: Schedule\nmetadata: {name: s}\nspec: {cron: "@daily"}\n'
    )

    assert "the manifests are not those of the plan" in two.tdr("apply", "plan.json", expect=4).err
    late = {"TDR_NOW": "2099-01-01T00:00:00Z"}
    assert "the plan expired at" in two.tdr("apply", "plan.json", expect=4, **late).err
    two.tdr("apply", "plan.json", "--replan-if-equal", **late)

    assert cron(two, "buyers-per-month") == LATER
    assert "was applied already" in two.tdr("apply", "plan.json", "--replan-if-equal", expect=4).err


def test_a_new_plan_that_would_do_more_does_not_stand_in(two: Stage) -> None:
    two.edit(MANIFEST, CRON, LATER)
    planned(two)
    two.edit("manifests/other.yaml", "0 1 * * *", "0 2 * * *")

    said = two.tdr("apply", "plan.json", "--replan-if-equal", expect=4)

    assert said.err.splitlines()[0] == (
        "error: a new plan does not come to the same: query/other: planned was nothing, a new plan says update of /cron"
    )
    assert cron(two, "buyers-per-month") == CRON


def test_a_first_plan_runs_once_too(project: Stage) -> None:
    planned(project)
    lineage = planned(project)["base"]["lineage"]
    project.tdr("apply", "plan.json")

    assert "was applied already" in project.tdr("apply", "plan.json", expect=4).err
    assert planned(project, "next.json")["base"]["lineage"] == lineage


def test_another_policy_makes_a_plan_stale(two: Stage) -> None:
    two.edit(MANIFEST, CRON, LATER)
    planned(two)
    text = (two.folder / "tdr.yaml").read_text()
    two.write("tdr.yaml", text + "policy: {sets: [safety, naming]}\n")

    assert "the policy is not that of the plan" in two.tdr("apply", "plan.json", expect=4).err


@pytest.mark.parametrize("version", ["2.0", "0.9"])
def test_a_plan_of_another_format_is_not_guessed_at(project: Stage, version: str) -> None:
    from reconciler.model.json import digest  # noqa: PLC0415 - seals the plan as its writer would

    document = planned(project) | {"format_version": version}
    body = {key: value for key, value in document.items() if key != "plan_id"}
    project.write("plan.json", json.dumps(body | {"plan_id": digest(body)}))

    assert f"'plan.json' is of the format {version}" in project.tdr("apply", "plan.json", expect=4).err


# -- diff ---------------------------------------------------------------------------------------------------------------


def test_two_plans_of_the_same_do_not_differ(two: Stage) -> None:
    two.edit(MANIFEST, CRON, LATER)
    planned(two, "a.json")
    planned(two, "b.json", "--expires", "1h")

    assert two.tdr("diff", "a.json", "b.json").out.startswith("The plans do the same. sha256:")


def test_plans_are_compared_by_what_they_would_do(two: Stage) -> None:
    two.edit(MANIFEST, CRON, LATER)
    planned(two, "a.json")
    two.edit(MANIFEST, LATER, "0 6 * * *")
    two.edit("manifests/other.yaml", "0 1 * * *", "0 2 * * *")
    planned(two, "b.json")

    assert two.tdr("diff", "a.json", "b.json", expect=2).out == (
        "~ query/buyers-per-month cron\n"
        '    a: "0 3 * * *" → "0 4 * * *"\n'
        '    b: "0 3 * * *" → "0 6 * * *"\n'
        "~ query/other\n"
        "    a: nothing\n"
        "    b: update of /cron\n"
        "2 differences in what the plans would do.\n"
    )
    told = two.tdr("diff", "a.json", "b.json", "--format", "json", expect=2).document
    validate(told)
    assert not told["equal"]
    assert [entry["address"] for entry in told["operations"]] == ["query/buyers-per-month", "query/other"]


def validate(document: dict[str, Any]) -> None:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - for this alone

    name = str(document["format"]).removeprefix("tdr.")
    schema = Path(__file__).parents[2] / "reconciler" / "reports" / "schemas" / f"{name}.json"
    Draft202012Validator(json.loads(schema.read_text())).validate(document)


def test_only_plans_are_compared(two: Stage) -> None:
    planned(two, "a.json")
    two.write("b.json", '{"format": "tdr.run"}')

    assert "is no plan" in two.tdr("diff", "a.json", "b.json", expect=1).err
    two.write("b.json", '{"format": "tdr.plan"}')
    assert "no whole plan" in two.tdr("diff", "a.json", "b.json", expect=1).err


# -- approvals ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def guarded(two: Stage) -> Stage:
    """A query that is protected, and whose document is gone."""
    two.edit("manifests/other.yaml", "metadata:", "lifecycle: {protect: true}\nmetadata:")
    two.tdr("apply", "--yes")
    (two.folder / "manifests/other.yaml").unlink()
    return two


def test_a_gate_prints_the_flag_that_lifts_it_and_the_run_remembers_who_did(guarded: Stage) -> None:
    plan = guarded.tdr("plan", "--format", "json", expect=3).document
    validate(plan)
    (gate,) = plan["gates"]
    assert gate["approve"] == f"--approve protected={plan['plan_digest']}"
    assert f"or, if it is meant: {gate['approve']} --reason WHY" in guarded.tdr("plan", expect=3).out

    flags = gate["approve"].split()
    said = guarded.tdr("apply", "--yes", *flags, "--reason", "it was a test", "--format", "json").document

    validate(said)
    (given,) = said["approvals"]
    assert given | {"who": ""} == {
        "rule": "protected",
        "plan_digest": plan["plan_digest"],
        "reason": "it was a test",
        "who": "",
    }
    assert given["who"]
    kept = [json.loads(path.read_text()) for path in sorted((guarded.state / "runs").glob("*.json"))]
    assert kept[-1]["approvals"] == [given]
    assert "query/other" not in guarded.records()


def test_a_saved_plan_is_approved_where_it_is_applied(guarded: Stage) -> None:
    guarded.tdr("plan", "--out", "plan.json", expect=3)
    digest = json.loads((guarded.folder / "plan.json").read_text())["plan_digest"]

    guarded.tdr("apply", "plan.json", expect=3)
    said = guarded.tdr("apply", "plan.json", TDR_APPROVE=f"protected={digest}", TDR_REASON="reviewed")

    assert re.search(r"^approved: protected by \S.*: reviewed\nApply: 1 done\.$", said.out, re.MULTILINE)

    assert "query/other" not in guarded.records()


def limited(project: Stage, threshold: str) -> None:
    path = project.folder / "manifests/environments/local.yaml"
    path.write_text(f"{path.read_text()}\nthresholds: {{{threshold}}}\n")


def gone_while_protected(project: Stage) -> str:
    project.edit("manifests/other.yaml", "metadata:", "lifecycle: {protect: true}\nmetadata:")
    project.tdr("apply", "--yes")
    (project.folder / "manifests/other.yaml").unlink()
    return "protected"


def more_deletes_than_may_be(project: Stage) -> str:
    limited(project, "max_deletes: 0")
    (project.folder / "manifests/other.yaml").unlink()
    return "deletes"


def more_updates_than_may_be(project: Stage) -> str:
    limited(project, "max_updates: 0")
    project.edit("manifests/other.yaml", "0 1 * * *", "0 2 * * *")
    return "updates"


@pytest.mark.parametrize("held", [gone_while_protected, more_deletes_than_may_be, more_updates_than_may_be])
def test_a_gate_that_was_taken_out_of_the_file_holds_all_the_same(two: Stage, held: Callable[[Stage], str]) -> None:
    rule = held(two)
    two.tdr("plan", "--out", "plan.json", expect=3)
    path = two.folder / "plan.json"
    forged = json.loads(path.read_text()) | {"gates": []}
    del forged["plan_id"]
    path.write_text(json.dumps(forged | {"plan_id": digest(forged)}))

    said = two.tdr("apply", "plan.json", expect=3)

    assert f"! {rule}: " in said.out
    assert cron(two, "other") == "0 1 * * *"


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        (["--approve", "protected=DIGEST"], 64, "--approve needs a reason"),
        (["--approve", "protected", "--reason", "x"], 64, "is no approval"),
        (["--approve", "protect=DIGEST", "--reason", "x"], 64, "did you mean `protected`?"),
        (["--approve", "ambiguous_identity=DIGEST", "--reason", "x"], 64, "no approval lifts `ambiguous_identity`"),
        (["--approve", "deletes=DIGEST", "--reason", "x"], 64, "no gate `deletes` holds this plan"),
        (["--approve", f"protected=sha256:{'0' * 64}", "--reason", "x"], 4, "is for the plan sha256:0000"),
    ],
)
def test_a_wrong_approval_lifts_nothing_and_says_why(guarded: Stage, flags: list[str], code: int, words: str) -> None:
    digest = guarded.tdr("plan", "--format", "json", expect=3).document["plan_digest"]

    said = guarded.tdr("apply", "--yes", *(flag.replace("DIGEST", digest) for flag in flags), expect=code)

    assert words in said.err
    assert "query/other" in guarded.records()


# -- policy and lifecycle -----------------------------------------------------------------------------------------------

POLICY = """\
policy:
  rules:
    - id: crm-tests
      select: {kinds: [Query], names: ["other*"]}
      path: /spec/priority
      operator: exists
      message: needs a priority
      severity: SEVERITY
"""


@pytest.mark.parametrize(("severity", "validates", "plans"), [("error", 7, 7), ("gate", 0, 3), ("warn", 0, 0)])
def test_a_rule_of_the_project_is_an_error_a_gate_or_a_warning(
    project: Stage, severity: str, validates: int, plans: int
) -> None:
    project.write("manifests/other.yaml", OTHER.removeprefix("---\n"))
    project.write("tdr.yaml", (project.folder / "tdr.yaml").read_text() + POLICY.replace("SEVERITY", severity))

    checked = project.tdr("validate", expect=validates)
    plan = project.tdr("plan", expect=plans)

    assert "crm-tests" in checked.out + checked.err
    assert "query/other needs a priority" in checked.out + checked.err
    assert "query/other needs a priority" in plan.out + plan.err


def test_an_environment_says_what_becomes_of_a_kind(project: Stage) -> None:
    project.write("manifests/other.yaml", OTHER.removeprefix("---\n"))
    project.write(
        "manifests/environments/local.yaml", "lifecycle: {Query: {on_delete: forget}, database: {protect: true}}\n"
    )
    project.tdr("apply", "--yes")

    remembered = {address: record["lifecycle"] for address, record in project.records().items()}

    assert remembered["query/other"] == {"protect": False, "on_delete": "forget"}
    assert remembered["database/shop"] == {"protect": True, "on_delete": "delete"}
    (project.folder / "manifests/other.yaml").unlink()
    assert [change["actions"] for change in changes(project)] == [["forget"]]


def test_the_end_of_an_ignored_field_is_told_at_its_place(project: Stage) -> None:
    ignored = "lifecycle: {ignore: [/name, {path: /cron, reason: tuned, until: 2020-01-01}]}\nmetadata:"
    project.write("manifests/other.yaml", OTHER.removeprefix("---\n").replace("metadata:", ignored))

    said = project.tdr("validate")

    assert "warning[ignore-ends]: query/other: /cron is not ignored any more since 2020-01-01 (tuned)" in said.out
    assert "--> manifests/other.yaml:3:" in said.out


@pytest.mark.parametrize(
    ("made", "applied", "message"),
    [
        (
            "2026-03-01T12:00:00Z",
            "2026-02-28T12:00:00Z",
            "the plan was made at 2026-03-01T12:00:00Z, and here it is 2026-02",
        ),
        (
            "2026-03-01T12:00:00Z",
            "2026-03-01T11:54:00Z",
            "the plan was made at 2026-03-01T12:00:00Z, and here it is 2026-03",
        ),
        ("2026-03-01T12:00:00Z", "2026-03-02T12:00:00Z", "the plan expired at 2026-03-01T14:00:00Z"),
    ],
)
def test_a_clock_that_is_wrong_makes_no_plan_last_longer(two: Stage, made: str, applied: str, message: str) -> None:
    two.edit(MANIFEST, CRON, LATER)
    two.tdr("plan", "--out", "plan.json", "--expires", "2h", TDR_NOW=made)

    said = two.tdr("apply", "plan.json", expect=4, TDR_NOW=applied)

    assert said.err.startswith(f"error: {message}")
    assert cron(two, "buyers-per-month") == CRON
    two.tdr("apply", "plan.json", "--replan-if-equal", TDR_NOW=applied)
    assert cron(two, "buyers-per-month") == LATER


def test_clocks_may_differ_by_minutes(two: Stage) -> None:
    two.edit(MANIFEST, CRON, LATER)
    two.tdr("plan", "--out", "plan.json", TDR_NOW="2026-03-01T12:00:00Z")

    two.tdr("apply", "plan.json", TDR_NOW="2026-03-01T11:56:00Z")

    assert cron(two, "buyers-per-month") == LATER
