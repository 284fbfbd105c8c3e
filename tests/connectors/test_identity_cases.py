"""The cases from the field, each as written; they stand beside the checkout and are not part of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from export_world import Exports, digest, settings_of

from reconciler.connectors.sources.files import FilesSource
from reconciler.errors import Permanent
from reconciler.ports.loads import LoadRequest

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "cases"
FILE = SHARED / "identity-data.yaml"
if not FILE.exists():
    pytest.skip("the shared cases are not beside this checkout", allow_module_level=True)
CASES: list[dict[str, Any]] = yaml.safe_load(FILE.read_text())["cases"]
WITH_ROWS = [case for case in CASES if "rows" in case["given"] or "rows_escaped" in case["given"]]

ADD = "add_people_to_current_audience"


def rows_in(case: dict[str, Any]) -> list[str | None]:
    given = case["given"]
    return given["rows"] if "rows" in given else [json.loads(row) for row in given["rows_escaped"]]


@pytest.mark.parametrize("case", WITH_ROWS, ids=lambda case: case["id"])
def test_a_case_with_rows_sends_what_it_says_and_nothing_else(case: dict[str, Any], exports: Exports) -> None:
    given, expected = case["given"], case["expect"]
    values = expected.get("values", {})
    audience = exports.api.with_audience()
    rows = rows_in(case)
    settings = settings_of(ADD, audience)
    if "ignore_invalid_records" in given:
        settings["ignore_invalid_records"] = given["ignore_invalid_records"]

    if expected["outcome"] in ("reject", "safe_stop"):
        with pytest.raises(Permanent) as caught:
            exports.run(rows, settings, column=given["column"])
        bad = {"ident-008": 1, "ident-016": 2}[case["id"]]
        assert f"row {bad}" in caught.value.message
        assert not any(row and row in f"{caught.value} {caught.value.hint} {exports.events}" for row in rows)
        assert exports.api.members_of(audience) == set()
        assert exports.api.writes == []
        return

    report = exports.run(rows, settings, column=given["column"])

    sent = exports.api.members_of(audience)
    wanted = {values["row1"]} if "row1" in values else set(values["sent"])
    assert sent == wanted
    assert not sent & set(expected.get("forbidden", []))
    assert exports.api.sizes() == ([len(wanted)] if wanted else [])
    refused = sum(report.rejected.values())
    if "invalid" in values:
        assert refused == values["invalid"]
    if "dropped" in values:
        assert report.rejected == {"zero_id": values["dropped"]}
        assert any("all-zero id" in event for event in exports.events)
    if "duplicates_removed" in values:
        assert report.duplicates == values["duplicates_removed"]
    if case["id"] == "ident-006":
        assert report.rejected == {"looks_like_md5": 1, "looks_like_sha1": 1}


def test_ident_009_any_but_one_known_column_is_refused_before_a_member_is_sent(exports: Exports) -> None:
    case = next(case for case in CASES if case["id"] == "ident-009")
    audience = exports.api.with_audience()
    for columns in case["given"]["columns_list"]:
        names = [column.split(" AS ")[-1] for column in columns]
        with duckdb.connect() as connection:
            select = ", ".join(f"'a@example.com' AS {name}" for name in names)
            connection.execute(f"CREATE VIEW rows AS SELECT {select}")
            with pytest.raises(Permanent, match="must return exactly one of"):
                exports.run_on(connection, settings_of(ADD, audience))
    assert exports.api.writes == []


def test_ident_010_batches_are_as_large_as_allowed(make_exports: Callable[[], Exports]) -> None:
    case = next(case for case in CASES if case["id"] == "ident-010")
    limit = case["given"]["limit_records_per_request"]
    sizes = {}
    for count in case["given"]["distinct_rows"]:
        exports = make_exports()
        audience = exports.api.with_audience()
        exports.run(
            [f"p{number}@example.com" for number in range(count)],
            settings_of(ADD, audience, limit_records_per_request=limit),
        )
        sizes[count] = exports.api.sizes()

    values = case["expect"]["values"]
    assert [len(calls) for calls in sizes.values()] == values["calls"]
    assert sizes[10001] == values["sizes_10001"]
    assert sizes[25000] == values["sizes_25000"]


def test_ident_013_a_csv_with_a_byte_order_mark_is_read(exports: Exports) -> None:
    case = next(case for case in CASES if case["id"] == "ident-013")
    audience = exports.api.with_audience()
    source = FilesSource(SHARED)
    with duckdb.connect() as connection:
        request = LoadRequest({"type": "files", "paths": [case["given"]["file"]]}, "load")
        relation = source.read(request, connection, lambda *_: None).relation
        connection.execute(f"CREATE VIEW rows AS SELECT * FROM {relation}")
        exports.run_on(connection, settings_of(ADD, audience))

    assert exports.api.members_of(audience) == set(case["expect"]["values"]["sent"])


def test_every_case_of_the_file_is_covered() -> None:
    special = {"ident-009", "ident-010", "ident-013"}
    assert {case["id"] for case in CASES} == {case["id"] for case in WITH_ROWS} | special
    assert digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
