"""What is supported is told as it is: `tdr kinds` against the providers themselves."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from stage import Stage, as_if_in, environment

from reconciler.errors import Permanent
from reconciler.model.address import Address
from reconciler.model.kinds import KINDS, DatabaseSpec
from reconciler.model.resource import Resource
from reconciler.wiring import open_runtime
from reconciler.wiring.supported import supported

SCHEMA = json.loads((files("reconciler.reports") / "schemas" / "kinds.json").read_text(encoding="utf-8"))


@pytest.fixture
def nowhere(tmp_path: Path) -> Stage:
    """A folder without a project."""
    (tmp_path / "empty").mkdir()
    return Stage(tmp_path / "empty", None, environment(tmp_path / "empty"))


def rows(stage: Stage, *arguments: str) -> list[dict[str, Any]]:
    document = stage.tdr("kinds", "--format", "json", *arguments).document
    Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(document)
    told: list[dict[str, Any]] = document["kinds"]
    return told


def test_every_kind_that_a_document_may_have_is_listed_in_their_order(nowhere: Stage) -> None:
    listed = [row["kind"] for row in rows(nowhere)]

    assert list(dict.fromkeys(listed)) == list(KINDS)
    assert [kind for kind in KINDS if listed.count(kind) > 1] == ["Connection"]


def test_what_is_listed_is_what_the_providers_of_a_project_know(project: Stage) -> None:
    listed = {
        (one.kind, one.provider): one.traits
        for one in supported()
        if one.services[0] in {"adobe", "embedded", "pinterest", "qlik"}
    }

    with (
        as_if_in(project.folder, project.environ),
        open_runtime(start=project.folder, environment=None, variables={}, resolve_secrets=False) as runtime,
    ):
        known = {(kind, one.name): one.kinds[kind] for kind, one in runtime.world.providers.items()}

    assert listed == known


def test_a_kind_reads_as_who_holds_it_and_what_can_be_done(nowhere: Stage) -> None:
    said = nowhere.tdr("kinds", "CONNECTION").out

    assert said.split("\n", 2)[2].rsplit("\n\n", 1)[0] == (
        "KIND        PROVIDER       SERVICE        VERBS\n"
        "Connection  treasure_data  embedded       create update replace delete adopt import\n"
        "    replaced when one of these changes: /type\n"
        "Connection  treasure_data  treasure_data  adopt\n"
        "    people make it at the vendor; it is looked up by its name and never written"
    )


def test_a_shared_timing_is_held_by_nobody(nowhere: Stage) -> None:
    (row,) = rows(nowhere, "Schedule")

    assert (row["provider"], row["services"], row["verbs"]) == (None, [], [])


def test_a_database_that_is_there_is_said_not_to_change_and_does_not(project: Stage) -> None:
    (row,) = rows(project, "Database")
    address = Address("database", "shop")

    assert "update" not in row["verbs"]
    with (
        as_if_in(project.folder, project.environ),
        open_runtime(start=project.folder, environment=None, variables={}, resolve_secrets=False) as runtime,
    ):
        provider, context = runtime.world.providers["database"], runtime.world.context({})
        resource = runtime.world.resources[address]
        assert isinstance(resource, Resource)
        assert isinstance(resource.spec, DatabaseSpec)
        with pytest.raises(Permanent, match="cannot be renamed"):
            provider.update(resource, "shop", provider.desired(resource, context), ["/name"])


def test_what_is_said_to_be_importable_is_taken_by_import_and_nothing_else_is(project: Stage) -> None:
    importable = {row["kind"] for row in rows(project) if "import" in row["verbs"]}

    for kind in KINDS:
        said = project.tdr("import", "--all", "--dry-run", "--kind", kind, expect=0 if kind in importable else 64)
        assert (f"{kind!r} is no kind that can be imported" in said.err) is (kind not in importable)


def test_a_kind_that_is_not_there_is_a_wrong_command_line_with_the_one_meant(nowhere: Stage) -> None:
    assert nowhere.tdr("kinds", "Audiense", expect=64).err == (
        "error: there is no kind 'Audiense'\nhint: did you mean `Audience`?\n"
    )
