"""The schemas of manifests: what they accept, and where they are written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from stage import Stage

from reconciler.model.kinds import KINDS

CHECKOUT = Path(__file__).resolve().parents[2]


def test_every_manifest_of_this_repository_fits_the_schemas(project: Stage) -> None:
    project.tdr("schema", "--all", "--out", "schemas")
    schemas = {
        path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (project.folder / "schemas").glob("*")
    }
    names = (*KINDS, "Transitions", "Project", "Environment")
    assert set(schemas) == {"manifest", *(kind.lower() for kind in names)}
    for name, schema in schemas.items():
        Draft202012Validator.check_schema(schema)
        kind = next((kind for kind in names if kind.lower() == name), None)
        assert schema == project.tdr("schema", *([kind] if kind else [])).document
    held = 0
    for root in (CHECKOUT, project.folder, *(CHECKOUT / "examples").iterdir()):
        for path in [one for one in (root / "manifests").rglob("*.yaml") if "environments" not in one.parts]:
            for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
                for name in ("manifest", document["kind"].lower()):
                    Draft202012Validator(schemas[name]).validate(document)
                    held += 1
        for settings in root.glob("tdr.yaml"):
            Draft202012Validator(schemas["project"]).validate(yaml.safe_load(settings.read_text(encoding="utf-8")))
        for file in root.glob("manifests/environments/*.yaml"):
            Draft202012Validator(schemas["environment"]).validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    assert held > 15


@pytest.mark.parametrize(
    ("arguments", "written"),
    [(["Audience", "--out", "one"], {"audience.json"}), (["Environment", "--out", "one"], {"environment.json"})],
)
def test_a_schema_of_one_kind_is_one_file(project: Stage, arguments: list[str], written: set[str]) -> None:
    project.tdr("schema", *arguments)
    assert {path.name for path in (project.folder / "one").iterdir()} == written


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--all"], "error: --all writes files and takes no KIND\nhint: tdr schema --all --out DIR\n"),
        (
            ["Audience", "--all", "--out", "x"],
            "error: --all writes files and takes no KIND\nhint: tdr schema --all --out DIR\n",
        ),
        (["Audiense"], "error: there is no schema of 'Audiense'\nhint: did you mean `Audience`?\n"),
        (["Audiense", "--out", "x"], "error: there is no schema of 'Audiense'\nhint: did you mean `Audience`?\n"),
    ],
)
def test_a_schema_that_there_is_not_is_a_wrong_command_line(project: Stage, arguments: list[str], message: str) -> None:
    assert project.tdr("schema", *arguments, expect=64).err == message
    assert not (project.folder / "x").exists()
