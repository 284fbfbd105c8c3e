"""Rows of an activation arrive in Salesforce by `tdr run`, and arrive once however often it runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from salesforce_stage import FILE, activation, crm_project, leads
from stage import BUYERS, Stage, files_below

from reconciler.emulators.salesforce.sandbox import SalesforceSandbox
from reconciler.emulators.salesforce.sessions import Credentials

SECRETS = {"CRM_ID": "FAKE-crm-consumer-key", "CRM_SECRET": "FAKE-crm-consumer-secret"}
MANIFEST = """\
apiVersion: tdr/v1
kind: Connection
metadata: {name: crm}
spec:
  type: salesforce
  auth: client_credentials
  login_url: LOGIN
  client_id: ${secret:env:CRM_ID}
  client_secret: ${secret:env:CRM_SECRET}
---
apiVersion: tdr/v1
kind: Activation
metadata: {name: buyers-to-crm}
spec:
  from: {query: {database: shop, sql: "SELECT email AS Email__c, 'Buyer' AS LastName FROM customers WHERE spring = 'yes'"}}
  to: {connection: crm, object: Contact}
  write: {upsert: Email__c}
"""


@pytest.fixture
def salesforce() -> Iterator[SalesforceSandbox]:
    with SalesforceSandbox(Credentials(SECRETS["CRM_ID"], SECRETS["CRM_SECRET"])) as org:
        yield org


def test_a_run_sends_the_rows_and_another_one_makes_no_record_twice(
    loaded: Stage, salesforce: SalesforceSandbox
) -> None:
    (loaded.folder / "manifests/activation.yaml").unlink()
    loaded.write("manifests/crm.yaml", MANIFEST.replace("LOGIN", salesforce.base_url))
    said = [loaded.tdr("apply", "--yes", **SECRETS)]

    said += [loaded.tdr("run", "activation/buyers-to-crm", **SECRETS) for _ in range(2)]

    emails = [one["Email__c"] for one in salesforce.records("Contact")]
    assert len(emails) == len(set(emails)) == BUYERS
    assert salesforce.calls()["POST /jobs/ingest"] == 2
    shown = "".join(one.out + one.err for one in said)
    kept = b"".join(files_below(loaded.folder / "state").values())
    for secret in (*SECRETS.values(), *salesforce.org.world.sessions.open):
        assert secret not in shown
        assert secret.encode() not in kept


def test_no_value_is_told_whatever_the_org_answers_to_a_question_about_it(tmp_path: Path) -> None:
    person, name = "secret.person@example.com", "Zaphod-Unlikely"
    answers: list[dict[str, Any]] = [
        {"kind": "error", "status": 400, "message": f"... IN ('{name}') ^ ERROR at Row:1"},  # as Salesforce quotes SOQL
        *({"kind": "error", "status": status, "message": f"no {person} here"} for status in (418, 503)),
        *({"kind": kind} for kind in ("html", "malformed", "answer_lost", "truncated")),
    ]
    with crm_project(tmp_path / "shop") as (stage, org):
        stage.environ |= {"TDR_LOG": "debug", "TDR_DEBUG": "1"}
        leads(stage, f"{person},{name},1")
        org.put("Contact", {"Key__c": person, "LastName": "Former"})
        stage.write(FILE, activation("email AS Key__c, name AS LastName", "{update: Key__c}"))
        stage.tdr("apply", "--yes")
        stage.tdr("run", "import/leads")
        for fault in answers:
            org.control.fault(path="/services/data/**/query/", **fault)
            stage.tdr("run", "activation/leads-to-crm", expect=None)

        assert [one["struck"] for one in org.control.call("GET", "/faults")["faults"]] == [1] * len(answers)
        assert [one["LastName"] for one in org.records("Contact")] == [name]
        heard = "\n".join(stage.heard)
        assert "Salesforce" in heard
        assert person not in heard
        assert name not in heard
