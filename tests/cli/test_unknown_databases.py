"""A database that nobody declares and that is not there is found by the plan, at its place, and not by half an apply."""

from __future__ import annotations

import pytest
from stage import Stage

HEAD = "apiVersion: tdr/v1\nkind: {kind}\nmetadata: {{name: other}}\nspec:\n"
QUERY = HEAD.format(kind="Query") + "  database: NAMED\n  sql: SELECT 1 AS n\n"
IMPORT = HEAD.format(kind="Import") + "  from: {type: files, paths: [a.csv]}\n  to: {database: NAMED, table: people}\n"


@pytest.mark.parametrize(
    ("document", "kind", "place"),
    [(QUERY, "query", "5:13"), (IMPORT, "import", "6:18")],
)
@pytest.mark.parametrize(
    ("named", "hint"), [("shopp", "did you mean `shop`?"), ("elsewhere", "declare it with a Database document")]
)
@pytest.mark.parametrize("verb", [("plan",), ("apply", "--yes")], ids=["plan", "apply"])
def test_a_database_that_is_nowhere_is_refused_at_its_place(
    project: Stage, document: str, kind: str, place: str, named: str, hint: str, verb: tuple[str, ...]
) -> None:
    project.write("manifests/other.yaml", document.replace("NAMED", named))

    said = project.tdr(*verb, expect=7)

    assert f"error[unknown-database]: there is no database {named!r}, and no document declares one" in said.err
    assert f"manifests/other.yaml:{place}" in said.err
    assert hint in said.err
    assert f"{kind}/other" not in project.records()


def test_a_database_that_somebody_made_is_as_good_as_a_declared_one(project: Stage) -> None:
    project.write("manifests/other.yaml", QUERY.replace("NAMED", "elsewhere"))
    with project.somebody() as client:
        client.create_database("elsewhere")

    assert "query/other" in project.tdr("plan").out
