"""Further properties of a connection: what a document says of them is there, and what it says no more is gone."""

from __future__ import annotations

import pytest
from tenant_stage import ADDRESS, FILE, TenantStage

NAMES = ["colour", "report/level", "a~b", "~1", "a/b~0c", "with blank", "größe"]


def with_properties(tenant: TenantStage, **properties: str) -> None:
    """The document has these further properties, and no others."""
    before, _, _ = (tenant.stage.folder / FILE).read_text(encoding="utf-8").partition("  other_properties:")
    told = "".join(f'    "{name}": "{value}"\n' for name, value in properties.items())
    tenant.stage.write(FILE, before + ("  other_properties:\n" + told if told else ""))


def moves(tenant: TenantStage) -> dict[str, tuple[object, object]]:
    """Path -> before and after, of what a plan would do to the connection."""
    (change,) = tenant.tdr("plan", "--format", "json", expect=None).document["changes"]
    return {one["path"]: (one["before"], one["after"]) for one in change["fields"]}


@pytest.mark.parametrize("name", NAMES)
def test_a_property_comes_changes_and_goes_with_its_document(tenant: TenantStage, name: str) -> None:
    with_properties(tenant, **{name: "red", "stays": "yes"})
    tenant.tdr("apply", "--yes")
    assert tenant.the_connection()["properties"][name] == "red"

    with_properties(tenant, **{name: "blue", "stays": "yes"})
    tenant.tdr("apply", "--yes")
    assert tenant.the_connection()["properties"][name] == "blue"

    with_properties(tenant, stays="yes")
    assert moves(tenant) == {f"/other_properties/{name}": ("blue", None)}
    tenant.tdr("apply", "--yes")

    assert tenant.the_connection()["properties"] == {
        "clientId": "1500001",
        "startTime": "2026-01-01",
        "stays": "yes",
    }
    tenant.tdr("plan", "--detailed-exitcode")


def test_the_last_of_them_takes_the_block_along(tenant: TenantStage) -> None:
    with_properties(tenant, colour="red", shade="dark")
    tenant.tdr("apply", "--yes")
    with_properties(tenant)

    assert moves(tenant) == {"/other_properties/colour": ("red", None), "/other_properties/shade": ("dark", None)}
    tenant.tdr("apply", "--yes")

    assert set(tenant.the_connection()["properties"]) == {"clientId", "startTime"}
    tenant.tdr("plan", "--detailed-exitcode")


def test_what_nobody_declared_stays(tenant: TenantStage) -> None:
    with_properties(tenant, colour="red")
    tenant.tdr("apply", "--yes")
    tenant.control("PATCH", f"/connections/{tenant.the_connection()['id']}", {"properties": {"theirs": "1"}})
    with_properties(tenant)

    tenant.tdr("apply", "--yes")

    assert tenant.the_connection()["properties"]["theirs"] == "1"
    assert "colour" not in tenant.the_connection()["properties"]


@pytest.mark.parametrize("kind", ["answer_lost", "cut", "truncated"])
def test_an_answer_that_is_lost_on_the_way_loses_no_removal(tenant: TenantStage, kind: str) -> None:
    with_properties(tenant, colour="red")
    tenant.tdr("apply", "--yes")
    with_properties(tenant)
    # As often as one request is repeated.
    tenant.qlik.control.fault(kind, method="PATCH", path="/api/v1/data-connections/*", count=5)

    tenant.tdr("apply", "--yes")

    assert "colour" not in tenant.the_connection()["properties"]
    tenant.tdr("plan", "--detailed-exitcode")


def test_a_moment_is_compared_as_it_is_read(tenant: TenantStage) -> None:
    with_properties(tenant, since="2026-01-01T00:00:00Z")
    tenant.tdr("apply", "--yes")

    tenant.tdr("plan", "--detailed-exitcode")


def test_a_property_that_is_refused_is_named_and_no_code_is_asked_for(tenant: TenantStage) -> None:
    tenant.qlik.control.knobs(refuses_other_properties=True)
    with_properties(tenant, colour="red")

    said = tenant.tdr("apply", "--yes", expect=1)

    told = said.out + said.err
    assert "tells of no property 'colour'; it has: clientId, clientSecret, endTime, gateway, startTime" in told
    assert "/oauth-page/" not in told
    assert tenant.connections() == []


@pytest.mark.parametrize("message", ["startTime is not valid", "Bad or invalid request", "the tags are not valid"])
def test_a_refusal_of_anything_else_asks_for_no_code(tenant: TenantStage, message: str) -> None:
    path = "/api/v1/data-connections"
    tenant.qlik.control.fault("error", method="POST", path=path, status=400, message=message)

    said = tenant.tdr("apply", "--yes", expect=1)

    told = said.out + said.err
    assert message in told
    assert "correct what Qlik names; the properties sent were: clientId, clientSecret, startTime" in told
    assert "/oauth-page/" not in told
    assert f"{ADDRESS}" in told
