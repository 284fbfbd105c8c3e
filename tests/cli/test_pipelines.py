"""The pipelines that init writes. What their jobs do: tests/forges."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from stage import Stage

EXAMPLE = Path(__file__).parents[2] / "examples" / "08-gitops"
FILES = {"github": ".github/workflows/tdr.yml", "gitlab": ".gitlab-ci.yml"}


def pipeline(stage: Stage, forge: str) -> dict[str, Any]:
    """The pipeline of *stage*, which has been written by init."""
    stage.tdr("init", "--ci", forge, "--env", "local")
    parsed: dict[str, Any] = yaml.safe_load((stage.folder / FILES[forge]).read_text())
    return parsed


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
