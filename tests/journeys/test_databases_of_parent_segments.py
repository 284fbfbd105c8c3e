"""Databases that the vendor builds of parent segments are told of and never declared; queries may read them."""

from __future__ import annotations

from segment_stage import activated, built
from stage import Stage

__all__ = ["activated", "built"]

NAME = "cdp_audience_1"
TOLD = f"database {NAME} is not declared: Treasure Data builds it and its tables from a parent segment, anew every time"


def declared(stage: Stage) -> set[str]:
    return {
        path.relative_to(stage.folder / "manifests").as_posix() for path in (stage.folder / "manifests").rglob("*.yaml")
    }


def test_everything_is_taken_over_but_what_is_built(built: Stage) -> None:
    with built.somebody() as td:
        assert NAME in {raw["name"] for raw in td.databases()}
        td.create_database("more")
        td.create_saved_query(
            "counted", {"database": NAME, "query": "SELECT count(*) FROM customers", "type": "presto"}
        )
    before = declared(built)

    told = built.tdr("import", "--all", "--format", "json").document

    assert declared(built) - before == {"databases/more.yaml", "queries/counted.yaml"}
    assert (told["left_out"], told["unlisted"], told["notes"]) == ([], [], [TOLD])
    assert built.tdr("plan", "--detailed-exitcode").code == 0
    assert f"database: {NAME}" in (built.folder / "manifests/queries/counted.yaml").read_text()


def test_the_notice_is_of_databases_only_and_of_their_names(built: Stage) -> None:
    assert f"notice: {TOLD}" in built.tdr("import", "--all", "--kind", "database", "--dry-run").out
    assert NAME not in built.tdr("import", "--all", "--kind", "query", "--dry-run").out
    assert NAME not in built.tdr("import", "--all", "--name-glob", "shop*", "--dry-run").out


def test_what_is_built_does_not_count_as_unmanaged(built: Stage) -> None:
    told = built.tdr("drift", "--unmanaged", "--format", "json").document

    assert [one for one in told["unmanaged"] if NAME in str(one)] == []
