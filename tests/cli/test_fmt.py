"""`tdr fmt`: which files, what is said, and what is left alone."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from stage import TDR, Stage

from reconciler.manifest.findings import Findings
from reconciler.manifest.folder import manifest_files
from reconciler.manifest.project import read_project

UNTIDY = "kind: Database\napiVersion: tdr/v1\nmetadata: {name: 'more'}\nspec: {}\n"
TIDY = "apiVersion: tdr/v1\nkind: Database\nmetadata: {name: more}\nspec: {}\n"
FILE = "manifests/more.yaml"
SCHEMA = json.loads((files("reconciler.reports") / "schemas" / "fmt.json").read_text(encoding="utf-8"))


@pytest.fixture
def untidy(project: Stage) -> Stage:
    project.write(FILE, UNTIDY)
    return project


def valid(document: dict[str, Any]) -> dict[str, Any]:
    Draft202012Validator(SCHEMA).validate(document)
    return document


def read(project: Stage, file: str = FILE) -> str:
    return (project.folder / file).read_bytes().decode()


def test_what_init_writes_is_in_form(project: Stage) -> None:
    said = project.tdr("fmt", "--check")

    assert (said.out, said.err) == ("", "3 files looked at, 0 not in form.\n")


def test_a_file_is_put_in_form_and_named_and_the_next_run_finds_nothing(untidy: Stage) -> None:
    said = untidy.tdr("fmt")

    assert (said.out, said.err) == (f"{FILE}\n", "4 files looked at, 1 put in form.\n")
    assert read(untidy) == TIDY
    assert untidy.tdr("fmt").out == ""


def test_check_names_the_file_exits_with_2_and_writes_nothing(untidy: Stage) -> None:
    said = untidy.tdr("fmt", "--check", expect=2)

    assert said.out == f"{FILE}\n"
    assert read(untidy) == UNTIDY


def test_diff_shows_what_would_change_and_writes_nothing(untidy: Stage) -> None:
    said = untidy.tdr("fmt", "--diff")

    assert said.out == (
        f"--- a/{FILE}\n+++ b/{FILE}\n@@ -1,4 +1,4 @@\n"
        "+apiVersion: tdr/v1\n kind: Database\n-apiVersion: tdr/v1\n-metadata: {name: 'more'}\n"
        "+metadata: {name: more}\n spec: {}\n"
    )
    assert untidy.tdr("fmt", "--diff", "--check", expect=2).out == said.out
    assert read(untidy) == UNTIDY


def test_the_document_has_the_schema_that_is_shipped_for_it(untidy: Stage) -> None:
    untidy.write("manifests/bad.yaml", "a: [\n")

    document = valid(untidy.tdr("fmt", "--check", "--format", "json", expect=7).document)

    assert document["summary"] == {"files": 4, "changed": 1, "errors": 1}
    assert [(one["file"], one["written"]) for one in document["files"]] == [(FILE, False)]
    assert document["files"][0]["diff"] == untidy.tdr("fmt", "--diff", "manifests/more.yaml").out
    assert [(one["file"], one["line"]) for one in document["diagnostics"]] == [("manifests/bad.yaml", 1)]


def test_a_file_that_does_not_parse_is_told_with_its_place_and_the_others_are_put_in_form(untidy: Stage) -> None:
    untidy.write("manifests/bad.yaml", "kind: Table\nspec: [\n")

    said = untidy.tdr("fmt", expect=7)

    assert "--> manifests/bad.yaml:2:7" in said.err
    assert said.out == f"{FILE}\n"
    assert read(untidy) == TIDY
    assert read(untidy, "manifests/bad.yaml") == "kind: Table\nspec: [\n"


@pytest.mark.parametrize("broken", ["tdr.yaml", "manifests/environments/local.yaml"])
def test_settings_that_do_not_parse_stop_no_manifest(untidy: Stage, broken: str) -> None:
    untidy.write(broken, "a: [\n")

    said = untidy.tdr("fmt", expect=7)

    assert f"--> {broken}:1:4" in said.err
    assert read(untidy) == TIDY


def test_a_file_that_is_read_only_is_left_alone_and_told(untidy: Stage) -> None:
    untidy.write("manifests/also.yaml", UNTIDY.replace("more", "also"))
    (untidy.folder / FILE).chmod(0o444)

    said = untidy.tdr("fmt", expect=1)

    assert f"{FILE} is read-only" in said.err
    assert said.out == "manifests/also.yaml\n"
    assert read(untidy) == UNTIDY
    untidy.tdr("fmt", "--check", expect=2)


def test_a_link_stays_one_and_the_file_behind_it_keeps_its_permissions(untidy: Stage) -> None:
    real = untidy.folder / "kept.yaml"
    (untidy.folder / FILE).rename(real)
    real.chmod(0o640)
    (untidy.folder / FILE).symlink_to(real)

    untidy.tdr("fmt")

    assert (untidy.folder / FILE).is_symlink()
    assert real.read_text() == TIDY
    assert real.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in (untidy.folder / "manifests").iterdir() if path.name.startswith(".")] == []


def test_a_link_out_of_the_project_is_not_followed(untidy: Stage, tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text(UNTIDY)
    (untidy.folder / "manifests" / "link.yaml").symlink_to(outside)

    said = untidy.tdr("fmt", expect=7)

    assert "lies outside the project" in said.err
    assert outside.read_text() == UNTIDY
    assert read(untidy) == TIDY


def test_line_ends_of_another_system_stay(untidy: Stage) -> None:
    (untidy.folder / FILE).write_bytes(b"\xef\xbb\xbf" + UNTIDY.replace("\n", "\r\n").encode())

    untidy.tdr("fmt")

    assert (untidy.folder / FILE).read_bytes() == b"\xef\xbb\xbf" + TIDY.replace("\n", "\r\n").encode()


def test_only_what_is_named_is_looked_at(untidy: Stage) -> None:
    untidy.write("manifests/below/also.yml", UNTIDY.replace("more", "also"))

    assert untidy.tdr("fmt", "manifests/below").out == "manifests/below/also.yml\n"
    assert read(untidy) == UNTIDY
    assert untidy.tdr("fmt", "-C", "manifests", "more.yaml", FILE.replace("more", "shop")[10:]).out == f"{FILE}\n"


def test_a_file_outside_of_any_project_may_be_named(project: Stage, tmp_path: Path) -> None:
    (tmp_path / "alone.yaml").write_text(UNTIDY)

    project.tdr("fmt", str(tmp_path / "alone.yaml"))

    assert (tmp_path / "alone.yaml").read_text() == TIDY
    assert "no tdr.yaml" in project.tdr("fmt", "-C", str(tmp_path), expect=64).err
    assert "there is no file" in project.tdr("fmt", "nowhere.yaml", expect=64).err


def test_a_text_on_stdin_comes_out_in_form(project: Stage) -> None:
    def through(text: str, *options: str) -> tuple[int, str, str]:
        line = [str(TDR), "fmt", "-", *options]
        done = subprocess.run(line, input=text.encode(), capture_output=True, cwd=project.folder, check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    assert through(UNTIDY) == (0, TIDY, "")
    assert through("protect: true\ntreasure_data: {endpoint: embedded}\n")[1] == (
        "treasure_data: {endpoint: embedded}\nprotect: true\n"
    )
    code, out, err = through("kind: [\n")
    assert (code, out) == (7, "kind: [\n")
    assert "--> <stdin>:1:7" in err
    assert through(UNTIDY, "--check")[:2] == (2, "<stdin>\n")
    assert through(UNTIDY, "--format", "json")[0] == 64
    assert through(UNTIDY, "x.yaml")[0] == 64


def test_two_at_once_do_not_write_over_each_other(untidy: Stage) -> None:
    folder = os.open(untidy.folder, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    try:
        assert "is writing documents" in untidy.tdr("fmt", expect=5).err
        untidy.tdr("fmt", "--check", expect=2)
    finally:
        os.close(folder)
    assert read(untidy) == UNTIDY


def test_documents_that_import_writes_are_in_form(applied: Stage) -> None:
    for address in ("query/buyers-per-month", "import/customers", "table/customers", "database/shop"):
        applied.tdr("state", "rm", address)
    (applied.folder / "manifests" / "shop.yaml").unlink()

    applied.tdr("import", "--all", expect=None)

    written = manifest_files(read_project(applied.folder), Findings())
    assert len(written) > 1
    assert applied.tdr("fmt", "--check").out == ""


def test_a_secret_that_somebody_wrote_into_a_manifest_is_in_no_diff(project: Stage) -> None:
    written = (
        "kind: Connection\napiVersion: tdr/v1\nmetadata: {name: main}\n"
        "spec: {type: pinterest,   client_secret: hunter2hunter2}\n"
    )
    path = project.write("manifests/main.yaml", written)

    for wanted in ("text", "json"):
        said = project.tdr("fmt", "--diff", "--format", wanted)
        assert "client_secret: …" in said.out
        assert "hunter2" not in said.out + said.err
    assert path.read_text() == written
    project.tdr("fmt")
    assert "client_secret: hunter2hunter2" in path.read_text(), "what is written is as it was"
