"""Names and messages come from files and vendors: a terminal is shown their control characters and obeys none."""

from __future__ import annotations

from stage import Stage

CLEAR = "\x1b[2J"
BACKWARDS = "\u202e"


def test_a_plan_moves_no_cursor(project: Stage) -> None:
    project.write("manifests/sql/buyers_per_month.sql", f"SELECT\n  'a{CLEAR}{BACKWARDS}b'\tAS x\n")

    said = project.tdr("plan")

    assert "  'a\\x1b[2J\\u202eb'\tAS x\n" in said.out
    assert CLEAR not in said.out


def test_an_error_moves_no_cursor(project: Stage) -> None:
    said = project.tdr("plan", "--env", f"a{CLEAR}b", expect=64)

    assert said.err == "error: no environment `a\\x1b[2Jb` is declared\nhint: declared: local\n"


def test_what_a_manifest_says_wrong_moves_no_cursor(project: Stage) -> None:
    project.write("manifests/wrong.yaml", f'kind: "{CLEAR[1:]}\\e"\nmetadata: {{name: {BACKWARDS}}}\n')

    said = project.tdr("validate", expect=7)

    assert not {"\x1b", BACKWARDS} & set(said.out + said.err)
