"""What the document of a plan tells of each change: where it is written, whose it is, and what it was checked out from."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from stage import Stage

from reconciler.model.json import digest

SCHEMA = json.loads((files("reconciler.reports") / "schemas" / "plan.json").read_text(encoding="utf-8"))
NEW = {"kinds", "accounts", "commit", "dirty"}
NEW_IN_CHANGES = {"order", "account", "origin", "identity", "gates", "irreversible"}


def planned(stage: Stage, **environ: str) -> dict[str, Any]:
    document = stage.tdr("plan", "--format", "json", expect=None, **environ).document
    Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(document)
    return document


def of(document: dict[str, Any], address: str) -> dict[str, Any]:
    return next(change for change in document["changes"] if change["address"] == address)


def test_every_change_tells_whose_it_is_and_where_each_field_is_written(project: Stage) -> None:
    document = planned(project)

    query = of(document, "query/buyers-per-month")
    assert query["account"] == "treasure_data:embedded/1"
    assert query["origin"] == "config"
    assert (query["gates"], query["risk"], query["irreversible"]) == ([], [], False)
    assert query["identity"] == {"id": None, "natural_key": "treasure_data:embedded/1/query/buyers-per-month"}
    written = {field["path"]: field["source"] for field in query["fields"]}
    lines = (project.folder / "manifests/shop.yaml").read_text().splitlines()
    row, column = map(int, written["/cron"].removeprefix("manifests/shop.yaml:").split(":"))
    assert lines[row - 1][column - 1 :].startswith('"0 3 * * *"')
    assert written["/sql"] == "manifests/sql/buyers_per_month.sql:1:1"
    assert document["kinds"] == {kind: {"create": 1} for kind in ("database", "import", "query", "table")}
    assert document["accounts"] == {"treasure_data:embedded/1": {"create": 4}}


def test_changes_are_sorted_by_address_and_numbered_in_the_order_of_execution(project: Stage) -> None:
    changes = planned(project)["changes"]

    assert [change["address"] for change in changes] == sorted(change["address"] for change in changes)
    place = {change["address"]: change["order"] for change in changes}
    assert sorted(place.values()) == [1, 2, 3, 4]
    for change in changes:
        assert all(place[need] < place[change["address"]] for need in change["depends_on"])


def test_what_goes_for_good_and_what_holds_it_stands_at_the_change(applied: Stage) -> None:
    text = (applied.folder / "manifests/shop.yaml").read_text()
    kept = [part for part in text.split("---\n") if "kind: Table" not in part and "kind: Import" not in part]
    applied.write("manifests/shop.yaml", "---\n".join(kept))
    applied.write("manifests/environments/local.yaml", "thresholds: {max_deletes: 1, minimum_resources: 1}\n")

    table = of(planned(applied), "table/customers")

    assert table["actions"] == ["delete"]
    assert (table["irreversible"], table["risk"]) == (True, ["irreversible"])
    assert "deletes" in table["gates"]
    assert table["identity"]["id"]


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_plan_tells_the_commit_and_whether_the_manifests_are_as_it_has_them(project: Stage) -> None:
    def git(*words: str) -> str:
        identity = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.com")
        command = ["git", *identity, *words]
        return subprocess.run(command, cwd=project.folder, check=True, capture_output=True, text=True).stdout.strip()

    assert "commit" not in planned(project), "no checkout"
    git("init", "--quiet")
    assert "commit" not in planned(project), "nothing is committed yet"
    git("add", ".")
    git("commit", "--quiet", "-m", "A shop")
    commit = git("rev-parse", "HEAD")

    document = planned(project)
    assert (document["commit"], document["dirty"]) == (commit, False)
    assert f"of the state, commit {commit[:12]}\n" in project.tdr("plan").out
    bare = planned(project, PATH="/nowhere")
    assert (bare["commit"], bare["dirty"]) == (commit, None), "read without git"
    git("pack-refs", "--all")
    assert planned(project, PATH="/nowhere")["commit"] == commit

    project.write("notes.txt", "no manifest")
    assert planned(project)["dirty"] is False
    project.write("manifests/more.yaml", "# nothing yet\n")
    assert planned(project)["dirty"] is True
    assert f"commit {commit[:12]} with changes that are not committed\n" in project.tdr("plan").out


def test_a_plan_saved_before_these_keys_is_shown_and_applied(project: Stage) -> None:
    shown = project.tdr("plan", "--out", "plan.json").out
    saved = json.loads((project.folder / "plan.json").read_text())
    old = {key: value for key, value in saved.items() if key not in NEW | {"plan_id"}}
    in_order = sorted(old["changes"], key=lambda change: int(change["order"]))
    old["changes"] = [{key: value for key, value in change.items() if key not in NEW_IN_CHANGES} for change in in_order]
    for change in old["changes"]:
        if not change["risk"]:
            del change["risk"]
        for field in change["fields"]:
            del field["source"]
    Draft202012Validator(SCHEMA).validate(old)
    project.write("old.json", json.dumps(old | {"plan_id": digest(old)}))

    assert project.tdr("show", "old.json").out.splitlines()[-1] == shown.splitlines()[-1]
    project.tdr("apply", "old.json")
    assert project.tdr("plan").out.endswith("No changes. 4 resources as declared.\n")
