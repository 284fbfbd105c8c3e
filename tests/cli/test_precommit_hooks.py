"""The hooks that other repositories take from this one, run as they are declared: entry, and the files that match."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from stage import Said, Stage

DECLARED = Path(__file__).parents[2] / ".pre-commit-hooks.yaml"
HOOKS: dict[str, dict[str, Any]] = {hook["id"]: hook for hook in yaml.safe_load(DECLARED.read_text(encoding="utf-8"))}
UNTIDY = "kind: Database\napiVersion: tdr/v1\nmetadata: {name: 'more'}\nspec: {}\n"


def hooked(project: Stage, name: str, expect: int | None = 0) -> Said:
    hook = HOOKS[name]
    program, *arguments = hook["entry"].split()
    assert program == "tdr"
    if hook.get("pass_filenames", True):
        held = sorted(path.relative_to(project.folder).as_posix() for path in project.folder.rglob("*.y*ml"))
        arguments += [path for path in held if re.search(hook["files"], path)]
    return project.tdr(*arguments, expect=expect)


def test_the_format_hook_mends_manifests_and_leaves_other_files_alone(project: Stage) -> None:
    project.write("manifests/more.yaml", UNTIDY)
    project.write("other/more.yaml", UNTIDY)
    hooked(project, "tdr-fmt")
    assert (project.folder / "manifests/more.yaml").read_text(encoding="utf-8").startswith("apiVersion: tdr/v1\n")
    assert (project.folder / "other/more.yaml").read_text(encoding="utf-8") == UNTIDY


def test_the_validate_hook_passes_a_sound_project_and_refuses_a_broken_one(project: Stage) -> None:
    hooked(project, "tdr-validate")
    project.write("manifests/more.yaml", UNTIDY.replace("Database", "Databse"))
    assert "manifests/more.yaml" in hooked(project, "tdr-validate", expect=7).err
