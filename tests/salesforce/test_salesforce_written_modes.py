"""Exports against the emulated org, which checks rows as the vendor does: every way of writing by Bulk API 2.0."""

from __future__ import annotations

import threading
from pathlib import Path

import duckdb
import pytest

from reconciler.connectors.destinations.salesforce import SalesforceDestination
from reconciler.connectors.destinations.salesforce_client import connector
from reconciler.dataplane.exporter import TypedExporter
from reconciler.emulators.salesforce.sandbox import SalesforceSandbox
from reconciler.model.json import Json
from reconciler.ports.exports import ExportReport, ExportRequest
from reconciler.ports.tokens import TokenStore

UPSERT: dict[str, Json] = {"mode": "update", "upsert": True, "unique": "Key__c"}
PEOPLE = "SELECT 'k' || i AS Key__c, 'Name ' || i AS LastName FROM range(450) t(i)"


class HurriedClock:
    """Waits for nothing."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def no_tokens() -> TokenStore:
    raise AssertionError("client credentials have no tokens to keep")


def export(sandbox: SalesforceSandbox, folder: Path, sql: str, settings: dict[str, Json], job: str) -> ExportReport:
    told: dict[str, Json] = {
        "auth_method": "client_credentials",
        "login_url": sandbox.base_url,
        "client_id": "FAKE-app",
        "client_secret": "FAKE-secret",
        "api_version": "60.0",
        "object": "Contact",
        **settings,
    }
    clock = HurriedClock()
    destination = SalesforceDestination(connector(None, clock, no_tokens), folder, clock=clock)
    with duckdb.connect() as connection:
        connection.execute(f"CREATE VIEW rows AS {sql}")
        request = ExportRequest("sfdc_v2", told, job)
        exporter = TypedExporter({"sfdc_v2": destination})
        return exporter.export(request, connection, lambda *_: None, threading.Event())


def people(sandbox: SalesforceSandbox) -> dict[str, str]:
    return {str(one["Key__c"]): str(one["LastName"]) for one in sandbox.records("Contact")}


def test_rows_are_inserted_changed_by_key_and_replaced(sandbox: SalesforceSandbox, tmp_path: Path) -> None:
    wanted = {f"k{number}": f"Name {number}" for number in range(450)}
    assert export(sandbox, tmp_path, PEOPLE, {"mode": "append"}, "1").sent == 450
    assert people(sandbox) == wanted

    changed = "SELECT 'k' || i AS Key__c, 'Changed ' || i AS LastName FROM range(449, 452) t(i)"
    update: dict[str, Json] = {"mode": "update", "upsert": False, "unique": "Key__c"}
    report = export(sandbox, tmp_path, changed, update, "2")
    assert (report.sent, dict(report.rejected)) == (1, {"no_record": 2})
    assert people(sandbox) == {**wanted, "k449": "Changed 449"}

    assert export(sandbox, tmp_path, changed, UPSERT, "3").sent == 3
    assert people(sandbox) == {**wanted, **{f"k{number}": f"Changed {number}" for number in (449, 450, 451)}}

    report = export(sandbox, tmp_path, PEOPLE, {"mode": "truncate"}, "4")
    assert (report.removed, report.sent) == (452, 450)
    assert people(sandbox) == wanted


@pytest.mark.parametrize(("empty", "kept"), [("keep", "1"), ("erase", None)])
def test_a_missing_value_leaves_the_field_or_empties_it(
    sandbox: SalesforceSandbox, tmp_path: Path, empty: str, kept: str | None
) -> None:
    first = "SELECT 'k1' AS Key__c, 'One' AS LastName, '1' AS Phone"
    export(sandbox, tmp_path, first, UPSERT, "1")

    without = "SELECT 'k1' AS Key__c, 'One' AS LastName, NULL::VARCHAR AS Phone"
    export(sandbox, tmp_path, without, {**UPSERT, "empty_values": empty}, "2")

    (record,) = sandbox.records("Contact")
    assert record.get("Phone") == kept
