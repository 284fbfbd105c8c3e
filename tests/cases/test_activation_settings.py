"""Settings that contradict each other, as people really wrote them, each at the place where tdr meets it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from field_cases import FOLDER, Check, cases_of
from stage import ACCOUNT, CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, TITLE, Stage

from reconciler.connectors.destinations.pinterest_settings import Action, read_settings
from reconciler.errors import Permanent

Given = dict[str, Any]
CREDENTIALS = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "refresh_token": REFRESH_TOKEN}
PLACE = {"type": "pinterest", **CREDENTIALS, "ad_account_id": ACCOUNT, "audience_type": "customer_list"}
ACTIVATION = "manifests/activation.yaml"


def planned(stage: Stage) -> dict[str, str]:
    changes = stage.tdr("plan", "--format", "json", expect=None).document["changes"]
    return {one["address"]: one["actions"][0] for one in changes if one["actions"] != ["noop"]}


def the_published_example(applied: Stage, given: Given) -> None:
    text = (FOLDER / given["file"]).read_text(encoding="utf-8")
    settings = yaml.safe_load(text)["+export_members"]["result_settings"]
    audience_id = applied.audiences()[0]["id"]
    with applied.somebody() as client:
        for spelled, mentioned in ((str, "ADD_PEOPLE_TO_CURRENT_AUDIENCE"), (str.lower, "add_people")):
            export = {**settings, **PLACE, "audience_id_add_people": audience_id}
            export["action"] = spelled(export["action"])
            if spelled is str.lower:
                export["ignore_error"] = export.pop("ignore_invalid_records")
            client.create_saved_query(
                f"from the example {mentioned}",
                {
                    "type": "trino",
                    "database": "shop",
                    "query": "SELECT email FROM customers",
                    "result": json.dumps(export),
                    "cron": "30 6 * * *",
                    "timezone": "Asia/Tokyo",
                },
            )

    said = applied.tdr("import", "--all", "--yes")

    for name in ("audience_name", "audience_description"):
        assert said.out.count(f"its export also says `{name}`, which has no effect with what it does") == 2, said.out
    # Both spellings of the action and of the flag say one thing: not one word of the documents differs.
    paths = sorted((applied.folder / "manifests/activations").glob("*.yaml"))
    specs = [yaml.safe_load(path.read_text(encoding="utf-8"))["spec"] for path in paths]
    assert [spec.pop("name") for spec in specs] == [
        "from the example add_people",
        "from the example ADD_PEOPLE_TO_CURRENT_AUDIENCE",
    ]
    assert specs[0] == specs[1]
    assert (specs[0]["membership"], "on_invalid" in specs[0]) == ("add", False)
    assert planned(applied) == {}
    with pytest.raises(Permanent, match="`ignore_error` and `ignore_invalid_records` are the same setting"):
        read_settings(settings | PLACE | {"ignore_error": True})
    assert read_settings(settings | PLACE).notices() == tuple(
        f"`{name}` has no effect with action `add_people_to_current_audience`"
        for name in ("audience_description", "audience_name")
    )


def an_action_without_its_id(stage: Stage, given: Given) -> None:
    missing = ["audience_id_add_people", "audience_id_remove_people", "audience_id_replace"]
    for settings, name in zip(given["settings_list"], missing, strict=True):
        with pytest.raises(Permanent, match=f"`{name}` is missing: action `{settings['action']}` needs it"):
            read_settings(PLACE | settings)
    # Nobody writes an action into a manifest, so that there is none to lack its id.
    stage.edit(ACTIVATION, "membership: replace", "membership: replace\n  action: add_people_to_current_audience")
    assert "key `action` is not known here" in stage.tdr("validate", expect=7).err


def created_on_a_schedule(loaded: Stage, given: Given) -> None:
    assert given["settings"]["action"].upper() == Action.CREATE
    loaded.edit(ACTIVATION, "schedule: nightly", f"schedule: {{cron: '{given['schedule']}'}}")
    loaded.tdr("apply", "--yes")

    # What creates goes once and by hand of the apply; what is left on the schedule replaces.
    with loaded.somebody() as client:
        (query,) = client.saved_queries()
    settings = json.loads(str(query["result"]))
    assert (query["cron"], settings["action"]) == (given["schedule"], Action.REPLACE)
    loaded.tdr("run", "activation/spring-buyers-daily")
    assert [one["name"] for one in loaded.audiences()] == [TITLE]


CRM = """\
apiVersion: tdr/v1
kind: Connection
metadata: {name: crm}
spec:
  type: salesforce
  auth: client_credentials
  client_id: ${secret:env:PINTEREST_CLIENT_ID}
  client_secret: ${secret:env:PINTEREST_CLIENT_SECRET}
---
apiVersion: tdr/v1
kind: Activation
metadata: {name: buyers-to-crm}
spec:
  from: {query: {database: shop, sql: SELECT email AS Member_Key__c FROM customers}}
  to: {connection: crm, object: Contact}
