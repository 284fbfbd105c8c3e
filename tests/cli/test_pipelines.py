"""The pipelines that init writes: what their jobs run is run here, with nothing but the host's own tools replaced."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from stage import Said, Stage, ended

EXAMPLE = Path(__file__).parents[2] / "examples" / "08-gitops"
FILES = {"github": ".github/workflows/tdr.yml", "gitlab": ".gitlab-ci.yml"}
# Keeps one issue in $ISSUE, as `gh` would keep many, and notes what it is called with in $CALLS.
GH = """\
#!/usr/bin/env bash
set -eu
echo "$1 $2" >> "$CALLS"
case "$1 $2" in
  "issue list") if [ -e "$ISSUE" ]; then echo 7; fi ;;
  "label create") ;;
  "issue create" | "issue edit")
    while [ "$1" != --body-file ]; do shift; done
    cp "$2" "$ISSUE" ;;
  "issue close") rm "$ISSUE" ;;
  *) exit 9 ;;
esac
"""


@pytest.fixture
def tools(project: Stage, tmp_path: Path) -> Path:
    """Where the issue of the fake `gh` is kept, and its calls."""
    folder = tmp_path / "tools"
    folder.mkdir()
    (folder / "gh").write_text(GH)
    (folder / "gh").chmod(0o755)
    project.environ |= {
        "PATH": f"{folder}:{Path(sys.executable).parent}:{project.environ['PATH']}",
        "ISSUE": str(folder / "issue"),
        "CALLS": str(folder / "calls"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        "LABEL": "tdr-drift-local",
    }
    return folder


def pipeline(stage: Stage, forge: str) -> dict[str, Any]:
    """The pipeline of *stage*, which has been written by init."""
    stage.tdr("init", "--ci", forge, "--env", "local")
    parsed: dict[str, Any] = yaml.safe_load((stage.folder / FILES[forge]).read_text())
    return parsed


def job(stage: Stage, script: str, expect: int = 0) -> Said:
    """Run the lines of a job as a runner does, without those that install."""
    lines = "\n".join(line for line in script.splitlines() if not line.startswith("pip install"))
    process = stage.start(["bash", "-eo", "pipefail", "-c", lines], TDR_ENV="local")
    out, err = ended(process)
    assert process.returncode == expect, f"{lines}\n{out}\n{err}"
    return Said(process.returncode, out, err)


def of_github(parsed: dict[str, Any], name: str) -> list[str]:
    return [step["run"] for step in parsed["jobs"][name]["steps"] if "run" in step]


@pytest.mark.slow
def test_the_jobs_for_github_do_what_they_are_for(project: Stage, tools: Path) -> None:
    written = pipeline(project, "github")
    for script in (*of_github(written, "check"), *of_github(written, "plan"), *of_github(written, "apply")):
        job(project, script)
    assert "query/buyers-per-month" in project.records()
    summary = (tools / "summary").read_text()
    assert "### Plan for `local`: 4 to create" in summary

    def look(expect: int = 0) -> str:
        (tools / "calls").write_text("")
        _, script, *_ = of_github(written, "drift")
        job(project, script, expect)
        return (tools / "calls").read_text().replace("\n", ", ")

    assert look() == "issue list, "
    with project.somebody() as client:
        client.update_saved_query("buyers-per-month", {"cron": "0 5 * * *"})
    assert look() == "issue list, label create, issue create, "
    assert "0 5 * * *" in (tools / "issue").read_text()
    with project.somebody() as client:
        client.update_saved_query("buyers-per-month", {"cron": "0 6 * * *"})
    assert look() == "issue list, issue edit, "
    assert "0 6 * * *" in (tools / "issue").read_text()
    project.tdr("apply", "--yes")
    assert look() == "issue list, issue close, "
    assert not (tools / "issue").exists()


@pytest.mark.slow
def test_a_look_that_came_to_nothing_closes_no_issue(project: Stage, tools: Path) -> None:
    written = pipeline(project, "github")
    project.tdr("apply", "--yes")
    (tools / "issue").write_text("what was found last time")
    project.environ["TD_API_KEY"] = "1/0123456789abcdef"
    project.edit(
        "manifests/environments/local.yaml",
        "endpoint: embedded",
        'endpoint: http://127.0.0.1:9, api_key: "${secret:env:TD_API_KEY}"',
    )

    job(project, of_github(written, "drift")[1], expect=3)

    assert (tools / "calls").read_text() == "issue list\n"
    assert (tools / "issue").read_text() == "what was found last time"


@pytest.mark.slow
def test_the_jobs_for_gitlab_do_what_they_are_for(project: Stage, tools: Path) -> None:
    assert tools.is_dir()
    written = pipeline(project, "gitlab")
    for name in ("check", "plan", "apply", "drift", "status"):
        job(project, "\n".join(written[name]["script"]))
        for path in written[name].get("artifacts", {}).get("paths", ()):
            assert (project.folder / path).stat().st_size, f"{name} leaves {path}"
    assert {written[name]["stage"] for name in ("check", "plan", "apply", "drift", "status")} == {*written["stages"]}
    with project.somebody() as client:
        client.update_saved_query("buyers-per-month", {"cron": "0 5 * * *"})

    said = job(project, "\n".join(written["drift"]["script"]), expect=2)

    assert said.out.startswith("<!-- tdr:drift ")
    assert written["drift"]["allow_failure"] == {"exit_codes": [2]}


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
