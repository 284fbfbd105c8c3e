"""How a program can be started: streams closed, full, left by their reader, or of few characters; a folder that is gone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from stage import TDR, Said, Stage, ended

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.is_char_device(), reason="this system has no /dev/full")


def shell(stage: Stage, line: str, **environ: str) -> Said:
    """Run *line* by a shell, in which `tdr` is $TDR."""
    process = stage.start(["bash", "-c", line], TDR=str(TDR), **environ)
    out, err = ended(process)
    return Said(process.returncode, out, err)


def test_an_apply_goes_on_when_nobody_reads_what_it_prints(project: Stage) -> None:
    said = shell(project, "$TDR apply --yes 2>&1 | true; exit ${PIPESTATUS[0]}")

    assert said == Said(0, "", "")
    project.tdr("plan", "--detailed-exitcode", expect=0)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("plan --detailed-exitcode", 2),
        ("plan --format json", 0),
        ("state list", 0),
        ("schema", 0),
        ("--help", 0),
        ("plan --env nope", 64),
    ],
)
def test_a_reader_that_went_away_changes_no_exit_code(project: Stage, command: str, code: int) -> None:
    assert shell(project, f"$TDR {command} 2>&1 | true; exit ${{PIPESTATUS[0]}}") == Said(code, "", "")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("plan --detailed-exitcode >&-", 2),
        ("plan --detailed-exitcode 2>&-", 2),
        ("plan --detailed-exitcode <&-", 2),
        ("plan --detailed-exitcode <&- >&- 2>&-", 2),
        ("apply --yes <&- >&- 2>&-", 0),
        ("plan --env nope 2>&-", 64),
    ],
)
def test_closed_streams_change_no_exit_code(project: Stage, command: str, code: int) -> None:
    said = shell(project, f"$TDR {command}")

    assert (said.code, said.err) == (code, "")


def test_a_closed_stdin_is_nobody_to_ask(project: Stage) -> None:
    said = shell(project, "$TDR apply <&-")

    assert said.code == 64
    assert said.err.startswith("error: nobody is there to ask\n")


@needs_full
@pytest.mark.parametrize(("command", "code"), [("version", 1), ("plan", 1), ("plan --env nope", 64)])
def test_an_answer_that_cannot_be_written_is_no_success(project: Stage, command: str, code: int) -> None:
    said = shell(project, f"$TDR {command} >/dev/full")

    assert said.code == code
    lost = "error: the answer could not be written to stdout: No space left on device\n"
    assert said.err.endswith(lost) or code == 64


@needs_full
def test_an_apply_is_whole_although_its_answer_is_lost(project: Stage) -> None:
    assert shell(project, "$TDR apply --yes >/dev/full 2>/dev/full") == Said(1, "", "")
    project.tdr("plan", "--detailed-exitcode", expect=0)


def test_characters_that_a_terminal_lacks_are_written_as_escapes(project: Stage) -> None:
    project.write("manifests/sql/buyers_per_month.sql", "SELECT '花' AS flower")

    said = shell(project, "$TDR plan && $TDR plan --env 花", PYTHONIOENCODING="ascii")

    assert "SELECT '\\u82b1' AS flower" in said.out
    assert said.err == "error: no environment `\\u82b1` is declared\nhint: declared: local\n"


def test_a_current_folder_that_is_gone_is_told(project: Stage) -> None:
    said = shell(project, "mkdir gone && cd gone && rmdir ../gone && $TDR plan")

    assert said.code == 64
    assert said.err == "error: the current folder is not there any more\nhint: go to a project, or pass -C DIR\n"


@pytest.mark.parametrize("arguments", [["plan", "--var"], ["plan", "--env", "nope", "--var"]])
def test_bytes_that_are_no_text_are_refused(project: Stage, arguments: list[str]) -> None:
    said = project.process(*arguments, os.fsdecode(b"name=\xff"), expect=64)

    assert said.err == "error: the value of --var 'name' is not UTF-8\nhint: write it as UTF-8 text\n"


def test_a_variable_of_the_environment_that_is_no_text_is_refused(project: Stage) -> None:
    said = project.process("plan", expect=64, TDR_VAR_x=os.fsdecode(b"\xff"))

    assert said.err == "error: the environment variable 'TDR_VAR_x' is not UTF-8\nhint: set it to UTF-8 text\n"


@pytest.mark.parametrize(("value", "traces"), [("0", 0), ("false", 0), ("", 0), ("1", 1)])
def test_stack_traces_are_shown_when_asked_for_and_change_no_exit_code(project: Stage, value: str, traces: int) -> None:
    said = project.process("plan", "--env", "nope", expect=64, TDR_DEBUG=value)

    assert said.err.count("Traceback") == traces
    assert said.err.endswith("error: no environment `nope` is declared\nhint: declared: local\n")


@pytest.mark.parametrize(("reference", "code"), [("${env:PLACE}", 7), ("${secret:env:PLACE}", 1)])
def test_a_value_of_the_environment_that_is_no_text_is_refused(project: Stage, reference: str, code: int) -> None:
    project.write(
        "manifests/environments/local.yaml",
        "treasure_data: {endpoint: us01, api_key: '${secret:env:PLACE}'}\n"
        if "secret" in reference
        else f"variables: {{place: '{reference}'}}\n",
    )

    said = project.process("plan", expect=code, PLACE=os.fsdecode(b"\xff"))

    assert "the environment variable `PLACE` is not UTF-8\n" in said.err
    assert "hint: set PLACE to UTF-8 text" in said.err
