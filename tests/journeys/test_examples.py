"""Each example runs as its README says."""

from __future__ import annotations

import hashlib
import re
import shutil
import time
from pathlib import Path

import pytest
from as_written import Reader
from stage import Stage

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NUMBERED = sorted(path.name for path in EXAMPLES.iterdir() if re.match(r"\d\d-", path.name))


def run_as_written(name: str, folder: Path) -> Reader:
    """The example *name*, in *folder*, after all that its README has its reader do."""
    shutil.copytree(EXAMPLES / name, folder, ignore=shutil.ignore_patterns("state"))
    reader = Reader(folder)
    try:
        assert reader.follow((folder / "README.md").read_text(encoding="utf-8")) > 2
    except BaseException:
        reader.__exit__(None, None, None)
        raise
    return reader


def table(stage: Stage, sql: str) -> list[list[object]]:
    with stage.somebody() as client:
        job = client.issue_job("trino", "shop", {"query": sql}, hashlib.sha256(sql.encode()).hexdigest())
        while (row := client.job(job))["status"] not in {"success", "error", "killed"}:
            time.sleep(0.02)
        assert row["status"] == "success", row
        return [list(row) for row in client.job_rows(job) if isinstance(row, list)]


def digests(numbers: set[int]) -> list[str]:
    return sorted(hashlib.sha256(f"customer{number}@example.com".encode()).hexdigest() for number in numbers)


@pytest.mark.parametrize("name", NUMBERED)
def test_an_example_does_what_its_readme_says(name: str, tmp_path: Path) -> None:
    with run_as_written(name, tmp_path / "example") as reader:
        RESULTS[name](reader.stage)


def a_query(stage: Stage) -> None:
    with stage.somebody() as client:
        (run,) = client.saved_query_history("buyers-per-month", 1)
        rows = client.job_rows(str(run["job_id"]))
    assert [row[0] for row in rows if isinstance(row, list)] == [f"2026-{month:02}" for month in range(1, 13)]
    assert sum(row[1] for row in rows if isinstance(row, list) and isinstance(row[1], int)) == 40


def an_audience(stage: Stage) -> None:
    # The n-th customer bought in month 7n mod 12 + 1.
    assert sorted(stage.members()) == digests({number for number in range(1, 41) if 3 <= number * 7 % 12 + 1 <= 5})
    assert [one["name"] for one in stage.audiences()] == ["Spring buyers"]


def add_and_remove(stage: Stage) -> None:
    # The n-th customer ordered n mod 9 + 1 times.
    regulars = {number for number in range(1, 41) if number % 9 + 1 >= 5}
    assert {4, 5} <= regulars
    assert sorted(stage.members()) == digests(regulars - {4, 5})
    assert (len(stage.audiences()), len(stage.control.lists())) == (1, 1)


def import_files(stage: Stage) -> None:
    assert table(stage, "SELECT order_id, email FROM orders ORDER BY 1") == [
        ["0001", "jane.doe@example.com"],
        ["0002", "hanako@example.com"],
        ["0003", "kenji@example.co.jp"],
    ]
    assert table(stage, "SELECT time, page FROM visits ORDER BY 1")[0] == [1769904000, "/"]
    assert table(stage, "SELECT sku, price FROM products ORDER BY 1") == [["A-1", 10.0], ["A-2", 12.5], ["B-1", 99.0]]


def what_exists(stage: Stage) -> None:
    assert stage.records()["query/buyers-per-month"]["id"] == "buyers-per-month"
    with stage.somebody() as client:
        assert [one["name"] for one in client.saved_queries()] == ["buyers-per-month"]


def test_the_page_on_drift_shows_what_is_printed(tmp_path: Path) -> None:
    page = (EXAMPLES.parent / "docs/drift.md").read_text(encoding="utf-8")
    (sample,) = re.findall(r"^```\n(~.*?)^```", page, re.DOTALL | re.MULTILINE)
    stage = run_as_written("05-what-exists", tmp_path / "example").stage
    with stage.somebody() as client:
        client.update_saved_query("buyers-per-month", {"cron": "0 5 * * *"})

    said = stage.tdr("drift", expect=2).out

    assert said == "Environment local\n" + sample


def policy(stage: Stage) -> None:
    (run,) = stage.tdr("history", "--format", "json").document["runs"]
    assert "moves to the CRM team in May" in stage.tdr("history", run["run"]).out


def environments(stage: Stage) -> None:
    assert [one["name"] for one in stage.audiences()] == ["Spring buyers"]


def gitops(stage: Stage) -> None:
    assert "query/buyers-per-month" in stage.tdr("state", "show", "--env", "local").document["resources"]


def rest_source(stage: Stage) -> None:
    columns = '"member.id", "member.fields.city", "member.tags"'
    assert table(stage, f"SELECT {columns} FROM members ORDER BY 1") == [
        ["0001", "Osaka", '["spring"]'],
        ["0002", "Tokyo", "[]"],
        ["0003", "Kobe", '["spring","vip"]'],
    ]


def import_intercom(stage: Stage) -> None:
    with stage.somebody() as client:
        (run,) = client.saved_query_history("conversations-per-person", 1)
        rows = client.job_rows(str(run["job_id"]))
        positions = {str(one["name"]): one["config_diff"] for one in client.bulk_loads()}
    # Eight conversations of the first five customers; those of the other seven and of leads are none.
    assert rows == [[f"contact-{n:02}", [1, 2, 2, 2, 1][n - 1] if n <= 5 else 0] for n in range(1, 13)]
    assert [name for name, position in positions.items() if position] == ["conversations", "people"]


def to_files(stage: Stage) -> None:
    out = stage.folder / "out"
    lines = (out / "regulars.csv").read_text(encoding="utf-8").splitlines()
    # The n-th customer ordered n mod 9 + 1 times.
    assert (lines[0], len(lines) - 1) == ('"email","orders"', len([n for n in range(1, 41) if n % 9 + 1 >= 5]))
    assert sorted(path.name for path in out.iterdir()) == ["kept", "regulars.csv"]
    assert [path.suffix for path in (out / "kept").iterdir()] == [".parquet", ".parquet"]


def adobe_source(stage: Stage) -> None:
    records = stage.records()
    assert sorted(records) == ["dataflow/newsletter", "sourceaccount/lists-reader", "sourceregistration/list-members"]
    flow = records["dataflow/newsletter"]["applied"]
    assert (flow["schedule"]["interval"], flow["source_params"]) == ("12", ["listId=a1b2"])
    assert flow["account"] == records["sourceaccount/lists-reader"]["id"]
    assert "/source_params cannot be changed in place" in "".join(stage.heard)


RESULTS = {
    "01-a-query": a_query,
    "02-an-audience": an_audience,
    "03-add-and-remove": add_and_remove,
    "04-import-files": import_files,
    "05-what-exists": what_exists,
    "06-policy": policy,
    "07-environments": environments,
    "08-gitops": gitops,
    "09-rest-source": rest_source,
    "10-import-intercom": import_intercom,
    "11-to-files": to_files,
    "12-adobe-source": adobe_source,
}


def test_every_example_has_a_result() -> None:
    assert sorted(RESULTS) == NUMBERED
