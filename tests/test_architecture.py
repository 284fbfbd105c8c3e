"""Who may import whom holds for all modules, also for those that come."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
LINT = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"

BELONGS_IN = {
    "terminal-in-cli": {"cli"},
    "drivers-in-stores": {"stores"},
    "rows-where-rows-are": {"ports", "dataplane", "connectors", "service", "wiring"},
    "servers-answer": {"service", "emulators", "web"},
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of all modules and their contracts."""
    shutil.copytree(
        CHECKOUT / "reconciler",
        tmp_path / "reconciler",
        ignore=lambda _, names: [n for n in names if n == "__pycache__"],
    )
    shutil.copy(CHECKOUT / ".importlinter", tmp_path)
    return tmp_path


def linted(tree: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache"],
        cwd=tree,
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_modules_are_where_they_belong(tree: Path) -> None:
    code, told = linted(tree)

    assert (code, "0 broken" in told) == (0, True), told


def test_a_new_top_level_module_needs_a_place(tree: Path) -> None:
    (tree / "reconciler" / "stray.py").write_text('"""Knows nobody."""\n')

    code, told = linted(tree)

    assert code == 1
    assert "reconciler.stray" in told


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        ("model/stray.py", "import reconciler.engine.operations", "Arrows point down"),
        ("reports/stray.py", "from rich.console import Console", "What draws on terminals only in the command line"),
        ("commands/stray.py", "import typer", "What draws on terminals only in the command line"),
        ("scrubbing.py", "import duckdb", "The engine of rows only where rows are moved"),
        ("wiring/stray.py", "import obstore", "Drivers of databases, object stores and keyrings only where"),
        ("logs.py", "import starlette.types", "Servers only where requests are answered"),
    ],
)
def test_an_import_that_does_not_belong_breaks_its_contract(tree: Path, module: str, line: str, broken: str) -> None:
    with (tree / "reconciler" / module).open("a") as file:
        file.write(f"{line}\n")

    code, told = linted(tree)

    assert code == 1
    assert [name for name in told.splitlines() if name.startswith(broken) and name.endswith("BROKEN")] != [], told


@pytest.mark.parametrize(("contract", "there"), BELONGS_IN.items())
def test_what_belongs_in_few_modules_is_forbidden_in_all_others(contract: str, there: set[str]) -> None:
    written = configparser.ConfigParser()
    written.read(CHECKOUT / ".importlinter")
    forbidden_in = written[f"importlinter:contract:{contract}"]["source_modules"].split()

    assert sorted(forbidden_in) == sorted(f"reconciler.{name}" for name in _top_level() - there)


def _top_level() -> set[str]:
    folder = CHECKOUT / "reconciler"
    packages = {path.parent.name for path in folder.glob("*/__init__.py")}
    return packages | {path.stem for path in folder.glob("*.py")} - {"__init__"}


def test_no_two_modules_of_tests_have_one_name() -> None:
    """Each process of tests imports them all by their names, and would take the one for the other."""
    names = [path.name for path in (CHECKOUT / "tests").rglob("*.py") if path.name != "conftest.py"]

    assert {name for name in names if names.count(name) > 1} == set()


def test_nobody_imports_a_conftest() -> None:
    # There are many of that name, and which one is found depends on what ran before.
    found = [
        str(path.relative_to(CHECKOUT))
        for path in (CHECKOUT / "tests").rglob("*.py")
        for line in path.read_text("utf-8").splitlines()
        if line.startswith(("from conftest import", "import conftest"))
    ]
    assert found == []
