"""Rows of an activation arrive in Salesforce by `tdr run`, and arrive once however often it runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from stage import BUYERS, Stage

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
    kept = b"".join(path.read_bytes() for path in (loaded.folder / "state").rglob("*") if path.is_file())
    for secret in (*SECRETS.values(), *salesforce.org.world.sessions.open):
        assert secret not in shown
        assert secret.encode() not in kept
