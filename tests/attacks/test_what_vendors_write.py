"""Names and SQL at a vendor that are made to be read as something else: taken over, they mean what they are there."""

from __future__ import annotations

from pathlib import Path

import pytest
from full_disk import no_file_longer_than
from hypothesis import given
from hypothesis import strategies as st
from stage import Stage

from reconciler.adoption.writing import File, write
from reconciler.errors import TdrError
from reconciler.manifest.interpolation import Values, escaped, resolve
from reconciler.model.secret import Secret

NAMES = [
    "../../x",
    "/etc/passwd",
    "*alias",
    "!!python/object:os.system",
    "${secret:env:HOME}",
    "$${var:x}",
    "---",
    "...",
]
SQL = [
    "SELECT '${secret:env:HOME}'",
    "SELECT '$${var:x}'",
    "SELECT '$$${var:x}'",
    "SELECT '${var:x|${var:y}}'",
    "SELECT '${secret:env:HOME'",
    "SELECT '${foo}' -- $${ \u2028",
    "SELECT 'x' \r\nFROM t\n-- ${secret:file:/etc/passwd}",
]


def filled(project: Stage, queries: dict[str, str]) -> None:
    with project.somebody() as vendor:
        vendor.create_database("taken")
        for name, sql in queries.items():
            vendor.create_saved_query(name, {"type": "trino", "database": "taken", "query": sql, "cron": ""})


def outside(project: Stage) -> list[Path]:
    return [path for path in project.folder.parent.iterdir() if not path.name.startswith(project.folder.name)]


def test_what_is_taken_over_means_itself_and_lies_inside(project: Stage) -> None:
    filled(project, dict.fromkeys(NAMES, "SELECT 1") | {f"sql {number}": sql for number, sql in enumerate(SQL)})

    told = project.tdr("import", "--all", "--kind", "database", "--format", "json").document
    told = project.tdr("import", "--all", "--kind", "query", "--format", "json").document
    again = project.tdr("import", "--all", "--kind", "query", "--format", "json").document

    assert {one["id"] for one in told["adopted"]} == {*NAMES, *(f"sql {number}" for number in range(len(SQL)))}
    assert (told["left_out"], told["unsettled"]) == ([], [])
    assert (again["files"], again["adopted"]) == ([], [])
    assert all(one["path"].startswith("manifests/queries/") and ".." not in one["path"] for one in told["files"])
    assert outside(project) == []


def test_a_query_that_does_not_parse_is_left_out_and_holds_up_no_other(project: Stage) -> None:
    filled(project, {"good one": "SELECT 1", "bad one": "SELECT 1\n---\nkind: x"})

    told = project.tdr("import", "--all", "--format", "json", expect=1).document

    assert "good one" in {one["id"] for one in told["adopted"]}
    assert [(one["id"], one["why"]) for one in told["left_out"]] == [
        ("bad one", "the SQL does not parse: `:` is not expected here")
    ]
    assert project.tdr("validate").code == 0


@given(st.lists(st.sampled_from(["$", "{", "}", "${", "var:", "${var:x}", "${secret:env:A}", "env:", "|", "a", " "])))
def test_what_is_escaped_is_read_as_it_was(pieces: list[str]) -> None:
    text = "".join(pieces)
    complaints: list[object] = []

    def never(reference: str) -> Secret:
        raise AssertionError(reference)

    assert resolve(escaped(text), Values({}, {}, never), complaints.append) == text
    assert complaints == []


def test_a_full_disk_leaves_no_half_document(tmp_path: Path) -> None:
    new = [File("queries/a.yaml", "a: 1\n"), File("queries/b.yaml", "b: " + "1" * 5000)]

    with (
        no_file_longer_than(100),
        pytest.raises(TdrError, match=r"'queries/b\.yaml' cannot be written: File too large"),
    ):
        write(tmp_path, new)

    assert {path.name: path.read_text() for path in (tmp_path / "queries").iterdir()} == {"a.yaml": "a: 1\n"}
    with pytest.raises(TdrError, match=r"'queries/a\.yaml' cannot be written: File exists"):
        write(tmp_path, new)
    assert (tmp_path / "queries" / "a.yaml").read_text() == "a: 1\n"


@pytest.mark.parametrize("kill_after", [1, 2])
def test_whoever_is_stopped_between_a_query_and_its_document_goes_on(project: Stage, kill_after: int) -> None:
    filled(project, {"long one": "SELECT 1\nFROM t"})
    told = project.tdr("import", "--all", "--dry-run", "--format", "json").document
    written = [File(one["path"], one["text"]) for one in told["files"] if "long-one" in one["path"]]
    assert [file.path for file in written] == ["manifests/queries/long-one.sql", "manifests/queries/long-one.yaml"]

    write(project.folder, written[:kill_after])
    told = project.tdr("import", "--all", "--format", "json").document

    assert "long one" in {one["id"] for one in told["adopted"]}
    assert told["unsettled"] == []


@pytest.mark.parametrize("value", ["99999999999h", "999999999999d", "3651d"])
def test_a_plan_that_would_end_after_the_calendar_is_a_wrong_command_line(project: Stage, value: str) -> None:
    said = project.tdr("plan", "--out", "plan.json", "--expires", value, expect=64)

    assert said.err == f"error: --expires {value!r} is longer than ten years\nhint: write 90s, 5m or 1h\n"
    assert not (project.folder / "plan.json").exists()
