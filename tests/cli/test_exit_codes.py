"""Each exit code, and what stands on stderr with it. 130 and 143 are in the journeys, where there is something to cut off."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from stage import Stage

from reconciler.stores.local import LocalStore

MANIFEST = "manifests/shop.yaml"


def query(name: str, *, sql: str = "SELECT 1 AS one", database: str = "shop", more: str = "") -> str:
    return (
        f"---\napiVersion: tdr/v1\nkind: Query\nmetadata: {{name: {name}}}\n"
        f'spec: {{database: {database}, sql: "{sql}"}}\n{more}'
    )


LOST = (
    "---\napiVersion: tdr/v1\nkind: Table\nmetadata: {name: lost}\n"
    "spec: {database: no_such_database, columns: [{name: one, type: long}]}\n"
)
"""A table that its vendor refuses."""


def test_a_plan_with_changes_is_0_and_2_when_asked(project: Stage) -> None:
    assert "4 to create" in project.tdr("plan", expect=0).out
    project.tdr("plan", "--detailed-exitcode", expect=2)


def test_a_plan_without_changes_is_0_even_when_asked(applied: Stage) -> None:
    applied.tdr("plan", "--detailed-exitcode", expect=0)


def test_drift_is_2_and_none_is_0(applied: Stage) -> None:
    applied.tdr("drift", expect=0)
    with applied.somebody() as client:
        client.update_saved_query("buyers-per-month", {"cron": "0 5 * * *"})

    said = applied.tdr("drift", expect=2)

    assert "0 5 * * *" in said.out


def test_plans_that_would_do_something_else_are_2_and_the_same_is_0(project: Stage) -> None:
    project.tdr("plan", "--out", "before.json")
    project.edit(MANIFEST, "0 3 * * *", "0 4 * * *")
    project.tdr("plan", "--out", "after.json")

    project.tdr("diff", "before.json", "before.json", expect=0)
    project.tdr("diff", "before.json", "after.json", expect=2)


# -- 1 ------------------------------------------------------------------------------------------------------------------


def test_a_vendor_that_does_not_answer_is_1(project: Stage) -> None:
    project.write(
        "manifests/environments/local.yaml",
        "treasure_data: {endpoint: 'http://127.0.0.1:9', api_key: '${secret:env:TD_API_KEY}'}\n",
    )

    said = project.tdr("plan", expect=1, TD_API_KEY="1/0123abcd")

    assert "nothing listens at 127.0.0.1:9 on this machine" in said.out
    assert "4 undecided" in said.out
    drifted = project.tdr("drift", expect=0, TD_API_KEY="1/0123abcd").out
    assert drifted.startswith("Environment local\nDrift: nothing is remembered yet. sha256:")


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ('treasure_data: {endpoint: us01, api_key: "${secret:env:NO_SUCH_KEY}"}', ":1:42"),
        (
            'state: {backend: http, address: "http://127.0.0.1:9/x", username: u, password: "${secret:env:NO_SUCH_KEY}"}',
            "",
        ),
    ],
    ids=["of a vendor", "of the state"],
)
def test_a_secret_that_is_not_set_is_1_with_its_place_and_validate_needs_none(
    project: Stage, environment: str, place: str
) -> None:
    project.write("manifests/environments/local.yaml", environment + "\n")

    said = project.tdr("plan", expect=1)

    assert "the environment variable `NO_SUCH_KEY` is not set" in said.err
    assert not place or f"manifests/environments/local.yaml{place}" in said.err
    assert "hint: set NO_SUCH_KEY before running tdr" in said.err
    project.tdr("validate")


def test_state_and_lock_need_no_secret_of_a_vendor(project: Stage) -> None:
    project.write(
        "manifests/environments/local.yaml",
        'treasure_data: {endpoint: us01, api_key: "${secret:env:NO_SUCH_KEY}"}\n',
    )

    project.tdr("state", "list", expect=0)
    project.tdr("lock", "status", expect=0)


def test_beside_a_mistake_a_secret_that_is_not_set_is_told_and_it_is_7(project: Stage) -> None:
    project.write(
        "manifests/environments/local.yaml",
        'treasure_data: {endpoint: us01, api_key: "${secret:env:NO_SUCH_KEY}", nonsense: 1}\n',
    )

    said = project.tdr("plan", expect=7)

    assert "the environment variable `NO_SUCH_KEY` is not set" in said.err
    assert said.err.endswith("error: 2 problems in the manifests\n")


def test_a_variable_that_is_not_set_is_7_for_plan_and_validate(project: Stage) -> None:
    project.write("manifests/environments/local.yaml", 'variables: {a: "${env:NO_SUCH_NAME}"}\n')

    for verb in ("plan", "validate"):
        assert "the environment variable `NO_SUCH_NAME` is not set" in project.tdr(verb, expect=7).err


def test_a_state_that_cannot_be_read_is_1_for_all_that_need_it(applied: Stage) -> None:
    (applied.state / "state.json").write_text("{", encoding="utf-8")

    for verb in (["plan"], ["apply", "--yes"], ["drift"], ["state", "list"], ["state", "verify"]):
        assert "Traceback" not in applied.tdr(*verb, expect=1).err


# -- 3 ------------------------------------------------------------------------------------------------------------------


def gates(project: Stage) -> list[str]:
    said = project.tdr("plan", "--format", "json", expect=3)
    serial = project.tdr("state", "list", "--format", "json").document["serial"]
    project.tdr("apply", "--yes", expect=3)
    assert project.tdr("state", "list", "--format", "json").document["serial"] == serial
    return [gate["rule"] for gate in said.document["gates"]]


def test_what_exists_and_is_not_ours_is_held(applied: Stage) -> None:
    applied.tdr("state", "rm", "query/buyers-per-month")

    assert gates(applied) == ["adoption_required"]


def test_what_is_protected_is_not_deleted(project: Stage) -> None:
    text = (project.folder / MANIFEST).read_text(encoding="utf-8")
    project.write(MANIFEST, text + query("kept", more="lifecycle: {protect: true}\n"))
    project.tdr("apply", "--yes")
    project.write(MANIFEST, text)

    assert gates(project) == ["protected"]


def test_many_deletions_at_once_are_held(project: Stage) -> None:
    text = (project.folder / MANIFEST).read_text(encoding="utf-8")
    project.write(MANIFEST, text + "".join(query(f"query-{number}") for number in range(8)))
    project.tdr("apply", "--yes")
    project.write(MANIFEST, text)

    assert gates(project) == ["deletes"]


@pytest.mark.parametrize(("level", "code"), [("gate", 3), ("error", 7), ("warn", 0), ("off", 0)])
def test_a_rule_of_ones_own_is_as_strict_as_it_says(project: Stage, level: str, code: int) -> None:
    rule = "{id: owned, select: {kinds: [Query]}, path: /metadata/labels/owner, operator: exists, message: names no owner, "
    project.write("tdr.yaml", f"apiVersion: tdr/v1\nproject: shop\npolicy: {{rules: [{rule}severity: {level}}}]}}\n")

    said = project.tdr("plan", expect=code)

    assert ("names no owner" in said.out + said.err) is (level != "off")
    project.tdr("apply", "--yes", expect=code)
    assert bool(project.records()) is (code == 0)


def test_another_account_than_the_environment_names_is_3(project: Stage) -> None:
    project.write("manifests/environments/local.yaml", "accounts: {treasure_data: us01/1234}\n")

    said = project.tdr("plan", expect=3)

    assert said.err == (
        "error: treasure_data: account 'embedded/1' answers, but the environment belongs to 'us01/1234'\n"
        "hint: check the credentials and the endpoint of the environment `local`\n"
    )


# -- 4 ------------------------------------------------------------------------------------------------------------------


def saved(project: Stage) -> Path:
    project.tdr("plan", "--out", "plan.json")
    return project.folder / "plan.json"


def test_a_saved_plan_runs_once(project: Stage) -> None:
    saved(project)
    project.tdr("apply", "plan.json")

    said = project.tdr("apply", "plan.json", expect=4)

    assert said.err == "error: the plan was applied already\nhint: plan again\n"


def test_a_saved_plan_that_was_edited_is_4(project: Stage) -> None:
    path = saved(project)
    document = json.loads(path.read_text())
    document["changes"] = document["changes"][:1]
    path.write_text(json.dumps(document))

    assert "was changed after it was saved" in project.tdr("apply", "plan.json", expect=4).err
    assert "was changed after it was saved" in project.tdr("show", "plan.json", expect=4).err


def test_a_saved_plan_is_good_for_three_days(project: Stage) -> None:
    saved(project)

    said = project.tdr("apply", "plan.json", expect=4, TDR_NOW="2099-01-01T00:00:00Z")

    assert said.err.startswith("error: the plan expired at ")


def test_a_saved_plan_is_of_the_manifests_it_was_made_from(project: Stage) -> None:
    saved(project)
    project.edit(MANIFEST, "0 3 * * *", "0 4 * * *")

    said = project.tdr("apply", "plan.json", expect=4)

    assert said.err.startswith("error: the manifests are not those of the plan: then sha256:")


def test_a_saved_plan_is_of_the_world_it_was_made_in(applied: Stage) -> None:
    applied.edit(MANIFEST, "0 3 * * *", "0 4 * * *")
    saved(applied)
    with applied.somebody() as client:
        client.update_saved_query("buyers-per-month", {"cron": "0 4 * * *"})

    said = applied.tdr("apply", "plan.json", expect=4)

    assert said.err == (
        "error: query/buyers-per-month: planned was update of /cron, now it would be nothing\n"
        "hint: plan again and review it; with --replan-if-equal it goes on if a new plan comes to the same operations\n"
    )


# -- 5, 6 ---------------------------------------------------------------------------------------------------------------


def test_while_somebody_writes_an_apply_is_5_and_a_plan_goes_on(applied: Stage) -> None:
    with LocalStore(applied.state, "local").lock("apply", "their-run", 0):
        said = applied.tdr("apply", "--yes", expect=5)
        applied.tdr("plan", expect=0)
        lock = applied.tdr("lock", "status", "--format", "json").document
        refused = applied.tdr("lock", "release", lock["lock_id"], expect=5)

    assert "`apply` by " in said.err
    assert "their-run" in said.err
    assert lock["locked"]
    assert lock["run"] == "their-run"
    assert "alive" in refused.err
    assert not applied.tdr("lock", "status", "--format", "json").document["locked"]
    assert applied.tdr("lock", "release", lock["lock_id"], expect=1).err == (
        f"error: there is no lock {lock['lock_id']!r}: nothing is locked\nhint: nothing has to be released\n"
    )


def test_when_one_of_several_changes_fails_it_is_6_and_the_others_are_remembered(project: Stage) -> None:
    text = (project.folder / MANIFEST).read_text(encoding="utf-8")
    project.write(MANIFEST, text + LOST)

    said = project.tdr("apply", "--yes", "--format", "json", expect=6)

    results = {result["address"]: result["status"] for result in said.document["results"]}
    assert results == {
        "database/shop": "done",
        "table/customers": "done",
        "import/customers": "done",
        "query/buyers-per-month": "done",
        "table/lost": "failed",
    }
    project.write(MANIFEST, text)
    project.tdr("plan", "--detailed-exitcode", expect=0)


def test_when_all_that_is_planned_fails_it_is_1(applied: Stage) -> None:
    text = (applied.folder / MANIFEST).read_text(encoding="utf-8")
    applied.write(MANIFEST, text + LOST)

    applied.tdr("apply", "--yes", expect=1)


def test_why_a_change_failed_is_told_once_and_names_its_address_once(applied: Stage) -> None:
    text = (applied.folder / MANIFEST).read_text(encoding="utf-8")
    applied.write(MANIFEST, text + LOST)

    said = applied.tdr("apply", "--yes", expect=1)

    assert said.err.splitlines() == ["table/lost: start create", "table/lost: failed"]
    (told,) = [line for line in said.out.splitlines() if "lost" in line and line.startswith("failed: ")]
    assert told.startswith("failed: table/lost (create): ")
    assert told.count("table/lost") == 1
    assert len(told) < 200


# -- 7 ------------------------------------------------------------------------------------------------------------------


def test_all_mistakes_of_all_files_are_told_at_once_with_their_places(project: Stage) -> None:
    project.edit(MANIFEST, "mode: replace_on_new_data", "mode: replaced")
    project.edit(MANIFEST, "kind: Database", "kind: Databse")
    project.write(
        "manifests/more.yaml",
        query("two").replace("sql:", "sqll:") + query("three").replace("spec: {", "spec: {x: 1, "),
    )

    said = project.tdr("plan", expect=7)
    document = project.tdr("validate", "--format", "json", expect=7).document

    assert said.out == ""
    places = [
        f"{one['file']}:{one['line']}:{one['column']}" for one in document["diagnostics"] if one["severity"] == "error"
    ]
    assert {place.split(":")[0] for place in places} == {"manifests/more.yaml", "manifests/shop.yaml"}
    assert len(places) >= 4
    for place in places:
        assert f" {place}\n" in said.err
    assert "did you mean `Database`?" in said.err
    assert not (project.folder / "state/local").exists()


# -- 64 -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["plan", "--no-such-option"], "--no-such-option"),
        (["no-such-verb"], "no-such-verb"),
        (["plan", "--format", "xml"], "xml"),
        (["apply"], "--yes"),
        (["apply", "--yes", "--lock-timeout", "soon"], "'soon'"),
        (["apply", "plan.json", "--target", "database/shop"], "--target"),
        (["apply", "--yes", "--parallelism", "0"], "--parallelism"),
        (["destroy"], "--yes"),
        (["destroy", "--yes"], "--env"),
        (["plan", "--target", "no-address"], "no-address"),
        (["plan", "--var", "novalue"], "novalue"),
        (["run", "no-address"], "no-address"),
        (["run"], "ADDRESS"),
        (["schema", "Audiense"], "Audience"),
        (["state", "restore", "first"], "SERIAL"),
        (["state"], "list"),
        (["plan", "--env", "production"], "production"),
        (["-C", "/", "plan"], "tdr init"),
        (["-C", "/no/such/folder", "plan"], "/no/such/folder"),
    ],
)
def test_a_wrong_command_line_is_64_says_why_and_never_2(project: Stage, arguments: list[str], words: str) -> None:
    said = project.tdr(*arguments, expect=64)

    assert words in said.err + said.out
    assert "Traceback" not in said.err


def test_a_saved_plan_of_a_part_does_that_part(project: Stage) -> None:
    project.tdr("plan", "--out", "plan.json", "--target", "table/customers")

    project.tdr("apply", "plan.json", expect=0)

    assert set(project.records()) == {"database/shop", "table/customers"}
    project.tdr("apply", "plan.json", expect=4)
