"""What the command line does not load until a verb needs it: each of these costs a tenth of a second or more."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "datafusion",
    "duckdb",
    "pyarrow",
    "deepdiff",
    "httpx",
    "sqlglot",
    "pydantic",
    "starlette",
    "uvicorn",
    "cryptography",
    "yaml",
    "orjson",
}
# typer brings pydantic when it reads a verb's options.
WITH_OPTIONS = HEAVY - {"pydantic"}
KEY = base64.urlsafe_b64encode(b"k" * 32).decode()
LOADED = """
import json, sys
from reconciler.cli.main import main
code = main(sys.argv[1:])
print(json.dumps([code, sorted({name.partition(".")[0] for name in sys.modules})]))
"""


def loaded_by(folder: Path, *arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments],
        cwd=folder,
        env={**os.environ, "TDR_KEY": KEY},
        capture_output=True,
        text=True,
        check=True,
    )
    code, modules = json.loads(done.stdout.splitlines()[-1])
    assert code == 0, done.stderr
    return set(modules)


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (("--help",), HEAVY),
        (("plan", "--help"), WITH_OPTIONS),
        (("--version",), WITH_OPTIONS),
        (("version",), WITH_OPTIONS),
        (("version", "--format", "json"), WITH_OPTIONS),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_help_and_version_load_nothing_heavy(tmp_path: Path, arguments: tuple[str, ...], unwanted: set[str]) -> None:
    assert loaded_by(tmp_path, *arguments) & unwanted == set()


NOT_FOR_A_PLAN = {
    "datafusion",
    "duckdb",
    "pyarrow",
    "deepdiff",
    "sqlglot",
    "uvicorn",
    "rich",
    "cryptography",
    "structlog",
    "certifi",
}
"""Engines for rows, what shows differences, what serves others and seals, and the certificates of the internet."""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "tdr.yaml").write_text("apiVersion: tdr/v1\nproject: small\nenvironments: {local: {}}\n")
    (tmp_path / "manifests" / "shop.yaml").write_text(
        "apiVersion: tdr/v1\nkind: Database\nmetadata: {name: shop}\nspec: {}\n"
    )
    return tmp_path


def test_a_plan_without_rows_loads_no_engine_for_rows(shop: Path) -> None:
    assert loaded_by(shop, "plan") & NOT_FOR_A_PLAN == set()


def test_a_plan_where_nothing_changed_loads_no_more(shop: Path) -> None:
    loaded_by(shop, "apply", "--yes")

    assert loaded_by(shop, "plan") & NOT_FOR_A_PLAN == set()
