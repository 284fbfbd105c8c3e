"""A project whose rows go to an object of Salesforce, and the org beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from stage import Stage, environment

from reconciler.emulators.salesforce.knobs import Knobs
from reconciler.emulators.salesforce.sandbox import SalesforceSandbox
from reconciler.emulators.salesforce.sessions import Credentials
from reconciler.emulators.timeline import Timeline

CREDENTIALS = Credentials("FAKE-consumer-key/1", "FAKE-consumer-secret/1")
SECRETS = {"SF_ID": CREDENTIALS.client_id, "SF_SECRET": CREDENTIALS.client_secret}
FILE = "manifests/activation.yaml"
GOOD = "email AS Email__c, name AS LastName"
UPSERT = "{upsert: Email__c}"
SHOP = """\
apiVersion: tdr/v1
kind: Database
metadata: {name: shop}
spec: {}
---
apiVersion: tdr/v1
kind: Table
metadata: {name: leads}
spec: {database: shop, columns: [{name: email, type: string}, {name: name, type: string}, {name: visits, type: long}]}
"""
CRM = """\
apiVersion: tdr/v1
kind: Connection
metadata: {name: crm}
spec:
  type: salesforce
  auth: client_credentials
  client_id: ${secret:env:SF_ID}
  client_secret: ${secret:env:SF_SECRET}
"""
ACTIVATION = """\
apiVersion: tdr/v1
kind: Activation
metadata: {name: NAME}
spec:
  from:
    query:
      database: shop
      sql: SELECT COLUMNS FROM leads
  to: {connection: crm, object: OBJECT}
  write: WRITE
"""
EXPORT = """\
apiVersion: tdr/v1
kind: Query
metadata: {name: leads}
spec:
  database: shop
  sql: SELECT COLUMNS FROM leads
  export: {connection: crm, settings: SETTINGS}
"""
IMPORT = """\
apiVersion: tdr/v1
kind: Import
metadata: {name: leads}
spec: {from: {type: files, paths: [data/leads.csv]}, to: {database: shop, table: leads}}
"""

Project = tuple[Stage, SalesforceSandbox]


@contextmanager
def crm_project(folder: Path, **knobs: Any) -> Iterator[Project]:
    """A project with a table of leads and a connection, not applied, and an org with the project's time."""
    folder.mkdir()
    stage = Stage(folder, None, environment(folder) | SECRETS)
    timeline = Timeline(stage.clock.now)
    with SalesforceSandbox(CREDENTIALS, knobs=Knobs(**knobs), timeline=timeline) as org:
        stage.write("tdr.yaml", "apiVersion: tdr/v1\nproject: shop\n")
        stage.write("manifests/environments/local.yaml", f"endpoints: {{salesforce: '{org.base_url}'}}\n")
        stage.write("manifests/shop.yaml", SHOP)
        stage.write("manifests/crm.yaml", CRM)
        yield stage, org


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Such a project and org, whose user may delete records for good."""
    with crm_project(tmp_path / "shop", hard_delete=True) as made:
        yield made


def activation(
    columns: str = GOOD, write: str = UPSERT, *, name: str = "leads-to-crm", sobject: str = "Contact"
) -> str:
    """A document of an activation; its SQL stands in line 8, its object in line 9, its `write` in line 10."""
    told = ACTIVATION.replace("NAME", name).replace("OBJECT", sobject)
    return told.replace("COLUMNS", columns).replace("WRITE", write)


def written(stage: Stage, columns: str = GOOD, write: str = UPSERT) -> None:
    """Put the one activation down."""
    stage.write(FILE, activation(columns, write))


def leads(stage: Stage, *lines: str) -> None:
    """Rows of the table ``email,name,visits``, and an import for them."""
    stage.write("data/leads.csv", "\n".join(("email,name,visits", *lines)) + "\n")
    stage.write("manifests/import.yaml", IMPORT)


def remarks(stage: Stage, verb: str, *arguments: str, expect: int | None = 0) -> list[dict[str, Any]]:
    """What a verb's document says of objects of Salesforce."""
    document = stage.tdr(verb, "--format", "json", *arguments, expect=expect).document
    told = document["diagnostics"] if verb == "validate" else document["warnings"]
    return [one for one in told if one["rule"].startswith(("object-", "records-"))]


def asked(org: SalesforceSandbox) -> list[str]:
    """What was asked of the org so far, oldest first, without what is before an object or a job."""
    calls = []
    for one in org.control.traffic():
        path = one["path"].removeprefix("/services").removeprefix("/data/v60.0")
        calls.append(f"{one['method']} {path}")
    return calls


def forget(org: SalesforceSandbox) -> None:
    """Begin to count anew."""
    org.control.call("DELETE", "/traffic")
