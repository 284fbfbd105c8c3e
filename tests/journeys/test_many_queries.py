"""An account with thousands of saved queries: a plan lists them once, whatever is declared of them."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from stage import Stage

MANY = 5_000


@pytest.mark.slow
def test_a_plan_that_changes_nothing_lists_all_queries_once(applied: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    with applied.somebody() as td:
        for number in range(MANY):
            fields: dict[str, str | int] = {"type": "trino", "database": "shop", "query": "SELECT 1", "cron": ""}
            td.create_saved_query(f"of-others-{number}", fields)
    declared = (
        "apiVersion: tdr/v1\nkind: Query\nmetadata: {name: of-others-%d}\nspec: {database: shop, sql: SELECT 1}\n"
        "lifecycle: {adopt: always}\n"
    )
    applied.write("manifests/queries.yaml", "---\n".join(declared % number for number in range(0, MANY, 5)))
    applied.tdr("apply", "--yes")

    said = applied.process("plan", "--detailed-exitcode", TDR_LOG="debug")

    asked = Counter(re.findall(r"call='treasure_data: (\S+ \S+)'", said.err))
    with capsys.disabled():
        print(f"\n{MANY} saved queries, {MANY // 5 + 1} of them declared: {asked.total()} requests, {dict(asked)}")  # noqa: T201
    about_queries = {call: count for call, count in asked.items() if "/schedule" in call}
    assert about_queries == {"GET /v3/schedule/list": 1}
