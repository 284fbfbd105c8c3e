"""Who keeps state in a folder needs no driver, and who needs one is told which."""

from __future__ import annotations

import subprocess
import sys

import pytest

SHELVES = {
    "psycopg": "from reconciler.stores.postgres import PostgresShelf as S; S(Secret('env:D', 'host=h'), 'shop/prod')",
    "obstore": "from reconciler.stores.objects import ObjectShelf as S; S('bucket', 'shop/prod')",
}


@pytest.mark.parametrize(("package", "extra"), [("psycopg", "tdr[postgres]"), ("obstore", "tdr[s3]")])
def test_a_driver_that_is_not_installed_is_named_by_its_extra(package: str, extra: str) -> None:
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from reconciler.errors import UsageError\n"
        "from reconciler.model.secret import Secret\n"
        f"try: {SHELVES[package]}\n"
        "except UsageError as error: print(error.hint)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == f"run: pip install '{extra}'\n"


def test_opening_a_project_loads_no_driver() -> None:
    code = (
        "import sys, reconciler.wiring\n"
        "print(sorted({'psycopg', 'obstore', 'httpx', 'reconciler.stores.shared'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
