"""False differences and missed ones that people really met, from the development cases beside the checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from reconciler.providers.treasure_data import results, wire
from reconciler.providers.treasure_data.timings import Timings

CASES = Path(__file__).resolve().parents[4] / "shared" / "cases" / "reconcile-diff.yaml"

pytestmark = pytest.mark.skipif(not CASES.exists(), reason="the development cases are not beside this checkout")


def given(case_id: str) -> dict[str, Any]:
    cases = yaml.safe_load(CASES.read_text())["cases"]
    found: dict[str, Any] = next(case["given"] for case in cases if case["id"] == case_id)
    return found


def test_sql_that_the_server_trimmed_is_the_same() -> None:
    case = given("diff-001")

    for written, told in zip(case["manifest_sql"], case["server_sql"], strict=True):
        assert wire.comparable_sql(written) == wire.comparable_sql(told)


def test_blanks_inside_a_literal_are_a_change() -> None:
    case = given("diff-002")

    assert wire.comparable_sql(case["manifest_sql"]) != wire.comparable_sql(case["server_sql"])


def test_numbers_and_text_are_the_same() -> None:
    case = given("diff-003")

    assert results.read_settings(orjson.dumps(case["server"]).decode()) == case["manifest"]


def test_a_mask_is_no_value() -> None:
    case = given("diff-008")

    assert results.read_settings(orjson.dumps(case["server"]).decode()) == {"name": "pin"}


def test_a_zone_after_the_cron_is_no_change_and_no_cron_is_one() -> None:
    case = given("diff-012")
    manifest, server = case["manifest"], case["server"]
    declared = Timings().comparable(manifest["cron"], manifest["timezone"])

    assert Timings().comparable(server["cron"], server["timezone"]) == declared
    assert Timings().comparable("", server["timezone"]) != declared
