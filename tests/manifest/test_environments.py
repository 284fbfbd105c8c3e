"""Projects and their environments."""

from __future__ import annotations

from pathlib import Path

import pytest
from manifest_texts import SETTINGS, Load, Refusals, brief, query, shown, write

from reconciler.errors import ManifestError, UsageError
from reconciler.manifest import find_project
from reconciler.model.address import Address
from reconciler.model.environment import EnvironmentSpec, Thresholds

QUERY = {"manifests/m.yaml": query("sql: select 1")}


def test_a_project_is_found_from_any_folder_in_it(root: Path) -> None:
    write(root, {"a/b/c.txt": ""})
    project = find_project(root / "a" / "b")
    assert (project.root, project.spec.project, project.environments) == (root.resolve(), "shop", ())
    assert project.manifests == root.resolve() / "manifests"


def test_outside_a_project_the_way_in_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no tdr\.yaml in .* or above it") as raised:
        find_project(tmp_path)
    assert raised.value.hint == "go to a project, or begin one with `tdr init`"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("", ["missing-key tdr.yaml:1:1 `project` is missing"]),
        (
            "project: Shop\nmanifest: x\n",
            [
                (
                    "invalid-value tdr.yaml:1:10 `project` must be lower-case letters, digits and `-`, "
                    "with a letter or digit first, 63 characters at most: 'Shop'"
                ),
                "unknown-key tdr.yaml:2:1 key `manifest` is not known here",
            ],
        ),
        (
            "project: shop\nmanifests: ../x\n",
            ["file-outside-project tdr.yaml:2:12 file '../x' lies outside the project"],
        ),
        (
            "project: @shop\n",
            ["needs-quotes tdr.yaml:1:10 the value of `project` must be quoted because it starts with `@`"],
        ),
        ("- x\n", ["wrong-type tdr.yaml:1:1 the document must be a mapping"]),
        ("project: shop\n---\nproject: shop\n", ["one-document tdr.yaml:3:1 `tdr.yaml` holds one document only"]),
        ("project: shop\nenvironments: [prod]\n", ["wrong-type tdr.yaml:2:15 `environments` must be a mapping"]),
    ],
)
def test_settings_that_cannot_be_read_say_where(settings: str, expected: list[str], root: Path) -> None:
    write(root, {"tdr.yaml": settings})
    with pytest.raises(ManifestError) as raised:
        find_project(root)
    assert brief(list(raised.value.diagnostics)) == expected


def test_without_environments_there_is_local(loaded: Load) -> None:
    found = loaded(QUERY)
    assert (found.environment_name, found.environment) == ("local", EnvironmentSpec())
    assert loaded(QUERY, environment="local").environment_name == "local"


def test_the_only_environment_needs_no_name(loaded: Load) -> None:
    found = loaded(
        {**QUERY, "manifests/environments/dev.yaml": "thresholds: {max_delete_ratio: 0.5}\njob_timeout: 5m\n"}
    )
    assert found.environment_name == "dev"
    assert found.environment == EnvironmentSpec(thresholds=Thresholds(max_delete_ratio=0.5), job_timeout=300)


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        (None, "several environments are declared: dev, prod", "choose one: --env dev"),
        ("prd", "no environment `prd` is declared", "did you mean `prod`?"),
        ("local", "no environment `local` is declared", "declared: dev, prod"),
    ],
)
def test_an_environment_is_never_guessed(name: str | None, message: str, hint: str, loaded: Load) -> None:
    files = {**QUERY, "tdr.yaml": SETTINGS + "environments: {dev: {}}\n", "manifests/environments/prod.yml": ""}
    with pytest.raises(UsageError) as raised:
        loaded(files, environment=name)
    assert (raised.value.message, raised.value.hint) == (message, hint)


def test_a_file_comes_before_the_settings(loaded: Load) -> None:
    files = {
        **QUERY,
        "tdr.yaml": SETTINGS + "environments:\n  dev: {variables: {x: settings}}\n  prod:\n",
        "manifests/environments/dev.yaml": "variables: {x: file}",
    }
    assert loaded(files, environment="dev").environment.variables == {"x": "file"}
    assert loaded(files, environment="prod").environment == EnvironmentSpec()


