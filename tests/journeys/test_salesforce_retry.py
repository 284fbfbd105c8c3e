"""`tdr retry` finishes a run: with the rows once more that Salesforce refused, or from where it broke off."""

from __future__ import annotations

import pytest
from stage import BUYERS, Stage
from test_salesforce_runs import MANIFEST, SECRETS, salesforce

from reconciler.emulators.salesforce.sandbox import SalesforceSandbox
from reconciler.wiring.left_out import LeftOut

__all__ = ["salesforce"]
ACTIVATION = "activation/buyers-to-crm"


@pytest.fixture
def stage(loaded: Stage, salesforce: SalesforceSandbox) -> Stage:
    (loaded.folder / "manifests/activation.yaml").unlink()
    manifest = MANIFEST.replace("LOGIN", salesforce.base_url).replace("'Buyer' AS LastName", "email AS LastName")
    loaded.write("manifests/crm.yaml", manifest.replace("{upsert: Email__c}", "insert"))
    loaded.tdr("apply", "--yes", **SECRETS)
    return loaded


def left_out(stage: Stage) -> LeftOut | None:
    (activation,) = stage.tdr("status", ACTIVATION, "--format", "json", **SECRETS).document["resources"]
    with stage.opened() as runtime:
        assert runtime.embedded is not None
        return runtime.embedded.left_out(activation["runs"][0]["job_id"])


def people(salesforce: SalesforceSandbox) -> list[str]:
    return sorted(str(one["Email__c"]) for one in salesforce.records("Contact"))


def test_refused_rows_are_sent_once_more_and_nobody_else(stage: Stage, salesforce: SalesforceSandbox) -> None:
    stage.tdr("run", ACTIVATION, **SECRETS)
    refused = people(salesforce)[:2]
    salesforce.control.reset()
    for email in refused:
        salesforce.rule("LastName", email)
    stage.tdr("run", ACTIVATION, **SECRETS)
    assert len(people(salesforce)) == BUYERS - 2
    salesforce.lift_rules()
    left = left_out(stage)
    assert left is not None
    assert (left.rows, left.waiting) == (2, 2), "so the dashboard tells"

    said = stage.tdr("retry", ACTIVATION, **SECRETS)

    assert left_out(stage) == LeftOut({})

    everybody = people(salesforce)
    assert len(everybody) == len(set(everybody)) == BUYERS
    assert "exported: 2 rows, 2 sent" in stage.tdr("logs", ACTIVATION, **SECRETS).out
    assert not any(email in said.out + said.err for email in refused)


def test_there_is_nothing_to_retry_after_a_run_that_took_everything(
    stage: Stage, salesforce: SalesforceSandbox
) -> None:
    assert f"error: {ACTIVATION} has not run yet" in stage.tdr("retry", ACTIVATION, expect=1, **SECRETS).err
    stage.tdr("run", ACTIVATION, **SECRETS)

    said = stage.tdr("retry", ACTIVATION, expect=1, **SECRETS)

    assert "no refused row is left to be sent again" in said.out + said.err
    assert len(people(salesforce)) == BUYERS


def test_a_query_without_an_export_and_an_import_cannot_be_retried(stage: Stage) -> None:
    assert "cannot be finished" in stage.tdr("retry", "import/customers", expect=1, **SECRETS).err


def test_a_run_that_broke_off_for_want_of_an_answer_is_finished(stage: Stage, salesforce: SalesforceSandbox) -> None:
    salesforce.control.fault("cut", path="/services/**", nth=5, count=55)
    stage.tdr("run", ACTIVATION, expect=1, **SECRETS)
    salesforce.control.clear_faults()

    stage.tdr("retry", ACTIVATION, **SECRETS)

    everybody = people(salesforce)
    assert len(everybody) == len(set(everybody)) == BUYERS
