"""Activations that are steps of journeys: read, taken over, changed, and never made or removed."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from segment_stage import activated, asked, built
from stage import Stage

__all__ = ["activated", "built"]

FILE = "manifests/step.yaml"
ADDRESS = "activation/welcome-mail"
DOCUMENT = """\
apiVersion: tdr/v1
kind: Activation
metadata: {name: welcome-mail}
spec:
  from: {journey: {parent_segment: people, name: Welcome}}
  name: Welcome mail
  to: {audience: spring-buyers}
  membership: add
  columns: [{column: email}]
"""


@pytest.fixture
def drawn(activated: Stage) -> Stage:
    """A journey with versions, whose newest has a step that sends to the audience that there is."""
    activation = asked(activated, "GET", "/audiences/1/syndications")[0]
    root = asked(activated, "GET", "/audiences/1")["rootFolderId"]
    for version in (1, 2):
        attributes = {
            "name": f"Welcome v{version}",
            "journeyBundleId": "77",
            "journeyBundleName": "Welcome",
            "versionNumber": version,
            "journeyStages": [{"name": "First"}],
        }
        place = {"parentFolder": {"data": {"id": root, "type": "folder-segment"}}}
        body = {"type": "journey", "attributes": attributes, "relationships": place}
        journey = asked(activated, "POST", "/entities/journeys", body)["data"]["id"]
        config = {
            "ad_account_id": "549700000001",
            "audience_type": "customer_list",
            "ignore_invalid_records": True,
            "action": "ADD_PEOPLE_TO_CURRENT_AUDIENCE",
            "audience_id_add_people": activated.audiences()[0]["id"],
        }
        params = {
            "name": "Welcome mail",
            "description": "Sent on the first day",
            "connectionId": activation["connectionId"],
            "connectorConfig": config,
            "columns": [{"column": "email", "source": {"column": "email"}}],
            "activationTemplateId": "9",
        }
        step = {"type": "journeyActivationStep", "attributes": {"activationId": None, "activationParams": params}}
        asked(activated, "POST", f"/entities/journeys/{journey}/activations", step)
    return activated


def steps(stage: Stage, journey: int) -> list[dict[str, Any]]:
    told = asked(stage, "GET", f"/entities/journeys/{journey}/activations")["data"]
    return [one["attributes"]["activationParams"] for one in told]


def planned(stage: Stage) -> dict[str, list[str]]:
    changes = stage.tdr("plan", "--format", "json", expect=None).document["changes"]
    return {one["address"]: [field["path"] for field in one["fields"]] for one in changes if one["actions"] != ["noop"]}


def test_one_is_taken_over_changed_and_put_back_without_touching_the_rest(drawn: Stage) -> None:
    drawn.write(FILE, DOCUMENT)
    assert "adoption_required" in drawn.tdr("plan", expect=3).out
    drawn.tdr("import", ADDRESS, "1/journeys/2/2")
    assert planned(drawn) == {}
    drawn.edit(FILE, "membership: add\n", "membership: remove\n  schedule: nightly\n  description: For spring\n")

    drawn.tdr("apply", "--yes")

    (one,) = steps(drawn, 2)
    assert one["connectorConfig"]["action"] == "REMOVE_PEOPLE_TO_CURRENT_AUDIENCE"
    assert "audience_id_add_people" not in one["connectorConfig"]
    assert (one["repeatUnit"], one["startAt"][11:], one["timezone"]) == ("day", "03:00:00", "Asia/Tokyo")
    assert (one["description"], one["activationTemplateId"]) == ("For spring", "9")
    assert steps(drawn, 1)[0]["description"] == "Sent on the first day", "an older version stays as it is"
    assert planned(drawn) == {}
    attributes = {"activationId": None, "activationParams": {"name": "Welcome mail", "allColumns": True}}
    asked(drawn, "PATCH", "/entities/journeys/2/activations/2", {"attributes": attributes})
    assert planned(drawn) == {ADDRESS: ["/all_columns"]}
    drawn.tdr("drift", expect=2)
    drawn.tdr("apply", "--yes", *drawn.approvals())
    assert steps(drawn, 2)[0]["allColumns"] is False


def test_all_of_an_account_are_found_and_written_down(drawn: Stage) -> None:
    drawn.tdr("import", "--all", "--yes")

    text = (drawn.folder / "manifests/activations/welcome-mail.yaml").read_text(encoding="utf-8")
    spec = yaml.safe_load(text)["spec"]
    assert spec["from"] == {"journey": {"parent_segment": "people", "name": "Welcome"}}
    assert (spec["name"], spec["description"]) == ("Welcome mail", "Sent on the first day")
    assert drawn.records()[ADDRESS]["id"] == "1/journeys/2/2"
    assert planned(drawn) == {}
    told = drawn.tdr("status", ADDRESS, "--format", "json").document
    assert told["resources"][0]["runs"] == []
    said = drawn.tdr("run", ADDRESS, expect=1).err
    assert "runs when its journey does" in said


def test_what_leaves_is_told_as_of_any_other(drawn: Stage) -> None:
    drawn.write(FILE, DOCUMENT + "lifecycle: {adopt: always}\n")
    drawn.tdr("apply", "--yes")
    drawn.edit(FILE, "  columns: [{column: email}]", "  all_columns: true")

    told = drawn.tdr("plan", "--format", "json", expect=None).document["egress"]

    assert ("*", "starts") in [(one["column"], one["change"]) for one in told]


def test_one_that_is_not_drawn_is_told_and_nothing_is_made(drawn: Stage) -> None:
    drawn.write(FILE, DOCUMENT.replace("name: Welcome}", "name: Goodbye}"))

    said = drawn.tdr("plan", expect=1)

    assert "the journey 'Goodbye' of people has no activation 'Welcome mail'" in said.out + said.err
    assert "draw the step in the console" in said.out + said.err
    drawn.tdr("apply", "--yes", expect=None)
    assert [len(steps(drawn, journey)) for journey in (1, 2)] == [1, 1]


def test_one_is_not_removed_and_the_way_out_is_told(drawn: Stage) -> None:
    drawn.write(FILE, DOCUMENT + "lifecycle: {adopt: always}\n")
    drawn.tdr("apply", "--yes")
    (drawn.folder / FILE).unlink()

    said = drawn.tdr("apply", "--yes", *drawn.approvals(), expect=None)

    assert said.code != 0
    assert "no address of Treasure Data removes the step of a journey" in said.out + said.err
    assert len(steps(drawn, 2)) == 1
    removed = f"removed: [{{address: {ADDRESS}, on_delete: forget}}]"
    drawn.write("manifests/gone.yaml", f"apiVersion: tdr/v1\nkind: Transitions\n{removed}\n")
    drawn.tdr("apply", "--yes", *drawn.approvals())
    assert ADDRESS not in drawn.records()
    assert len(steps(drawn, 2)) == 1


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("from: {journey: {parent_segment: people, name: Welcome}}", "from: {}", "needs either a `query`"),
        ("name: Welcome}}", "name: Welcome}, segment: spring}", "needs either a `query`"),
        ("  columns: [{column: email}]\n", "", "needs `columns`, or `all_columns: true`"),
        ("[{column: email}]", "[{column: spring}]", "audience/spring-buyers takes one column, called 'email'"),
        ("name: Welcome}", "nmae: Welcome}", "nmae"),
    ],
)
def test_a_mistake_is_told_at_its_place(built: Stage, before: str, after: str, words: str) -> None:
    built.write(FILE, DOCUMENT)
    built.edit(FILE, before, after)

    said = built.tdr("validate", expect=7)

    assert words in said.out + said.err
    assert f"{FILE}:" in said.out + said.err


def test_an_audience_that_is_not_there_cannot_be_made_by_a_journey(drawn: Stage) -> None:
    audience = "kind: Audience\nmetadata: {name: others}\nspec: {connection: pinterest-main, title: Others, "
    audience += 'ad_account_id: "549700000001"}\n'
    document = DOCUMENT.replace("audience: spring-buyers", "audience: others") + "lifecycle: {adopt: always}\n"
    drawn.write(FILE, f"{document}---\napiVersion: tdr/v1\n{audience}")

    before = steps(drawn, 2)

    gates = drawn.tdr("plan", "--format", "json", expect=3).document["gates"]

    assert [(gate["rule"], gate["addresses"]) for gate in gates] == [("audience_not_made_here", [ADDRESS])]
    said = drawn.tdr("apply", "--yes", expect=3)
    assert "a journey's activation cannot make it" in said.out + said.err
    assert "let an activation of a query or a segment make the audience first" in said.out + said.err
    assert steps(drawn, 2) == before


def test_an_audience_that_another_activation_makes_is_used_by_a_journey_at_once(drawn: Stage) -> None:
    """By name the step would go first, and it would replace: still another makes the audience."""
    document = DOCUMENT.replace("audience: spring-buyers", "audience: others").replace(": add", ": replace")
    drawn.write(FILE, document + "lifecycle: {adopt: always}\n")
    drawn.write(
        "manifests/others.yaml",
        """\
apiVersion: tdr/v1
kind: Audience
metadata: {name: others}
spec: {connection: pinterest-main, title: Others, ad_account_id: "549700000001"}
---
apiVersion: tdr/v1
kind: Activation
metadata: {name: written-last}
spec:
  from: {query: {database: shop, sql: SELECT email FROM customers}}
  to: {audience: others}
  membership: add
""",
    )

    drawn.tdr("apply", "--yes", *drawn.approvals())

    (made,) = [one["id"] for one in drawn.audiences() if one["name"] == "Others"]
    config = steps(drawn, 2)[0]["connectorConfig"]
    assert (config["action"], config["audience_id_replace"]) == ("REPLACE_CURRENT_AUDIENCE", made)
    assert planned(drawn) == {}
