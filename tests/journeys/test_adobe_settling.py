"""Flows on their way take no calls: whatever tells so is waited for, and nothing else is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from adobe_stage import changed, counted, kept, listing_project
from stage import Stage

from reconciler.emulators.adobe.sandbox import AdobeSandbox

DOCUMENTS = "manifests/lists.yaml"


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[Stage, AdobeSandbox]]:
    with listing_project(tmp_path / "lists") as stage_and_adobe:
        yield stage_and_adobe


@pytest.mark.parametrize(
    "told",
    [
        {"passing_told": "by_state", "operation_status": "camel"},
        {"passing_told": "by_state", "operation_status": "absent"},
        {"passing_told": "by_operation", "operation_status": "camel"},
        {"passing_told": "by_operation", "operation_status": "capitals"},
    ],
    ids=lambda told: "-".join(told.values()),
)
def test_a_flow_is_made_changed_switched_and_removed_once_it_takes_calls(
    both: tuple[Stage, AdobeSandbox], told: dict[str, str]
) -> None:
    stage, adobe = both
    adobe.control.knobs(passing_s=20, **told)
    stage.edit(DOCUMENTS, "mapping: {id: map-1}", "mapping: {id: map-1}\n  enabled: false")
    stage.tdr("apply", "--yes")
    stage.edit(DOCUMENTS, "enabled: false", "enabled: true")
    stage.edit(DOCUMENTS, "interval: 6", "interval: 12")
    stage.tdr("apply", "--yes")
    stage.edit(DOCUMENTS, "interval: 12", "interval: 24")
    stage.tdr("apply", "--yes")

    (flow,) = kept(adobe, "flows")
    assert (flow["state"], flow["scheduleParams"]["interval"]) == ("enabled", 24)
    refused = [call for call in adobe.control.traffic() if call["status"] >= 400]
    assert refused == []
    stage.tdr("destroy", "--yes", "--env", "local")
    assert counted(adobe)["flows"] == 0


def test_a_state_that_only_sounds_passing_is_not_waited_for(both: tuple[Stage, AdobeSandbox]) -> None:
    stage, adobe = both
    stage.tdr("apply", "--yes")
    changed(adobe, "flows", state="initializing")
    stage.edit(DOCUMENTS, "interval: 6", "interval: 12")

    stage.tdr("apply", "--yes")

    assert kept(adobe, "flows")[0]["scheduleParams"]["interval"] == 12


def test_what_never_takes_calls_is_given_up_with_its_state(both: tuple[Stage, AdobeSandbox]) -> None:
    stage, adobe = both
    stage.tdr("apply", "--yes")
    changed(adobe, "flows", state="delete-finalizing")
    stage.edit(DOCUMENTS, "interval: 6", "interval: 12")

    said = stage.tdr("apply", "--yes", expect=1)

    assert "is on its way for 120 s, now 'delete-finalizing'" in said.out + said.err
