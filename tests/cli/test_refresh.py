"""`tdr refresh` takes what others changed into the state and into nothing else."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from stage import Said, Stage, as_if_in

from reconciler.commands.applying import Consent
from reconciler.commands.refreshing import refresh
from reconciler.errors import UsageError
from reconciler.stores.local import LocalStore
from reconciler.wiring import Runtime, open_runtime

QUERY = "query/buyers-per-month"
SCHEMA = json.loads((files("reconciler.reports") / "schemas/refresh.json").read_text(encoding="utf-8"))


def document(said: Said) -> dict[str, Any]:
    Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(said.document)
    return said.document


def files_of(project: Stage) -> dict[str, bytes]:
    folder = project.folder / "manifests"
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def runtime_in(project: Stage) -> AbstractContextManager[Runtime]:
    return open_runtime(start=project.folder, environment=None, variables={}, resolve_secrets=True)


@pytest.fixture
def changed(applied: Stage) -> Stage:
    """Applied, and then somebody runs the query at another hour."""
    with applied.somebody() as client:
        client.update_saved_query("buyers-per-month", {"cron": "0 5 * * *"})
    return applied


def test_the_state_says_what_is_there_and_the_plan_what_the_manifests_say_otherwise(changed: Stage) -> None:
    manifests, before = files_of(changed), changed.records()

    said = changed.tdr("refresh", "--yes").out

    lines = said.splitlines()
    assert lines.pop(2).startswith("    manifests/shop.yaml:")
    assert lines == [
        "Environment local",
        f"~ {QUERY:<46} drifted",
        '  ~ cron                   "0 3 * * *" → "0 5 * * *"',
        "Refresh: 1 resource to remember as found.",
        "Refresh: 1 resource remembered as found; state 6.",
        "Manifests that say otherwise still do: see `tdr plan`.",
    ]
    assert files_of(changed) == manifests
    after = changed.records()
    assert {name: one for name, one in after.items() if name != QUERY} == {
        name: one for name, one in before.items() if name != QUERY
    }
    assert after[QUERY]["applied"] == before[QUERY]["applied"] | {"cron": "0 5 * * *"}
    changed.tdr("drift", expect=0)
    (change,) = [
        one for one in changed.tdr("plan", "--format", "json").document["changes"] if one["actions"] != ["noop"]
    ]
    assert (change["address"], change["actions"], change["reason"]) == (QUERY, ["update"], "config_changed")
    assert [(one["path"], one["before"], one["after"], one["origin"]) for one in change["fields"]] == [
        ("/cron", "0 5 * * *", "0 3 * * *", "config")
    ]
    with changed.somebody() as client:
        assert [one["cron"] for one in client.saved_queries()] == ["0 5 * * *"]

    assert changed.tdr("refresh", "--yes").out == "Environment local\nRefresh: 0 resources to remember as found.\n"

    changed.edit("manifests/shop.yaml", "0 3 * * *", "0 5 * * *")
    changed.tdr("plan", "--detailed-exitcode", expect=0)


def test_who_took_it_in_is_kept_and_is_nothing_to_roll_back(changed: Stage) -> None:
    told = document(changed.tdr("refresh", "--yes", "--format", "json"))

    assert (told["remembered"], told["complete"], told["summary"]) == (
        True,
        True,
        {"as_remembered": 3, "to_remember": 1},
    )
    (newest, *_) = changed.tdr("history", "--format", "json").document["runs"]
    assert (newest["run"], newest["operation"], newest["result"]) == (told["run"], "refresh", "done")
    assert '"0 3 * * *" → "0 5 * * *"' in changed.tdr("history", told["run"]).out
    refused = changed.tdr("rollback", told["run"], "--yes", expect=1).err
    assert "only took into the state what others had changed" in refused
    assert not changed.tdr("lock", "status", "--format", "json").document["locked"]


def test_nothing_is_remembered_that_nobody_agreed_to(changed: Stage) -> None:
    before, shown = changed.records(), list[Any]()
    with as_if_in(changed.folder, changed.environ), runtime_in(changed) as runtime:

        def no(_: object) -> bool:
            return False

        with pytest.raises(UsageError, match="nothing was remembered"):
            refresh(runtime, Consent(shown.append, no), 0)

    assert [one["resources"][2]["fields"] for one in shown] == [
        [{"path": "/cron", "applied": "0 3 * * *", "found": "0 5 * * *"}]
    ]
    assert changed.records() == before
    assert changed.tdr("refresh", expect=64).err.splitlines() == [
        "error: nobody is there to ask",
        "hint: pass --yes; `tdr drift` only looks",
    ]
    with LocalStore(changed.state, "local").lock("apply", "their-run", 0):
        assert "their-run" in changed.tdr("refresh", "--yes", expect=5).err
    changed.write("manifests/broken.yaml", "kind: [\n")
    changed.tdr("refresh", "--yes", expect=7)
    (changed.folder / "manifests/broken.yaml").unlink()
    assert changed.records() == before


def test_a_part_is_only_that_part(changed: Stage) -> None:
    before = changed.records()

    assert "matches nothing in the state" in changed.tdr("refresh", "--yes", "--target", "query/nope", expect=64).err
    aside = document(changed.tdr("refresh", "--yes", "--exclude", QUERY, "--format", "json"))
    assert (aside["complete"], aside["remembered"]) == (False, False)
    assert changed.records() == before
    assert "! partial refresh: only query/*" in changed.tdr("refresh", "--yes", "--target", "query/*").out
    assert changed.records()[QUERY]["applied"]["cron"] == "0 5 * * *"


def test_what_is_not_there_any_more_stays_remembered(applied: Stage) -> None:
    with applied.somebody() as client:
        client.delete_saved_query("buyers-per-month")
    before = applied.records()

    told = document(applied.tdr("refresh", "--yes", "--format", "json"))

    (gone,) = [one for one in told["resources"] if one["outcome"] == "left"]
    assert (gone["address"], gone["verdict"]) == (QUERY, "missing")
    assert "`tdr state rm query/buyers-per-month` forgets it" in gone["hint"]
    after = applied.records()
    assert after.pop(QUERY) | {"absent_since": ""} == before.pop(QUERY)
    assert after == before
    applied.tdr("drift", expect=2)
    assert "1 to create" in applied.tdr("plan").out


def test_of_many_that_are_gone_at_once_nothing_is_believed(project: Stage, tmp_path: Path) -> None:
    project.write(
        "manifests/more.yaml",
        "\n".join(
            f"---\napiVersion: tdr/v1\nkind: Query\nmetadata: {{name: many-{number}}}\n"
            "spec: {database: shop, sql: SELECT 1 AS one}"
            for number in range(8)
        ),
    )
    project.tdr("apply", "--yes")
    with project.somebody() as client:
        for number in range(7):
            client.delete_saved_query(f"many-{number}")
        client.update_saved_query("many-7", {"query": "SELECT 2 AS two"})
    before = project.records()

    told = document(project.tdr("refresh", "--yes", "--format", "json", expect=3))

    assert [gate["rule"] for gate in told["gates"]] == ["mass_absence"]
    assert "! mass_absence: " in project.tdr("refresh", "--yes", expect=3).out
    assert project.records() == before
