"""The version of the engine that a query runs on: declared, sent, and held against what was sent, for accounts do not tell it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from stage import Stage, environment

QUERY = """\
apiVersion: tdr/v1
kind: Database
metadata: {name: shop}
spec: {}
---
apiVersion: tdr/v1
kind: Query
metadata: {name: totals}
spec: {database: shop, sql: SELECT 1 AS one, engine_version: stable}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Stage:
    folder = tmp_path / "shop"
    folder.mkdir()
    stage = Stage(folder, None, environment(folder))
    stage.write("tdr.yaml", "apiVersion: tdr/v1\nproject: shop\n")
    stage.write("manifests/shop.yaml", QUERY)
    return stage


def test_a_version_is_sent_and_a_change_of_it_is_a_change(shop: Stage) -> None:
    shop.tdr("apply", "--yes")
    shop.tdr("plan", "--detailed-exitcode")
    shop.edit("manifests/shop.yaml", "engine_version: stable", 'engine_version: "350"')

    said = shop.tdr("plan", "--detailed-exitcode", expect=2).out

    assert re.search(r'~ engine_version +"stable" +(->|→) +"350"', said)
    shop.tdr("apply", "--yes")
    shop.tdr("plan", "--detailed-exitcode")


def test_a_version_that_is_no_longer_declared_is_left_as_it_is(shop: Stage) -> None:
    shop.tdr("apply", "--yes")
    shop.edit("manifests/shop.yaml", ", engine_version: stable", "")

    shop.tdr("plan", "--detailed-exitcode")


def test_a_version_that_the_vendor_does_not_know_is_told_with_the_query(shop: Stage) -> None:
    shop.edit("manifests/shop.yaml", "engine_version: stable", "engine_version: newest")

    said = shop.tdr("apply", "--yes", expect=6)

    assert "Engine version is not included in the list: 'newest'" in said.out + said.err
