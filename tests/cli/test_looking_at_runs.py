"""`tdr run` shows what a query gives, `tdr logs` how the newest run ended; neither shows who somebody is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "journeys"))

from stage import MANIFESTS, Stage, address, environment

QUERY = """\
apiVersion: tdr/v1
kind: Query
metadata: {name: customers}
spec: {database: shop, sql: "SELECT email, spring, email AS contact, 1 AS n FROM customers ORDER BY email"}
---
apiVersion: tdr/v1
kind: Query
metadata: {name: broken}
spec: {database: shop, sql: "SELECT CAST(spring AS BIGINT) AS n FROM customers"}
"""


@pytest.fixture
def filled(tmp_path: Path) -> Stage:
    """A table with 200 customers, a query of them and one that fails; no vendor."""
    folder = tmp_path / "shop"
    folder.mkdir()
    stage = Stage(folder, None, environment(folder))
    stage.write("tdr.yaml", MANIFESTS["tdr.yaml"])
    stage.write("manifests/shop.yaml", MANIFESTS["manifests/shop.yaml"])
    stage.write("manifests/queries.yaml", QUERY)
    stage.shop_of(range(3))
    stage.tdr("apply", "--yes")
    stage.tdr("run", "import/customers")
    return stage


def test_a_query_shows_its_first_rows_and_nobody_in_them(filled: Stage) -> None:
    said = filled.tdr("run", "query/customers", "--rows", "2")

    lines = said.out.splitlines()
    assert lines[0].startswith("query/customers: job ")
    assert lines[0].endswith(" success, 200 rows")
    assert lines[1:6] == [
        "",
        "email  spring  contact  n",
        "***    yes     ***      1",
        "***    yes     ***      1",
        "… and 198 more rows",
    ]


@pytest.mark.parametrize(("asked", "given"), [((), 20), (("--rows", "0"), None), (("--rows", "500"), 200)])
def test_as_many_rows_as_asked_for_are_in_the_document(
    filled: Stage, asked: tuple[str, ...], given: int | None
) -> None:
    ran = filled.tdr("run", "query/customers", "--format", "json", *asked)
    looked = filled.tdr("logs", "query/customers", "--format", "json", *asked)

    for said in (ran, looked):
        rows = said.document.get("first_rows")
        assert (None if rows is None else len(rows)) == given
        assert address(0) not in said.out
    assert ran.document | {"created_at": ""} == looked.document | {"created_at": ""}


def test_looking_at_a_run_starts_none(filled: Stage) -> None:
    ran = filled.tdr("run", "import/customers", "--format", "json").document

    assert [filled.tdr("logs", "import/customers", "--format", "json").document["job_id"] for _ in range(2)] == [
        ran["job_id"]
    ] * 2


def test_what_has_not_run_says_how_to_run_it(filled: Stage) -> None:
    said = filled.tdr("logs", "query/customers", expect=1)

    assert said.err == "error: query/customers has not run yet\nhint: run it with `tdr run query/customers`\n"


@pytest.mark.parametrize("what", ["database/shop", "query/other"])
def test_what_does_not_run_has_no_log(filled: Stage, what: str) -> None:
    assert filled.tdr("logs", what, expect=1).err.startswith(f"error: {what} is ")


def test_the_log_of_a_failed_run_is_told_once(filled: Stage) -> None:
    said = filled.tdr("run", "query/broken", expect=1)
    looked = filled.tdr("logs", "query/broken")

    assert (said.out + said.err).count("Conversion Error") == 1
    assert "Conversion Error" in said.err
    assert "Conversion Error" in looked.out
    assert "error" in said.out.splitlines()[0]


def test_the_doctor_names_the_log_and_not_another_run(filled: Stage) -> None:
    filled.tdr("run", "query/broken", expect=1)

    said = filled.tdr("doctor", "--format", "json", expect=1).document
    runs = next(check for check in said["checks"] if check["check"] == "runs")
    assert runs["message"].startswith("the newest run went wrong of query/broken (job ")
    assert runs["hint"] == "see its log with `tdr logs query/broken`"


def test_the_doctor_does_not_say_that_nothing_ran_when_nothing_is_applied_any_more(filled: Stage) -> None:
    filled.tdr("destroy", "--yes", "--env", "local")

    said = filled.tdr("doctor", "--format", "json", expect=None).document
    assert [check["message"] for check in said["checks"] if check["check"] == "runs"] == [
        "nothing that runs is applied"
    ]
