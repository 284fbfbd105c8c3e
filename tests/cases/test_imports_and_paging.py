"""What is known to go wrong where rows are fetched in pages, each case at the place where tdr meets it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import httpx
import orjson
import pytest
import rest_cases
import yaml
from field_cases import FOLDER, Check, cases_of
from stage import Stage

from reconciler.connectors.sources.intercom import IntercomSource
from reconciler.connectors.sources.intercom_client import connector
from reconciler.errors import Permanent
from reconciler.ports.loads import LoadRequest

Given = dict[str, Any]
TOKEN = "dG9rOkZBS0VfaW50ZXJjb21fdG9rZW4="
PEOPLE = {"type": "intercom", "access_token": TOKEN, "target": "users"}


@dataclass
class Answering(httpx.BaseTransport):
    """Answers the pages of a case one after the other, the last one for ever, and keeps what was asked."""

    pages: Sequence[Mapping[str, Any]]
    asked: list[httpx.Request] = field(default_factory=list)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.asked.append(request)
        page = self.pages[min(len(self.asked), len(self.pages)) - 1]
        return httpx.Response(200, json=page)

    def cursors(self) -> list[str | None]:
        """The cursor of each request."""
        return [orjson.loads(one.content)["pagination"].get("starting_after") for one in self.asked]


@pytest.fixture
def reading(tmp_path: Path) -> Callable[[Answering, Mapping[str, Any]], list[str]]:
    """Ids of the rows that a load from Intercom reads of what answers."""

    def read(answering: Answering, source: Mapping[str, Any]) -> list[str]:
        importer = IntercomSource(connector(base_url="http://127.0.0.1:9", transport=lambda: answering))
        with duckdb.connect(config={"temp_directory": str(tmp_path)}) as connection:
            loaded = importer.read(LoadRequest(source, "1"), connection, lambda *_: None)
            return [row[0] for row in connection.sql(f"SELECT id FROM {loaded.relation}").fetchall()]

    return read


def people(numbers: Sequence[int], cursor: str | None) -> dict[str, Any]:
    """A page of contacts as Intercom words it."""
    data = [{"type": "contact", "id": str(number), "updated_at": number} for number in numbers]
    following = None if cursor is None else {"per_page": 150, "starting_after": cursor}
    return {"type": "list", "data": data, "pages": {"type": "pages", "next": following}}


Reading = Callable[[Answering, Mapping[str, Any]], list[str]]


def a_scroll_whose_parameter_stays(reading: Reading, stage: Stage, given: Given) -> None:
    del stage
    pages = [
        {
            "type": "list",
            "data": [{"type": "company", "id": str(one)} for one in page["companies"]],
            "scroll_param": "s",
        }
        for page in given["pages"]
    ]
    answering = Answering(pages)
    assert reading(answering, {**PEOPLE, "target": "companies"}) == ["1", "2", "3", "4"]
    assert [one.url.query for one in answering.asked] == [b"", b"scroll_param=s", b"scroll_param=s"]
    # The same cursor twice is an error where cursors change: the rule is each endpoint's own.
    with pytest.raises(Exception, match="the cursor 's' twice"):
        reading(Answering([people([1], "s")]), PEOPLE)


def an_empty_page_with_a_cursor(reading: Reading, stage: Stage, given: Given) -> None:
    del stage
    answering = Answering([people(page["data"], page["next"]) for page in given["pages"]])
    assert reading(answering, PEOPLE) == ["1", "2"]
    assert answering.cursors() == [None, "a", "b"]


def an_empty_cursor_at_the_end(reading: Reading, stage: Stage, given: Given) -> None:
    del stage
    answering = Answering([people(page["data"], page["cursor"]) for page in given["pages"]])
    assert reading(answering, PEOPLE) == ["1", "2", "3"]
    assert answering.cursors() == [None, "x"]


def tags_that_are_to_be_incremental(reading: Reading, stage: Stage, given: Given) -> None:
    source = yaml.safe_load(given["literal"])["in"]
    for target in ("tags", "segments"):
        with pytest.raises(Permanent, match=f"target {target} has no incremental mode"):
            reading(Answering([]), {**source, "access_token": TOKEN, "target": target})
        stage.write(
            "manifests/tags.yaml",
            "apiVersion: tdr/v1\nkind: Import\nmetadata: {name: tags}\nspec:\n"
            f"  from: {{type: intercom, connection: in-the-console, target: {target}, incremental: true}}\n"
            "  to: {database: shop, table: tags}\n",
        )
        assert f"target {target} has no incremental mode" in stage.tdr("validate", expect=7).err


def two_ordinary_load_files(reading: Reading, stage: Stage, given: Given) -> None:
    first, second = (yaml.safe_load((FOLDER / path).read_text(encoding="utf-8")) for path in given["files"])
    (stage.folder / "manifests/activation.yaml").unlink()
    with stage.somebody() as td:
        td.create_database("support")
        for name, config in {"of intercom": first, "of sfdc": second}.items():
            parts = {part: config[part] for part in ("in", "out", "exec", "filters") if part in config}
            td.create_bulk_load({"name": name, "database": "support", "table": "people", "config": parts})
        told = {str(one["name"]): one["config"] for one in td.bulk_loads()}
    kept: Any = told
    assert kept["of intercom"]["out"]["mode"] == "append"
    assert kept["of intercom"]["in"]["target"] == "users"
    assert (kept["of sfdc"]["filters"], kept["of sfdc"]["exec"]) == ([], {})
    with pytest.raises(Permanent, match="`access_token` of the Intercom source is a placeholder"):
        reading(Answering([]), first["in"])
    said = stage.tdr("import", "--all", "--yes", "--kind", "import", expect=1, OF_INTERCOM_ACCESS_TOKEN=TOKEN)
    written = yaml.safe_load((stage.folder / "manifests/imports/of-intercom.yaml").read_text(encoding="utf-8"))
    assert written["spec"]["from"] == {
        "type": "intercom",
        "access_token": "${secret:env:OF_INTERCOM_ACCESS_TOKEN}",
        "target": "users",
    }
    assert "of-intercom" in said.out


LOAD = """apiVersion: tdr/v1
kind: Import
metadata: {{name: people}}
spec:
  from: {{type: files, paths: [data/people.parquet]}}
  to: {{database: shop, table: people, {to}}}
