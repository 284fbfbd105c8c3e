"""Folders and files that are not what they should be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from stage import Stage


@pytest.mark.parametrize("command", ["plan", "drift", "run import/customers", "apply --yes", "serve"])
def test_a_service_that_cannot_keep_its_files_says_so(project: Stage, command: str) -> None:
    project.tdr("apply", "--yes")
    service = project.state / "service"
    service.rename(project.state / "elsewhere")
    service.write_text("not a folder")

    said = project.process(*command.split(), expect=None)

    assert said.code != 0
    assert "the embedded service cannot keep its files: " in said.out + said.err
    assert "bug" not in said.err


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_file_whose_name_is_no_text_is_told(project: Stage, form: str) -> None:
    Path(os.fsdecode(os.fsencode(project.folder) + b"/manifests/\xff.yaml")).write_text("kind: Database\n")

    said = project.tdr("validate", "--format", form, expect=7)

    assert "the name of the file or of its folder is not UTF-8" in said.out + said.err
    assert "manifests/�.yaml" in said.out + said.err