def test_an_environment_is_written_once_and_has_a_plain_name(root: Path) -> None:
    files = {
        "tdr.yaml": SETTINGS + "environments: {a/b: {}}\n",
        "manifests/environments/dev.yaml": "protect: true",
        "manifests/environments/dev.yml": "protect: false",
    }
    write(root, files)
    with pytest.raises(ManifestError) as raised:
        find_project(root)
    assert brief(list(raised.value.diagnostics)) == [
        (
            "duplicate-environment manifests/environments/dev.yml:1:1 "
            "environment `dev` is written in `manifests/environments/dev.yaml` too"
        ),
        "invalid-value tdr.yaml:3:16 'a/b' cannot be the name of an environment",
    ]


def test_the_root_of_a_project_may_be_its_manifests_folder(loaded: Load) -> None:
    files = {
        "tdr.yaml": SETTINGS + "manifests: .\n",
        "m.yaml": query("sql: select 1"),
        "environments/dev.yaml": "",
        "state/x.yaml": "@",
    }
    found = loaded(files)
    assert (found.environment_name, [str(address) for address in found.resources]) == ("dev", ["query/q"])


def test_variables_of_the_command_line_win_and_other_fields_may_use_them(loaded: Load) -> None:
    text = """\
variables: {region: us01, team: '${env:TEAM}'}
treasure_data: {endpoint: '${var:region}', api_key: '${secret:env:KEY}'}
accounts: {treasure_data: '${var:region}/${var:team}'}
"""
    files = {"manifests/m.yaml": query("sql: ${var:region} ${var:team}"), "manifests/environments/dev.yaml": text}
    found = loaded(files, variables={"region": "eu01"}, environ={"TEAM": "growth", "KEY": "FAKE"})
    assert found.environment.variables == {"region": "eu01", "team": "growth"}
    assert found.environment.treasure_data.endpoint == "eu01"
    assert found.environment.accounts == {"treasure_data": "eu01/growth"}
    assert found.environment.treasure_data.api_key is not None
    assert found.environment.treasure_data.api_key.reveal() == "FAKE"
    assert found.resources[Address("query", "q")].spec.model_dump()["sql"] == "eu01 growth"


def test_only_the_chosen_environment_needs_its_secrets(loaded: Load) -> None:
    settings = SETTINGS + "environments:\n  dev: {}\n  prod: {treasure_data: {api_key: '${secret:env:KEY}'}}\n"
    assert loaded({**QUERY, "tdr.yaml": settings}, environment="dev", environ={}).environment == EnvironmentSpec()


def test_mistakes_of_environment_and_documents_come_together(refused: Refusals) -> None:
    files = {
        "tdr.yaml": SETTINGS + "environments:\n  dev:\n    thresholds: {max_delete_ratio: many}\n    protct: true\n",
        "manifests/m.yaml": query("sql: ${var:unknown}\nnam: x"),
    }
    assert brief(refused(files)) == [
        "unknown-key manifests/m.yaml:7:3 key `nam` is not known here",
        "wrong-type tdr.yaml:5:36 `thresholds.max_delete_ratio` must be a number",
        "unknown-key tdr.yaml:6:5 key `protct` is not known here",
    ]


def test_a_literal_key_of_an_environment_is_refused_and_not_shown(refused: Refusals) -> None:
    text = "treasure_data:\n  api_key: FAKE\nvariables: {token: '${secret:env:A}', other: FAKE}\nxyz: FAKE\n"
    problems = refused({**QUERY, "manifests/environments/dev.yaml": text}, environ={"A": "FAKE"})
    assert [problem.rule for problem in problems] == ["literal-secret", "secret-in-plain-field", "unknown-key"]
    assert "FAKE" not in shown(problems)


@pytest.mark.parametrize(
    ("lifecycle", "is_protected"),
    [("", True), ("lifecycle: {adopt: always}\n", True), ("lifecycle: {protect: false}\n", False)],
)
def test_a_protecting_environment_protects_unless_a_document_says_otherwise(
    lifecycle: str,
    is_protected: bool,  # noqa: FBT001 - a table
    loaded: Load,
) -> None:
    files = {
        "manifests/m.yaml": query("sql: select 1") + lifecycle,
        "manifests/environments/prod.yaml": "protect: true",
    }
    assert loaded(files).resources[Address("query", "q")].lifecycle.protect is is_protected
