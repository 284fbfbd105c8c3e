"""The pipelines that init writes. What their jobs do: tests/forges."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from stage import Stage

EXAMPLE = Path(__file__).parents[2] / "examples" / "08-gitops"
FILES = {"github": ".github/workflows/tdr.yml", "gitlab": ".gitlab-ci.yml"}
PUBLISHED = {"github": "vendor.github-workflows", "gitlab": "vendor.gitlab-ci"}
"""Copies that check-jsonschema carries: of schemastore.org for GitHub, of gitlab.com for GitLab."""
MISTAKES = {
    "github": {
        "no such job": ("needs: check", "neds: check"),
        "no such permission": ("checks: write", "checks: wrte"),
        "no such event": ("types: [opened,", "typs: [opened,"),
        "a step that does nothing": ("- uses: actions/checkout@v4", "- name: nothing"),
    },
    "gitlab": {
        "no such report": ("reports: {junit:", "reports: {junt:"),
        "no such moment": ("when: always,", "when: allways,"),
        "no such default": ("interruptible: true", "interruptable: true"),
        "not how exit codes are told": ("exit_codes: [2]", "exit_codes: two"),
    },
}


def pipeline(stage: Stage, forge: str) -> dict[str, Any]:
    """The pipeline of *stage*, which has been written by init."""
    stage.tdr("init", "--ci", forge, "--env", "local")
    parsed: dict[str, Any] = yaml.safe_load((stage.folder / FILES[forge]).read_text())
    return parsed


def linted(forge: str, file: Path) -> subprocess.CompletedProcess[str]:
    """What the published schema of *forge* says to *file*. Nothing is downloaded."""
    return subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", PUBLISHED[forge]]
        + (["--data-transform", "gitlab-ci"] if forge == "gitlab" else [])
        + [str(file)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("forge", FILES)
def test_what_init_writes_is_what_the_forge_publishes_as_valid(project: Stage, forge: str) -> None:
    pipeline(project, forge)
    said = linted(forge, project.folder / FILES[forge])
    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.parametrize(
    ("forge", "right", "wrong"),
    [
        pytest.param(forge, *spoiled, id=f"{forge}: {name}")
        for forge, mistakes in MISTAKES.items()
        for name, spoiled in mistakes.items()
    ],
)
def test_the_published_schema_refuses_a_pipeline_with_a_mistake(
    project: Stage, forge: str, right: str, wrong: str
) -> None:
    pipeline(project, forge)
    file = project.folder / FILES[forge]
    text = file.read_text(encoding="utf-8")
    assert right in text
    file.write_text(text.replace(right, wrong), encoding="utf-8")
    assert linted(forge, file).returncode == 1


@pytest.mark.parametrize("forge", FILES)
def test_the_example_has_what_init_writes(forge: str, tmp_path: Path) -> None:
    stage = Stage(tmp_path, None, {"HOME": str(tmp_path)})
    (tmp_path / "tdr.yaml").write_text("apiVersion: tdr/v1\nproject: gitops\n")
    stage.tdr("init", "--ci", forge, "--env", "prod")

    assert (EXAMPLE / FILES[forge]).read_text() == (tmp_path / FILES[forge]).read_text()
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [
        name for name in ("tdr.yaml", ".gitlab-ci.yml") if forge == "gitlab" or name == "tdr.yaml"
    ]


def test_secrets_are_named_and_nothing_else_is_asked_of_the_host(project: Stage) -> None:
    text = (project.folder / ".gitlab-ci.yml").read_text() if pipeline(project, "gitlab") else ""
    jobs = pipeline(project, "github")["jobs"]

    for name in ("plan", "apply", "drift"):
        for variable, value in jobs[name]["env"].items():
            assert value == f"${{{{ secrets.{variable} }}}}"
            assert variable in text
    assert "env" not in jobs["check"], "a fork gets no secrets"


def test_init_overwrites_no_pipeline_and_refuses_what_makes_no_sense(project: Stage) -> None:
    project.tdr("init", "--ci", "github")
    assert "TDR_ENV: local" in (project.folder / FILES["github"]).read_text(), "the only one there is"
    path = project.write(FILES["github"], "name: mine\n")

    said = project.tdr("init", "--ci", "github", expect=64)
    assert f"{FILES['github']} exists already" in said.err
    assert path.read_text() == "name: mine\n"
    assert "is no name of an environment" in project.tdr("init", "--ci", "gitlab", "--env", "a b", expect=64).err
    assert "--env is the environment of a pipeline" in project.tdr("init", "x", "--env", "prod", expect=64).err
    assert "leave --name out" in project.tdr("init", "--ci", "gitlab", "--name", "other", expect=64).err
    assert not (project.folder / FILES["gitlab"]).exists()


def test_what_is_left_to_do_is_told(project: Stage) -> None:
    (project.folder.parent / ".git").mkdir()
    said = project.tdr("init", "--ci", "github", "--env", "prod")

    assert "manifests/environments/prod.yaml" in said.err
    assert f"move {FILES['github']} to {project.folder.parent}" in said.err
    assert shlex.quote(project.folder.name) in said.err
