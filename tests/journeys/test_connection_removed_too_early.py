"""An audience that goes in one change with its connection is not deleted by halves: the plan says in which order it can go."""

from __future__ import annotations

from stage import MANIFESTS, Stage


def test_a_connection_goes_after_what_is_deleted_through_it(applied: Stage) -> None:
    for name in ("pinterest", "activation"):
        (applied.folder / f"manifests/{name}.yaml").unlink()
    before = applied.records()

    (gate,) = applied.tdr("plan", "--format", "json", expect=3).document["gates"]
    applied.tdr("apply", "--yes", expect=3)

    assert (gate["rule"], gate["message"], gate["hint"]) == (
        "connection_in_use",
        "audience/spring-buyers can be deleted only through connection/pinterest-main, whose document is gone, too",
        (
            "put the document of connection/pinterest-main back and apply, which deletes audience/spring-buyers; "
            "then remove it and apply again"
        ),
    )
    assert applied.records() == before

    connection = MANIFESTS["manifests/pinterest.yaml"].partition("---\n")[0]
    applied.write("manifests/pinterest.yaml", connection)
    applied.tdr("apply", "--yes", *applied.approvals())
    (applied.folder / "manifests/pinterest.yaml").unlink()
    applied.tdr("apply", "--yes", *applied.approvals())

    assert applied.audiences() == []
    assert {address.partition("/")[0] for address in applied.records()} == {"database", "table", "import"}