"""


def a_key_that_is_no_external_id(stage: Stage, given: Given) -> None:
    accepted = []
    for settings in given["settings_list"]:
        assert (settings["mode"], settings["upsert"]) == ("update", True)
        key = settings["unique"]
        stage.write("manifests/crm.yaml", f"{CRM}  write: {{upsert: {key}}}\n")
        said = stage.tdr("validate", expect=None)
        if said.code:
            assert f"`upsert: {key}`: the key must be an external id" in said.err, said.err
        else:
            accepted.append(key)
    assert accepted == ["Member_Key__c"]


def settings_of_another_mode(stage: Stage, given: Given) -> None:
    """One word says what rows do, and its setting stands in it: nothing that belongs to another one can be written."""
    written = {
        ("append", "hard_delete"): (
            "write: {insert: true, replace: hard}",
            "or exactly one of `upsert`, `update` and `replace`",
        ),
        ("append", "unique"): (
            "write: {insert: true, update: Email}",
            "or exactly one of `upsert`, `update` and `replace`",
        ),
        ("truncate", "upsert"): ("write: {replace: soft, upsert: Member_Key__c}", "or exactly one of `upsert`"),
    }
    for settings in given["settings_list"]:
        (name,) = settings.keys() - {"mode"}
        text, why = written[settings["mode"], name]
        stage.write("manifests/crm.yaml", f"{CRM}  {text}\n")
        assert why in stage.tdr("validate", expect=7).err
        stage.write("manifests/crm.yaml", f"{CRM}  write: insert\n  {name}: {json.dumps(settings[name])}\n")
        assert f"key `{name}` is not known here" in stage.tdr("validate", expect=7).err


def segments_in_the_wrong_order(loaded: Stage, given: Given) -> None:
    (loaded.folder / ACTIVATION).unlink()
    parent = {"kind": "ParentSegment", "metadata": {"name": "people"}}
    parent["spec"] = {
        "master": {"database": "shop", "table": "customers"},
        "attributes": [{"name": "E-mail", "column": "email"}],
    }

    def declare(**of: str) -> None:
        documents = [
            {
                "kind": "Segment",
                "metadata": {"name": name},
                "spec": {
                    "parent_segment": "people",
                    "where": {"all": [{"segment": other} if other else {"attribute": "email", "exists": True}]},
                },
            }
            for name, other in of.items()
        ]
        text = "\n---\n".join(json.dumps({"apiVersion": "tdr/v1", **one}) for one in [*documents, parent])
        loaded.write("manifests/segments.yaml", text)

    assert len(given["manifest"]) == 2
    declare(a="b", b="a")
    said = loaded.tdr("plan", expect=7).err
    assert "segment/a" in said
    assert "segment/b" in said
    declare(a="b", b="")
    said = loaded.tdr("apply", "--yes").err
    assert re.findall(r"^segment/(\w): done create$", said, flags=re.MULTILINE) == ["b", "a"]
    assert planned(loaded) == {}


def emptied_on_a_schedule(applied: Stage, given: Given) -> None:
    assert given["settings"]["action"].upper() == Action.DELETE
    applied.edit(ACTIVATION, "membership: replace", "membership: clear")
    applied.edit(ACTIVATION, "schedule: nightly", f'schedule: {{cron: "{given["schedule"]}"}}')

    said = applied.tdr("plan", expect=3).out

    assert "! membership:" in said
    applied.tdr("apply", "--yes", expect=3)
    assert applied.members()
    gated = {one["rule"] for one in applied.tdr("plan", "--format", "json", expect=3).document["gates"]}
    assert gated == {"membership", "policy:clear-on-schedule"}


SAID = {
    "behavior": "`behavior` and `behaviors` exclude each other; keep the list, `behaviors`",
    "behaviors": "it has 5 `behaviors`, and 4 are the most",
    "run_after_journey_refresh": "`schedule` and `run_after_journey_refresh` exclude each other; keep one of them",
}


def in_a_file_of_tdx(stage: Stage, given: Given) -> None:
    """Such settings stand in files of tdx: there each is told with what to do, and no document is written of it."""
    broken = {"behaviors": [{"behavior_table": "orders"}] * given.get("behaviors", 0)}
    told = yaml.safe_load(given["literal"]) if "literal" in given else broken
    activation = {"name": "Contradicts itself", "connection": "ads", "all_columns": True, **told}
    stage.write("pulled/tdx.json", '{"parent_segment": "people"}')
    stage.write("pulled/all.yml", yaml.safe_dump({"name": "All", "kind": "batch", "activations": [activation]}))

    said = stage.tdr("tdx", "read", "pulled", "--format", "json", expect=1).document

    assert [one["path"] for one in said["files"]] == ["manifests/segments/all.yaml"]
    (left,) = said["left_out"]
    assert (
        left["why"] == f"the activation 'Contradicts itself': {SAID['behaviors' if broken['behaviors'] else min(told)]}"
    )


CHECKS: dict[str, Check] = {
    "act-001": the_published_example,
    "act-002": an_action_without_its_id,
    "act-003": created_on_a_schedule,
    "act-004": a_key_that_is_no_external_id,
    "act-005": settings_of_another_mode,
    "act-006": in_a_file_of_tdx,
    "act-007": in_a_file_of_tdx,
    "act-008": in_a_file_of_tdx,
    "act-009": segments_in_the_wrong_order,
    "act-010": emptied_on_a_schedule,
}
APPLIED = {the_published_example, emptied_on_a_schedule}
BEGUN = {created_on_a_schedule, segments_in_the_wrong_order}


@pytest.mark.parametrize(("check", "given"), cases_of("activation-settings", CHECKS))
def test_case(check: Check, given: Given, request: pytest.FixtureRequest) -> None:
    check(request.getfixturevalue("applied" if check in APPLIED else "loaded" if check in BEGUN else "stage"), given)
