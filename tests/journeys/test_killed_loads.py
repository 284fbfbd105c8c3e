"""`kill -9` all along a load, of every source: after the next run the table is what an undisturbed load leaves, row for row."""

from __future__ import annotations

import json
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from rest_lists import KEY as LISTS_KEY
from rest_lists import SPECIFICATION, Lists, serving
from stage import Stage, ended, environment

from reconciler.emulators.intercom.knobs import Knobs
from reconciler.emulators.intercom.sandbox import IntercomSandbox
from reconciler.emulators.timeline import Timeline

DRIVER = Path(__file__).with_name("killed_at_line.py")
TOKEN = "dG9rOkZBS0VfaW50ZXJjb21fdG9rZW4="
READING = ("connectors/sources/", "dataplane/")
STORING = (
    "service/loading",
    "service/arrivals",
    "service/rows",
    "service/tables",
    "service/stored_notes",
    "service/catalog",
    "service/progress",
)
POINTS = {READING: 2, STORING: 5}
"""Modules -> how often a load is killed in them, spread evenly over their lines."""
PROJECT = """\
apiVersion: tdr/v1
kind: Database
metadata: {{name: shop}}
spec: {{}}
---
apiVersion: tdr/v1
kind: Connection
metadata: {{name: intercom-main}}
spec: {{type: intercom, access_token: "${{secret:env:INTERCOM_TOKEN}}"}}
---
apiVersion: tdr/v1
kind: Import
metadata: {{name: people}}
spec:
  from: {source}
  to: {{database: shop, table: people, {to}}}
"""

REST = """\
---
apiVersion: tdr/v1
kind: Connection
metadata: {name: lists}
spec:
  type: rest
  auth: KeyBased
  params: {host: "${var:lists}"}
  secrets: {authKey1: "${secret:env:LISTS_KEY}"}
  allowed_hosts: [127.0.0.1]
  allow_private: true
---
apiVersion: tdr/v1
kind: SourceSpec
metadata: {name: members}
spec: {file: specs/members.json, key: [member.id]}
"""


@dataclass(frozen=True, slots=True)
class Vendors:
    """Whom the sources that are no files read from."""

    intercom: IntercomSandbox
    lists: Lists


Fill = Callable[[Stage, Vendors, int], None]


def rows_of(round_: int) -> list[dict[str, Any]]:
    """Rows of the first or second load: the second one changes half of the first and has as many new ones."""
    return [{"id": f"p{number:03}", "name": f"seen {round_}"} for number in range(40 * round_, 40 * round_ + 80)]


def as_csv(stage: Stage, vendors: Vendors, round_: int) -> None:
    stage.write("data/a.csv", "\n".join(["id,name", *(f"{row['id']},{row['name']}" for row in rows_of(round_)), ""]))


def as_lines(stage: Stage, vendors: Vendors, round_: int) -> None:
    stage.write("data/a.jsonl", "".join(json.dumps(row) + "\n" for row in rows_of(round_)))


def as_parquet(stage: Stage, vendors: Vendors, round_: int) -> None:
    (stage.folder / "data").mkdir(exist_ok=True)
    as_lines(stage, vendors, round_)
    lines = duckdb.read_json(str(stage.folder / "data/a.jsonl"))
    lines.write_parquet(str(stage.folder / "data/a.parquet"))


def in_intercom(stage: Stage, vendors: Vendors, round_: int) -> None:
    for row in rows_of(round_):
        vendors.intercom.intercom.world.put_contact(row["id"], {"name": row["name"]})


def in_lists(stage: Stage, vendors: Vendors, round_: int) -> None:
    vendors.lists.members["L1"] = rows_of(round_)


@dataclass(frozen=True, slots=True)
class Source:
    """Where rows come from, what `to` says, and how the first (0) and second (1) lot of them come there."""

    source: str
    to: str
    fill: Fill


SOURCES: Mapping[str, Source] = {
    "csv appended": Source("{type: files, paths: [data/a.csv]}", "mode: append", as_csv),
    "json lines by key": Source("{type: files, paths: [data/a.jsonl]}", "mode: upsert, key: [id]", as_lines),
    "parquet replaced": Source("{type: files, paths: [data/a.parquet]}", "mode: replace_on_new_data", as_parquet),
    "intercom changes": Source(
        "{type: intercom, connection: intercom-main, target: users, incremental: true}", "mode: append", in_intercom
    ),
    "rest by key": Source(
        "{type: rest, spec: members, connection: lists, params: {listId: L1}}", "mode: append", in_lists
    ),
    "intercom whole": Source(
        "{type: intercom, connection: intercom-main, target: users}", "mode: replace_on_new_data", in_intercom
    ),
}


