"""Activations to objects of Salesforce: planned, applied, changed outside, and taken over; the run itself is another matter."""

from __future__ import annotations

import json
import re
import shutil

import pytest
import yaml
from stage import Stage, files_below

PASSWORD = "FAKE crm secret ü/+="
CONNECTION = """\
apiVersion: tdr/v1
kind: Connection
metadata: {name: crm}
spec:
  type: salesforce
  auth: client_credentials
  login_url: https://acme.my.salesforce.com
  client_id: ${secret:env:CRM_ID}
  client_secret: ${secret:env:CRM_SECRET}
"""
ACTIVATION = """\
apiVersion: tdr/v1
kind: Activation
metadata: {name: buyers-to-crm}
spec:
  from: {query: {database: shop, sql: SELECT email AS Email__c FROM customers}}
  to: {connection: crm, object: Contact}
  write: WRITE
  schedule: {cron: "0 * * * *", timezone: Asia/Tokyo}
"""
SECRETS = {"CRM_ID": "FAKE-crm-consumer-key", "CRM_SECRET": PASSWORD}
MODES = {
    "insert": {"mode": "append"},
    "{upsert: Email__c}": {"mode": "update", "upsert": True, "unique": "Email__c"},
    "{update: Email}": {"mode": "update", "upsert": False, "unique": "Email"},
    "{replace: soft}": {"mode": "truncate", "hard_delete": False},
    "{replace: hard}": {"mode": "truncate", "hard_delete": True},
}


def written(stage: Stage, write: str, more: str = "") -> None:
    for name in ("pinterest", "activation"):
        (stage.folder / f"manifests/{name}.yaml").unlink(missing_ok=True)
    # Nobody listens there, so that no plan of this module looks at an org.
    text = "endpoints: {pinterest: '${var:pinterest}', salesforce: 'http://127.0.0.1:9'}\n"
    stage.write("manifests/environments/local.yaml", text)
    stage.write("manifests/crm.yaml", CONNECTION)
    stage.write("manifests/crm-activation.yaml", ACTIVATION.replace("WRITE", write) + more)


def actions(stage: Stage) -> list[str]:
    changes = stage.tdr("plan", "--format", "json", expect=None, **SECRETS).document["changes"]
    return [one["address"] for one in changes if one["actions"] != ["noop"]]


@pytest.mark.parametrize("write", MODES)
def test_each_word_becomes_a_mode_and_a_second_plan_is_empty(stage: Stage, write: str) -> None:
    written(stage, write)

    stage.tdr("apply", "--yes", expect=None, **SECRETS)

    with stage.somebody() as client:
        (query,) = client.saved_queries()
        (connection,) = client.connections()
    assert json.loads(str(query["result_connection_settings"])) == {
        "object": "Contact",
        "api_version": "60.0",
        **MODES[write],
    }
    assert str(query["result_connection_id"]) == str(connection["id"])
    assert (connection["type"], query["cron"]) == ("sfdc_v2", "0 * * * *")
    assert actions(stage) == []


def test_options_travel_and_a_change_outside_is_shown_field_by_field(stage: Stage) -> None:
    more = "  empty_values: erase\n  on_invalid: fail\n  delivery: {concurrency: serial, batch_size: 200, retry_limit: 3}\n"
    written(stage, "{upsert: Email__c}", more)
    stage.tdr("apply", "--yes", **SECRETS)
    with stage.somebody() as client:
        (query,) = client.saved_queries()
        settings = json.loads(str(query["result_connection_settings"]))
        assert settings == {
            "object": "Contact",
            "api_version": "60.0",
            "concurrency_mode": "serial",
            "split_records": 200,
            "retry_limit": 3,
            "empty_values": "erase",
            "ignore_invalid_records": False,
            **MODES["{upsert: Email__c}"],
        }
        changed = json.dumps(settings | {"object": "Lead"})
        client.update_saved_query(
            str(query["name"]),
            {"result_connection_id": str(query["result_connection_id"]), "result_connection_settings": changed},
        )

    said = stage.tdr("plan", expect=None, **SECRETS).out

    assert re.search(r'~ export\.object +"Lead" → "Contact"', said), said
    stage.tdr("apply", "--yes", **SECRETS)
    assert actions(stage) == []


def test_what_is_there_is_taken_over_in_the_same_words(stage: Stage) -> None:
    written(stage, "{upsert: Email__c}", "  delivery: {batch_size: 500}\n")
    stage.tdr("apply", "--yes", **SECRETS)
    declared = yaml.safe_load((stage.folder / "manifests/crm-activation.yaml").read_text(encoding="utf-8"))["spec"]
    for name in ("crm", "crm-activation"):
        (stage.folder / f"manifests/{name}.yaml").unlink()
    shutil.rmtree(stage.folder / "state/local/history")  # nobody remembers anything
    for path in (stage.folder / "state/local").iterdir():
        if path.is_file():
            path.unlink()

    said = stage.tdr("import", "--all", "--yes", expect=None, **SECRETS)

    found = [
        one
        for path in sorted((stage.folder / "manifests").rglob("*.yaml"))
        for one in yaml.safe_load_all(path.read_text(encoding="utf-8"))
        if isinstance(one, dict) and one.get("kind") in {"Connection", "Activation"}
    ]
    specs = {one["kind"]: one["spec"] for one in found}
    assert specs.keys() == {"Connection", "Activation"}, (said.out, said.err)
    assert specs["Connection"]["type"] == "salesforce"
    assert (specs["Activation"]["to"], specs["Activation"]["write"]) == (declared["to"], declared["write"])
    assert str(specs["Activation"]["delivery"]["batch_size"]) == "500"


def test_no_secret_of_a_connection_is_kept_or_shown(stage: Stage) -> None:
    written(stage, "insert")

    said = [
        stage.tdr(*words, expect=None, **SECRETS)
        for words in (("plan",), ("apply", "--yes"), ("plan", "--format", "json"))
    ]

    shown = "".join(one.out + one.err for one in said).encode()
    kept = b"".join(files_below(stage.folder / "state").values())
    for secret in SECRETS.values():
        assert secret.encode() not in shown + kept


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ("auth: jwt\n  client_id: ${secret:env:CRM_ID}", "`auth: jwt` needs `username`"),
        (
            "auth: session_id\n  session_id: ${secret:env:CRM_ID}\n  client_id: ${secret:env:CRM_ID}",
            "`client_id` has no meaning with `auth: session_id`",
        ),
        (
            "auth: session_id\n  session_id: ${secret:env:CRM_ID}\n  api_version: 30",
            "version 30.0 of Salesforce's API is retired",
        ),
    ],
)
def test_a_connection_that_cannot_log_in_is_refused(stage: Stage, fields: str, said: str) -> None:
    stage.write(
        "manifests/crm.yaml",
        f"apiVersion: tdr/v1\nkind: Connection\nmetadata: {{name: crm}}\nspec:\n  type: salesforce\n  {fields}\n",
    )

    assert said in stage.tdr("validate", expect=7, **SECRETS).err


def test_what_salesforce_is_about_to_end_is_a_warning(stage: Stage) -> None:
    stage.write(
        "manifests/crm.yaml",
        """\
apiVersion: tdr/v1
kind: Connection
metadata: {name: crm}
spec:
  type: salesforce
  auth: credentials
  username: export@example.com
  password: ${secret:env:CRM_SECRET}
  api_version: 32
""",
    )

    said = stage.tdr("validate", **SECRETS)

    assert "Salesforce ends logins with a password in Summer '27" in said.out + said.err
    assert "32.0 of Salesforce's API is deprecated and ends with Summer '28" in said.out + said.err
