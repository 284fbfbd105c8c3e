"""Every way of writing by both bulk APIs against the emulated org, whatever happens on the way: what is there in the end."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_salesforce_written_modes import UPSERT, export, people

from reconciler.emulators.salesforce.sandbox import SalesforceSandbox
from reconciler.errors import Denied, Permanent, Transient
from reconciler.model.json import Json
from reconciler.ports.exports import ExportReport

BY_KEY: dict[str, Json] = {"mode": "update", "upsert": False, "unique": "Key__c"}
INSERT: dict[str, Json] = {"mode": "append"}
REPLACE: dict[str, Json] = {"mode": "truncate"}
PEOPLE = "SELECT 'k' || i AS Key__c, 'Name ' || i AS LastName FROM range(250) t(i)"
OTHERS = "SELECT 'k' || i AS Key__c, 'Other ' || i AS LastName FROM range(250) t(i)"


class Crm:
    """An org, and a destination in front of it. A run that is repeated is the same job."""

    def __init__(self, sandbox: SalesforceSandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self._folder = folder
        self._job = 0

    def run(self, sql: str, settings: dict[str, Json], version: str) -> ExportReport:
        self._job += 1
        return export(self.sandbox, self._folder, sql, {**settings, "api_version": version}, str(self._job))

    def run_until_it_ends(self, sql: str, settings: dict[str, Json], version: str) -> None:
        """A run that could not know how it went, or whose requests of the day were used up, goes on where it stopped."""
        try:
            self.run(sql, settings, version)
        except (Transient, Denied):
            self._job -= 1
            self.run(sql, settings, version)

    def there(self) -> dict[str, str]:
        """Key -> name of what is there."""
        return people(self.sandbox)


@pytest.fixture
def crm(sandbox: SalesforceSandbox, tmp_path: Path) -> Crm:
    sandbox.control.knobs(hard_delete=True)
    return Crm(sandbox, tmp_path)


@pytest.mark.parametrize("version", ["60.0", "32.0"])
@pytest.mark.parametrize("mode", ["parallel", "serial"])
def test_every_mode_leaves_what_the_query_says(crm: Crm, version: str, mode: str) -> None:
    more: dict[str, Json] = {"concurrency_mode": mode}
    expected = {f"k{number}": f"Name {number}" for number in range(250)}
    assert crm.run(PEOPLE, UPSERT | more, version).sent == 250
    assert crm.there() == expected
    assert crm.run(OTHERS, UPSERT | more, version).sent == 250
    assert crm.there() == {key: name.replace("Name", "Other") for key, name in expected.items()}
    known = "SELECT 'k' || i AS Key__c, 'New ' || i AS LastName FROM range(240, 260) t(i)"
    assert crm.run(known, BY_KEY | more, version).sent == 10
    assert len(crm.there()) == 250
    assert crm.there()["k249"] == "New 249"
    for hard in (False, True):
        crm.run(
            "SELECT 'r' || i AS Key__c, 'R' AS LastName FROM range(7) t(i)",
            REPLACE | {"hard_delete": hard} | more,
            version,
        )
        assert crm.there() == {f"r{number}": "R" for number in range(7)}
    assert crm.run("SELECT 'only' AS Key__c, 'Only' AS LastName", INSERT | more, version).sent == 1
    assert len(crm.there()) == 8


@pytest.mark.parametrize("version", ["60.0", "32.0"])
def test_rows_that_are_refused_are_counted_by_code_and_the_others_are_there(crm: Crm, version: str) -> None:
    sql = (
        "SELECT * FROM (VALUES ('a', 'Ann', 'ann@example.com'), ('b', 'Bob', 'no address'), ('c', 'Cy', 'nor this')) "
        "t(Key__c, LastName, Email)"
    )
    report = crm.run(sql, UPSERT | {"ignore_invalid_records": True}, version)
    assert (report.sent, dict(report.rejected)) == (1, {"INVALID_EMAIL_ADDRESS": 2})
    assert crm.there() == {"a": "Ann"}


@pytest.mark.parametrize("version", ["60.0", "32.0"])
def test_locked_rows_are_sent_again(crm: Crm, version: str) -> None:
    crm.run(PEOPLE, UPSERT, version)
    for number in range(0, 250, 25):
        crm.sandbox.lock("Key__c", f"k{number}")
    assert crm.run(OTHERS, UPSERT, version).sent == 250
    assert crm.there() == {f"k{number}": f"Other {number}" for number in range(250)}


@pytest.mark.parametrize("version", ["60.0", "32.0"])
def test_a_batch_that_timed_out_is_gone_on_with(crm: Crm, version: str) -> None:
    crm.sandbox.break_next(100, "Timeout : Batch processing took too long")
    assert crm.run(PEOPLE, UPSERT, version).sent == 250
    assert len(crm.there()) == 250


FAULTS = ["rate_limited", "error", "cut", "answer_lost", "html", "truncated", "token_expired"]


@pytest.mark.parametrize("version", ["60.0", "32.0"])
@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("nth", range(2, 9))
def test_an_insert_is_there_once_whatever_happens_on_the_way(crm: Crm, version: str, kind: str, nth: int) -> None:
    crm.sandbox.control.fault(kind, nth=nth, path="/services/**")
    crm.run_until_it_ends("SELECT 'n' || i AS Key__c, 'N' AS LastName FROM range(5) t(i)", INSERT, version)
    found = [str(one["Key__c"]) for one in crm.sandbox.records("Contact")]
    assert sorted(found) == [f"n{number}" for number in range(5)]


def test_a_column_that_is_no_field_touches_nothing(crm: Crm) -> None:
    with pytest.raises(Permanent, match="Nothing__c"):
        crm.run("SELECT 'a' AS Key__c, 'b' AS Nothing__c", UPSERT, "60.0")
    assert crm.there() == {}
