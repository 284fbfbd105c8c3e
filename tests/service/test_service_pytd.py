"""The vendor's pandas client, in an environment of its own, against the service: over jobs and over Trino's protocol."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from service_world import KEY, World, listening
from vendor_methods import CLIENTS, PAGE, told_on_the_page

CHECKOUT = Path(__file__).resolve().parents[2]
PYTHON = CHECKOUT / ".venv-vendor-pytd" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
DRIVER = Path(__file__).with_name("pytd_driver.py")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="no `.venv-vendor-pytd`: `make check` creates it"),
]
EXPECTED: dict[str, Any] = {
    "databases": ["sales", "shop"],
    "exists": [True, False, False],
    "no such database": "ValueError",
    "query": {"data": [["1", "'a'", "1.5", "None", "nan", "[1, 2]"]], "columns": ["n", "s", "d", "e", "f", "l"]},
    "by": "CustomTrinoCursor",
    "no rows": {"data": [], "columns": ["n"]},
    "typed": [
        *("datetime.date(2025, 3, 1)", "datetime.datetime(2025, 3, 1, 9, 0)", "Decimal('1.25')", "{'a': 1}", "True"),
    ],
    "many": [30_000, [1], [30_000], 450_015_000],
    "by job": {"data": [[2]], "columns": ["n"]},
    "with options": {"data": [[3]], "columns": ["n"]},
    "by hive": {"data": [[4]], "columns": ["n"]},
    "job": "SELECT 4 AS n",
    "wrong": "TrinoUserError",
    "wrong by job": "RuntimeError",
    "bulk import": [[1_700_000_000, "a@example.com", 1], [1_700_003_600, "it's", 2]],
    "there already": "RuntimeError",
    "appended": [[4]],
    "insert into": """[['', None], ['a@example.com', 0.5], ["it's", inf]]""",
    "tables": ["copies", "people", "scores"],
    "schemas": {
        "copies": [["email", "string"], ["n", "long"]],
        "people": [["email", "string"], ["n", "long"]],
        "scores": [["email", "string"], ["score", "double"]],
    },
    "deleted": False,
    "created": True,
    "default hive": {"data": [[5]], "columns": ["n"]},
    "dbapi": [[6]],
    "pandas": [7],
    "jobs": True,
}


@pytest.fixture
def driven(world: World, tmp_path: Path) -> dict[str, Any]:
    with listening(world) as url:
        environment = {"PATH": os.environ.get("PATH", ""), "TDR_SERVICE_URL": url, "TD_API_KEY": KEY}
        finished = subprocess.run(
            [PYTHON, DRIVER], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=300
        )
    assert finished.returncode == 0, finished.stderr
    result: dict[str, Any] = json.loads(finished.stdout)
    return result


def test_pytd_works_as_with_treasure_data(driven: dict[str, Any]) -> None:
    assert driven["told"] == EXPECTED
    assert driven["called"] == driven["members"]
    assert driven["writers"] == ["BulkImportWriter", "InsertIntoWriter", *CLIENTS["pytd"].does_not_apply]
    assert told_on_the_page("pytd")[0] == driven["called"]


def test_the_page_shows_how_it_finds_the_service() -> None:
    [shown] = re.findall(r"```python\n(class .+?)```", PAGE.read_text("utf-8"), re.DOTALL)

    assert shown in DRIVER.read_text("utf-8")
