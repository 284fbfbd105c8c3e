"""A CSV file without its line of names: nothing is loaded, and nobody's address becomes the name of a column."""

from __future__ import annotations

import pytest
from stage import Stage

TABLE = """\
apiVersion: tdr/v1
kind: Database
metadata: {name: shop}
spec: {}
---
apiVersion: tdr/v1
kind: Table
metadata: {name: customers}
spec:
  database: shop
  columns: [{name: email, type: string}, {name: orders, type: long}]
---
apiVersion: tdr/v1
kind: Import
metadata: {name: customers}
spec:
  from: {type: files, paths: [data/customers.csv]}
  to: {database: shop, table: customers, mode: replace_on_new_data}
"""


@pytest.fixture
def shop(project: Stage) -> Stage:
    """A table of one customer, loaded from a good file."""
    for path in (project.folder / "manifests").glob("*.yaml"):
        path.unlink()
    project.write("manifests/shop.yaml", TABLE)
    project.write("data/customers.csv", "email,orders\nfirst.customer@example.com,3\n")
    project.tdr("apply", "--yes")
    project.tdr("run", "import/customers")
    return project


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            "one.person@example.com,3\ntwo.person@example.com,4\n",
            "file `data/customers.csv`, line 1: column 1 is named like an e-mail address",
        ),
        (
            "9f86d081,3\n60303ae2,4\n",
            "file `data/customers.csv` has no column `email`, `orders`, which the table declares;",
        ),
    ],
)
def test_a_file_without_names_changes_nothing(shop: Stage, content: str, told: str) -> None:
    shop.write("data/customers.csv", content)

    said = shop.tdr("run", "import/customers", expect=1)

    assert told in said.err
    for first in content.splitlines()[0].split(","):
        assert first == "3" or first not in said.out + said.err
    shop.tdr("plan", "--detailed-exitcode", expect=0)
    with shop.somebody() as client:
        [table] = client.tables("shop")
        assert table["count"] == 1
