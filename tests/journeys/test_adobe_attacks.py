"""Adobe at its worst: lists that lose pages, twins, rights that are missing, and others who use what is ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from adobe_stage import ONE_OF_EACH, PASSWORD, counted, forget_traffic, kept, listing_project, writes
from stage import Stage

from reconciler.emulators.adobe.sandbox import AdobeSandbox

DOCUMENTS = "manifests/lists.yaml"
REGISTRATION, ACCOUNT, FLOW = "sourceregistration/lists", "sourceaccount/lists-emea", "dataflow/newsletter"
LISTS = ["connectionSpecs", "flowSpecs", "connections", "sourceConnections", "targetConnections", "flows"]


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[Stage, AdobeSandbox]]:
    with listing_project(tmp_path / "lists") as (stage, adobe):
        stage.tdr("apply", "--yes")
        forget_traffic(adobe)
        yield stage, adobe


def put(adobe: AdobeSandbox, kind: str, **told: object) -> str:
    """Somebody makes another like the only object of a kind, but for what is *told*. Returns its id."""
    world = adobe.adobe.world
    (there,) = kept(adobe, kind)
    return str(world.put(world.sandboxes["prod"], kind, {**there, **told})["id"])


def test_what_goes_first_goes_first_though_what_is_between_stays(both: tuple[Stage, AdobeSandbox]) -> None:
    stage, adobe = both
    world = adobe.adobe.world
    other = {**kept(adobe, "flowSpecs")[0], "name": "another", "sourceConnectionSpecIds": []}
    world.put(world.sandboxes["prod"], "flowSpecs", other, "other-flow-spec")
    stage.edit(DOCUMENTS, "name: List members", "name: List members, flow_spec: other-flow-spec")
    stage.edit(DOCUMENTS, "  account: lists-emea", "  flow_spec: other-flow-spec\n  account: lists-emea")
    adobe.control.fault("slow", method="PUT", path="/flowSpecs/*", delay_s=0.4, count=None)

    stage.tdr("apply", "--yes", *stage.approvals())

    order = [
        call for call in writes(adobe) if call in {"PUT /flowSpecs/*", "PUT /flowSpecs/other-flow-spec", "POST /flows"}
    ]
    assert order[-1] == "POST /flows"
    assert kept(adobe, "flows")[0]["flowSpec"]["id"] == "other-flow-spec"


@pytest.mark.parametrize("kind", LISTS)
def test_a_list_that_loses_a_page_changes_nothing(both: tuple[Stage, AdobeSandbox], kind: str) -> None:
    stage, adobe = both
    stage.clock.leap(600)
    adobe.control.fault("page_dropped", method="GET", path=f"/{kind}", count=None)

    stage.tdr("plan", "--detailed-exitcode")
    assert stage.tdr("drift", expect=None).code == 0
    stage.tdr("apply", "--yes")

    assert writes(adobe) == []
    assert counted(adobe) == ONE_OF_EACH


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("status", [403, 500])
def test_a_list_that_cannot_be_read_decides_nothing(both: tuple[Stage, AdobeSandbox], kind: str, status: int) -> None:
    stage, adobe = both
    stage.clock.leap(600)
    adobe.control.fault(
        "error", method="GET", path=f"/{kind}", status=status, code=2120 if status == 403 else 1102, count=None
    )

    stage.tdr("plan", expect=None)
    said = stage.tdr("apply", "--yes", expect=None)

    assert said.code != 0
    assert writes(adobe) == []
    assert counted(adobe) == ONE_OF_EACH


@pytest.mark.parametrize(
    ("address", "kind"), [(REGISTRATION, "connectionSpecs"), (ACCOUNT, "connections"), (FLOW, "flows")]
)
def test_of_two_of_one_name_a_person_says_which(both: tuple[Stage, AdobeSandbox], address: str, kind: str) -> None:
    stage, adobe = both
    (ours,) = kept(adobe, kind)
    put(adobe, kind)
    stage.tdr("plan", "--detailed-exitcode")  # the one that is remembered is meant

    stage.tdr("state", "rm", address)
    asked = stage.tdr("apply", "--yes", expect=3)
    told = asked.out + asked.err
    assert "2 objects have its name" in told
    assert f"{ours['id']} created 20" in told
    assert "audience_id" not in told
    assert "imports: [{to: " in told
    assert writes(adobe) == []

    stage.write(
        "manifests/which.yaml",
        f"apiVersion: tdr/v1\nkind: Transitions\nimports: [{{to: {address}, id: {ours['id']}}}]\n",
    )
    stage.tdr("apply", "--yes", *stage.approvals())
    assert stage.records()[address]["id"] == ours["id"]


@pytest.mark.parametrize("kind", ["sourceConnections", "targetConnections"])
def test_a_part_that_others_use_too_stays_with_them(both: tuple[Stage, AdobeSandbox], kind: str) -> None:
    stage, adobe = both
    put(adobe, "flows", name="somebody's, of our parts")

    said = stage.tdr("destroy", "--yes", "--env", "local", "--target", FLOW, expect=None)

    assert said.code == 0, said.out + said.err
    assert [one["name"] for one in kept(adobe, "flows")] == ["somebody's, of our parts"]
    assert len(kept(adobe, kind)) == 1


@pytest.mark.parametrize("fault", ["answer_lost", "cut", "cut_midway", "truncated"])
def test_a_new_secret_gets_there_whatever_becomes_of_the_answer(both: tuple[Stage, AdobeSandbox], fault: str) -> None:
    stage, adobe = both
    adobe.control.fault(fault, method="PATCH", path="/connections/*")
    stage.environ["LISTS_PASSWORD"] = "FAKE-password-that-is-new"

    stage.tdr("apply", "--yes", expect=None)
    stage.tdr("apply", "--yes")

    (account,) = kept(adobe, "connections")
    assert account["auth"]["params"]["password"] == "FAKE-password-that-is-new"
    stage.tdr("plan", "--detailed-exitcode")
    assert PASSWORD not in "".join(stage.heard)


@pytest.mark.parametrize("status", [404, 409, 410, 412, 423])
@pytest.mark.parametrize(
    ("method", "path"), [("PATCH", "/connections/*"), ("PATCH", "/flows/*"), ("PUT", "/connectionSpecs/*")]
)
def test_a_write_that_is_refused_fails_once_and_is_planned_again(
    both: tuple[Stage, AdobeSandbox], method: str, path: str, status: int
) -> None:
    stage, adobe = both
    stage.edit(DOCUMENTS, "name: List members", "name: Others")
    stage.edit(DOCUMENTS, "  auth: Basic", "  description: who\n  auth: Basic")
    stage.edit(DOCUMENTS, "interval: 6", "interval: 12")
    adobe.control.fault("error", method=method, path=path, status=status, code=1404, message="not so")

    refused = stage.tdr("apply", "--yes", expect=None)
    assert refused.code in {1, 6}
    assert "not so" in refused.out + refused.err
    stage.tdr("apply", "--yes")

    assert counted(adobe) == ONE_OF_EACH
    stage.tdr("plan", "--detailed-exitcode")


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("interval: 6", "interval: 12", "flows"),
        ("mapping: {id: map-1}", "mapping: {id: map-2}", "flows"),
        ("domain: emea, username: reader", "domain: apac, username: reader", "connections"),
        ("  auth: Basic", "  description: who\n  auth: Basic", "connections"),
        ("name: List members", "name: Others", "connectionSpecs"),
    ],
    ids=["schedule", "mapping", "parameter", "description", "name"],
)
def test_what_was_changed_can_be_rolled_back_with_its_secrets(
    both: tuple[Stage, AdobeSandbox], before: str, after: str, kind: str
) -> None:
    stage, adobe = both
    stage.edit(DOCUMENTS, 'start: "2031-01-31T06:00:00Z", ', "")
    stage.edit(DOCUMENTS, "{listId: a1b2}", '{listId: a1b2, size: 7, of: {a: ["=", 1]}}')
    stage.tdr("apply", "--yes", *stage.approvals())
    (there,) = kept(adobe, kind)
    stage.edit(DOCUMENTS, before, after)
    stage.tdr("apply", "--yes")
    newest = stage.tdr("history", "--format", "json").document["runs"][0]["run"]

    stage.tdr("rollback", newest, "--yes")

    (again,) = kept(adobe, kind)
    moved = {name for name in there | again if there.get(name) != again.get(name)}
    assert moved <= {"updatedAt", "etag", "description", "permissionsInfo", "settings"}  # these two Adobe adds itself
    stage.edit(DOCUMENTS, after, before)
    stage.tdr("plan", "--detailed-exitcode")
