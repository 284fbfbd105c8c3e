"""Rows that go to objects of Salesforce: declared, sent in the connector's words, settled, and taken over again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from stage import Stage, environment, files_below

SECRETS = {"SF_ID": "FAKE-consumer-key", "SF_SECRET": "FAKE-consumer-secret"}
SHOP = """\
apiVersion: tdr/v1
kind: Database
metadata: {name: shop}
spec: {}
---
apiVersion: tdr/v1
kind: Table
metadata: {name: leads}
spec: {database: shop, columns: [{name: email, type: string}, {name: name, type: string}]}
"""
CRM = """\
apiVersion: tdr/v1
kind: Connection
metadata: {name: crm}
spec:
  type: salesforce
  auth: client_credentials
  login_url: https://acme.my.salesforce.com
  client_id: ${secret:env:SF_ID}
  client_secret: ${secret:env:SF_SECRET}
"""
ACTIVATION = """\
apiVersion: tdr/v1
kind: Activation
metadata: {name: leads-to-crm}
spec:
  from: {query: {database: shop, sql: "SELECT email AS Email__c, name AS LastName FROM leads"}}
  to: {connection: crm, object: Contact}
  write: %s
  schedule: {cron: "0 * * * *", timezone: Asia/Tokyo, delay: 10m}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Stage:
    folder = tmp_path / "shop"
    folder.mkdir()
    stage = Stage(folder, None, environment(folder) | SECRETS)
    stage.write("tdr.yaml", "apiVersion: tdr/v1\nproject: shop\n")
    # Nobody listens there, so that no plan of this module looks at an org.
    stage.write("manifests/environments/local.yaml", "endpoints: {salesforce: 'http://127.0.0.1:9'}\n")
    stage.write("manifests/shop.yaml", SHOP)
    stage.write("manifests/crm.yaml", CRM)
    return stage


def sent(stage: Stage) -> dict[str, Any]:
    """The settings of the saved query's export."""
    with stage.somebody() as td:
        (query,) = td.saved_queries()
    told: dict[str, Any] = json.loads(str(query["result_connection_settings"]))
    return told


WRITES: list[tuple[str, dict[str, str]]] = [
    ("insert", {"mode": "append"}),
    ("{upsert: Email__c}", {"mode": "update", "upsert": "true", "unique": "Email__c"}),
    ("{update: Email}", {"mode": "update", "upsert": "false", "unique": "Email"}),
    ("{replace: soft}", {"mode": "truncate", "hard_delete": "false"}),
    ("{replace: hard}", {"mode": "truncate", "hard_delete": "true"}),
]


def as_text(settings: dict[str, Any]) -> dict[str, str]:
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in settings.items()}


@pytest.mark.parametrize(("write", "settings"), WRITES, ids=[write for write, _ in WRITES])
def test_what_rows_do_is_sent_in_the_connectors_words_settles_and_is_taken_over(
    shop: Stage, tmp_path: Path, write: str, settings: dict[str, str]
) -> None:
    shop.write("manifests/activation.yaml", ACTIVATION % write)
    shop.tdr("apply", "--yes")
    shop.tdr("plan", "--detailed-exitcode")
    assert as_text(sent(shop)) == {"object": "Contact", "api_version": "60.0", **settings}
    before = yaml.safe_load((shop.folder / "manifests/activation.yaml").read_text())["spec"]

    # Somebody who has the account and no documents of it.
    for path in ("manifests/activation.yaml", "manifests/crm.yaml"):
        (shop.folder / path).unlink()
    for address in ("activation/leads-to-crm", "connection/crm"):
        shop.tdr("state", "rm", address)
    shop.tdr("import", "--all", "--yes", CRM_CLIENT_ID=SECRETS["SF_ID"], CRM_CLIENT_SECRET=SECRETS["SF_SECRET"])
    written = yaml.safe_load((shop.folder / "manifests/activations/leads-to-crm.yaml").read_text())["spec"]
    assert written["to"] == before["to"]
    assert written["write"] == before["write"]
    plan = ("plan", "--detailed-exitcode")
    shop.tdr(*plan, CRM_CLIENT_ID=SECRETS["SF_ID"], CRM_CLIENT_SECRET=SECRETS["SF_SECRET"])


def test_a_change_of_what_rows_do_is_a_change_and_secrets_are_nowhere(shop: Stage) -> None:
    shop.write("manifests/activation.yaml", ACTIVATION % "{upsert: Email__c}")
    shop.tdr("apply", "--yes")
    shop.edit("manifests/activation.yaml", "{upsert: Email__c}", "{update: Email__c}")

    said = shop.tdr("plan", "--detailed-exitcode", expect=2)

    assert "export.upsert" in said.out
    assert "FAKE-consumer" not in said.out + said.err
    for path, content in files_below(shop.folder).items():
        if "service" not in Path(path).parts:
            assert b"FAKE-consumer" not in content, path


def test_deleting_everything_first_is_warned_of(shop: Stage) -> None:
    shop.write("manifests/activation.yaml", ACTIVATION % "{replace: hard}")

    said = shop.tdr("validate")

    assert "every run deletes all records of Contact for good" in said.out + said.err


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            "{object: Contact, mode: append, hard_delete: true}",
            "`hard_delete` has no effect with mode `append`: it needs",
        ),
        (
            "{object: Contact, mode: append, unique: Email}",
            "`unique` has no effect with mode `append`: it needs",
        ),
        (
            "{object: Contact, mode: truncate, upsert: true}",
            "`upsert` has no effect with mode `truncate`: it needs",
        ),
        (
            "{object: Contact, mode: update, upsert: true, unique: Id}",
            "`unique: Id` with `upsert` must be an external id",
        ),
    ],
)
def test_settings_of_another_mode_are_refused_and_not_passed_over(shop: Stage, settings: str, told: str) -> None:
    query = "apiVersion: tdr/v1\nkind: Query\nmetadata: {name: leads}\nspec:\n  database: shop\n  sql: SELECT email FROM leads\n"
    shop.write("manifests/query.yaml", f"{query}  export: {{connection: crm, settings: {settings}}}\n")

    said = shop.tdr("plan", expect=7)

    assert told in said.out + said.err


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        ("api_version: '30.0'", 7, "version 30.0 of Salesforce's API is retired"),
        ("api_version: '32.0'", 0, "ends with Summer '28"),
    ],
)
def test_versions_that_end_are_told(shop: Stage, line: str, code: int, told: str) -> None:
    shop.edit("manifests/crm.yaml", "  auth: client", f"  {line}\n  auth: client")

    said = shop.tdr("plan", expect=code)

    assert told in said.out + said.err


@pytest.mark.parametrize(
    ("auth", "code", "told"),
    [
        ("client_credentials", 0, "wants the address of the org's My Domain"),
        ("session_id", 7, "needs the address of the instance that the session is of"),
    ],
)
def test_the_address_of_all_orgs_is_told_where_one_org_is_meant(shop: Stage, auth: str, code: int, told: str) -> None:
    text = CRM.replace("  login_url: https://acme.my.salesforce.com\n", "")
    if auth == "session_id":
        text = text.partition("  auth:")[0] + "  auth: session_id\n  session_id: ${secret:env:SF_SECRET}\n"
    shop.write("manifests/crm.yaml", text)

    said = shop.tdr("validate", expect=code)

    assert told in said.out + said.err
    assert "login_url" in said.out + said.err
