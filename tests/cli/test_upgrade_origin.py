"""What an earlier release applied in another form is told in a plan with the release that says it otherwise."""

from __future__ import annotations

from dataclasses import replace

from stage import Stage, as_if_in

from reconciler import __version__
from reconciler.model.address import Address
from reconciler.stores.local import LocalStore

QUERY = """\
apiVersion: tdr/v1
kind: Query
metadata: {name: sizes}
spec: {database: shop, sql: SELECT 1 AS n, retry_limit: 2}
"""
SIZES = Address("query", "sizes")


def as_earlier_release(stage: Stage) -> None:
    """Leave state and vendor as a release would have that wrote one more retry."""
    with as_if_in(stage.folder, stage.environ):
        store = LocalStore(stage.state, "local", project="shop")
        with store.lock("apply", "earlier", 0):
            state = store.read().state
            record = state.records[SIZES]
            earlier = replace(record, applied={**record.applied, "retry_limit": 3}, written_by="0.0.9")
            store.checkpoint(state.with_record(SIZES, earlier), state.serial)
    with stage.somebody() as client:
        client.update_saved_query("sizes", {"retry_limit": 3})


def test_a_plan_names_the_release(applied: Stage) -> None:
    applied.write("manifests/sizes.yaml", QUERY)
    applied.tdr("apply", "--yes")
    as_earlier_release(applied)

    text = applied.tdr("plan").out
    document = applied.tdr("plan", "--format", "json").document

    assert f"[upgrade: tdr {__version__} says it so]" in text
    assert "1 from upgrade." in text
    (change,) = [one for one in document["changes"] if one["address"] == "query/sizes"]
    assert (change["reason"], change["origin"]) == ("schema_upgraded", "upgrade")
    assert [(one["path"], one["origin"], one["introduced_in"]) for one in change["fields"]] == [
        ("/retry_limit", "upgrade", __version__)
    ]
    assert document["origins"] == {"upgrade": 1}
    told = applied.tdr("explain", "query/sizes", "--format", "json").document["fields"]
    assert {field["path"]: field["origin"] for field in told}["/retry_limit"] == "upgrade"
    assert applied.tdr("drift").code == 0


def test_the_same_difference_under_an_edited_manifest_is_an_edit(applied: Stage) -> None:
    applied.write("manifests/sizes.yaml", QUERY)
    applied.tdr("apply", "--yes")
    as_earlier_release(applied)
    applied.edit("manifests/sizes.yaml", "retry_limit: 2", "retry_limit: 1")

    assert applied.tdr("plan", "--format", "json").document["origins"] == {"config": 1}