@pytest.fixture
def loaded(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    """A project whose import has run once; the second lot of rows is where they come from."""
    kind = SOURCES[request.param]
    folder = tmp_path / "shop"
    folder.mkdir()
    stage = Stage(folder, None, environment(folder))
    with (
        serving() as lists,
        IntercomSandbox(TOKEN, knobs=Knobs(calls_per_window=0), timeline=Timeline(stage.clock.now)) as intercom,
    ):
        vendors = Vendors(intercom, lists)
        stage.environ |= {"TDR_VAR_intercom": intercom.base_url, "INTERCOM_TOKEN": TOKEN}
        stage.environ |= {"TDR_VAR_lists": lists.address, "LISTS_KEY": LISTS_KEY}
        stage.write("specs/members.json", json.dumps(SPECIFICATION))
        stage.write("tdr.yaml", "apiVersion: tdr/v1\nproject: shop\n")
        stage.write("manifests/environments/local.yaml", 'endpoints: {intercom: "${var:intercom}"}\n')
        stage.write("manifests/shop.yaml", PROJECT.format(source=kind.source, to=kind.to) + REST)
        kind.fill(stage, vendors, 0)
        stage.tdr("apply", "--yes")
        stage.tdr("run", "import/people")
        kind.fill(stage, vendors, 1)
        yield stage


def twin(stage: Stage, name: str) -> Stage:
    """The same project as it is now, in another folder, with the same clock."""
    folder = stage.folder.with_name(name)
    shutil.copytree(stage.folder, folder)
    return Stage(folder, None, {**environment(folder), **stage.environ}, clock=stage.clock)


def killed(stage: Stage, line: int, modules: tuple[str, ...]) -> tuple[int, str]:
    process = stage.start([sys.executable, str(DRIVER), str(line), *modules, "--", "run", "import/people"])
    out, err = ended(process)
    assert process.returncode in (0, -signal.SIGKILL), f"{out}\n{err}"
    return process.returncode, out


def table(stage: Stage) -> list[Any]:
    """All rows, without the time of their import."""
    with stage.somebody() as td:
        (schema,) = [one["schema"] for one in td.tables("shop") if one["name"] == "people"]
        names = {column[0] for column in json.loads(str(schema))}
        prefix = "member." if "member.id" in names else ""
        sql = f'SELECT "{prefix}id", "{prefix}name" FROM people ORDER BY 1, 2'
        job = td.issue_job("presto", "shop", {"query": sql}, "")
        while td.job(job)["status"] not in {"success", "error"}:
            stage.clock.sleep(0.05)
        return td.job_rows(job)


def runs(stage: Stage) -> list[Any]:
    with stage.somebody() as td:
        return [job["status"] for job in td.bulk_load_jobs("people")]


@pytest.mark.slow
@pytest.mark.parametrize("loaded", SOURCES, ids=[name.replace(" ", "-") for name in SOURCES], indirect=True)
def test_a_load_that_is_killed_anywhere_ends_as_an_undisturbed_one(loaded: Stage) -> None:
    before = table(loaded)
    expected: list[Any] = []
    ends: set[str] = set()
    for modules, points in POINTS.items():
        undisturbed = twin(loaded, f"undisturbed-{points}")
        code, out = killed(undisturbed, 0, modules)
        assert code == 0
        lines = int(out.split()[-1])
        expected = table(undisturbed)
        assert (lines > points, expected != before) == (True, True)
        for point in range(1, points + 1):
            struck = twin(loaded, f"killed-{points}-{point}")
            code, _ = killed(struck, lines * point // (points + 1), modules)
            assert code == -signal.SIGKILL

            states = runs(struck)
            found = table(struck)
            is_stored = len(states) > 1 and states[0] == "success"
            ends.add(states[0])
            assert found == (expected if is_stored else before), f"killed at {point} of {points}: {states}"
            if not is_stored:
                struck.tdr("run", "import/people")
                assert table(struck) == expected
    assert ends <= {"success", "error"}, "nobody is left running"
    assert "error" in ends, "some came before the rows are stored"


def test_two_loads_into_one_table_at_once_are_both_there(tmp_path: Path) -> None:
    stage = Stage(tmp_path, None, environment(tmp_path))
    stage.write("tdr.yaml", "apiVersion: tdr/v1\nproject: shop\n")
    documents = ["apiVersion: tdr/v1\nkind: Database\nmetadata: {name: shop}\nspec: {}\n"]
    for name in ("east", "west"):
        lines = [json.dumps({"id": f"{name}{number}", name: number}) for number in range(2000)]
        stage.write(f"data/{name}.jsonl", "\n".join(lines) + "\n")
        documents.append(
            f"apiVersion: tdr/v1\nkind: Import\nmetadata: {{name: {name}}}\nspec:\n"
            f"  from: {{type: files, paths: [data/{name}.jsonl]}}\n"
            "  to: {database: shop, table: people, mode: upsert, key: [id]}\n"
        )
    stage.write("manifests/shop.yaml", "---\n".join(documents))
    stage.tdr("apply", "--yes")

    with stage.somebody() as td:
        jobs: list[str] = []
        starting = [
            threading.Thread(target=lambda name=name, turn=turn: jobs.append(td.run_bulk_load(name, f"{name}-{turn}")))
            for turn in range(2)
            for name in ("east", "west")
        ]
        for one in starting:
            one.start()
        for one in starting:
            one.join()
        for job in jobs:
            while td.job(job)["status"] not in {"success", "error"}:
                stage.clock.sleep(0.05)
            assert td.job(job)["status"] == "success", td.job(job)["debug"]
    with stage.somebody() as td:
        sql = "SELECT count(*), count(DISTINCT id), sum(east), sum(west) FROM people"
        job = td.issue_job("presto", "shop", {"query": sql}, "")
        while td.job(job)["status"] not in {"success", "error"}:
            stage.clock.sleep(0.05)
        assert td.job_rows(job) == [[4000, 4000, 1_999_000, 1_999_000]]