"""


def a_text_as_the_time(reading: Reading, stage: Stage, given: Given) -> None:
    del reading
    to = ", ".join(line.strip() for line in given["literal"].strip().splitlines())
    stage.write("manifests/people.yaml", LOAD.format(to=to))
    # No table of Treasure Data has timestamps, files do: the candidates of the document are told when it is checked …
    known = [f"{{name: {name}, type: {type_}}}" for name, type_ in given["columns"].items() if type_ != "timestamp"]
    table = "apiVersion: tdr/v1\nkind: Table\nmetadata: {name: people}\nspec: {database: shop, columns: [%s]}\n"
    stage.write("manifests/table.yaml", table % ", ".join(known))
    said = stage.tdr("validate", expect=7).err
    assert "time-column-type" in said
    assert "of these types are `created_at`" in said

    # … and those of the rows when they are there.
    (stage.folder / "manifests/table.yaml").unlink()
    path = stage.folder / "data/people.parquet"
    duckdb.sql(
        "SELECT 'jane.doe@example.com' AS email, 1700000000::BIGINT AS created_at, now()::TIMESTAMP AS signed_up"
    ).write_parquet(str(path))
    stage.tdr("apply", "--yes", "--target", "import/people")
    failed = stage.tdr("run", "import/people", expect=1)
    assert "of type long or timestamp are `created_at`, `signed_up`" in failed.out + failed.err
    assert "jane.doe" not in failed.out + failed.err


def always_replacing(reading: Reading, stage: Stage, given: Given) -> None:
    del reading
    stage.write("manifests/people.yaml", LOAD.format(to=f"mode: {given['manifest']['mode']}"))
    told = json.loads(stage.tdr("validate", "--format", "json").out)["diagnostics"]
    (found,) = [one for one in told if one["rule"] == "replace-empties"]
    assert (found["severity"], found["file"]) == ("notice", "manifests/people.yaml")
    assert "empties the table" in found["message"]
    assert "`mode: replace_on_new_data`" in found["hint"]


CHECKS: dict[str, Check] = {
    "import-001": rest_cases.a_cursor_that_never_changes,
    "import-002": a_scroll_whose_parameter_stays,
    "import-003": rest_cases.an_offset_without_a_total,
    "import-004": an_empty_page_with_a_cursor,
    "import-005": rest_cases.a_link_to_another_host,
    "import-006": rest_cases.a_server_that_gives_fewer_rows,
    "import-007": rest_cases.rows_at_the_border_for_ever,
    "import-008": rest_cases.rows_without_a_time,
    "import-009": rest_cases.lists_that_are_empty_null_or_missing,
    "import-010": rest_cases.a_flattened_name_that_exists,
    "import-011": rest_cases.one_object_instead_of_a_list,
    "import-012": rest_cases.windows_across_a_clock_change,
    "import-013": rest_cases.a_refusal_that_is_a_limit,
    "import-014": rest_cases.not_done_and_no_next_link,
    "import-015": rest_cases.the_spellings_of_the_documentation,
    "import-016": an_empty_cursor_at_the_end,
    "import-017": rest_cases.pages_by_number,
    "import-018": rest_cases.rows_below_the_position,
    "import-019": tags_that_are_to_be_incremental,
    "import-020": a_text_as_the_time,
    "import-021": two_ordinary_load_files,
    "import-022": rest_cases.windows_with_open_ends,
    "import-023": always_replacing,
}


@pytest.mark.parametrize(("check", "given"), cases_of("imports-and-paging", CHECKS))
def test_a_case_of_imports_and_paging(check: Check, given: Given, reading: Reading, stage: Stage) -> None:
    check(reading, stage, given)
