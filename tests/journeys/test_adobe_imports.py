"""What is at Adobe already becomes documents, and those mean what is there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from adobe_stage import MANIFESTS, ONE_OF_EACH, PASSWORD, counted, forget_traffic, kept, listing_project, writes
from stage import Stage

from reconciler.emulators.adobe.sandbox import AdobeSandbox


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[Stage, AdobeSandbox]]:
    """A project without documents, at an Adobe where another project has made its sources."""
    with listing_project(tmp_path / "lists") as (stage, adobe):
        stage.tdr("apply", "--yes")
        for path in ("manifests/lists.yaml", "sources/lists.yaml"):
            (stage.folder / path).unlink()
        shutil.rmtree(stage.folder / "state")
        stage.environ["LISTS_EMEA_PASSWORD"] = PASSWORD
        yield stage, adobe


def documents(stage: Stage) -> dict[str, dict[str, object]]:
    """Kind -> the `spec` of its document."""
    texts = [path.read_text(encoding="utf-8") for path in sorted((stage.folder / "manifests").rglob("*.yaml"))]
    told = [one for text in texts for one in yaml.safe_load_all(text) if isinstance(one, dict) and "spec" in one]
    return {one["kind"]: one["spec"] for one in told}


def test_a_chain_becomes_documents_that_change_nothing(both: tuple[Stage, AdobeSandbox]) -> None:
    stage, adobe = both
    said = stage.tdr("import", "--all")
    told = documents(stage)

    assert told["SourceAccount"]["params"] == {"domain": "emea", "username": "reader"}
    assert told["SourceAccount"]["secrets"] == {"password": "${secret:env:LISTS_EMEA_PASSWORD}"}
    assert told["Dataflow"]["params"] == {"listId": "a1b2"}
    assert told["Dataflow"]["schedule"] == {"start": "2031-01-31T06:00:00Z", "frequency": "hour", "interval": 6}
    assert "generic-rest-extension" not in said.out
    assert PASSWORD not in said.out + said.err

    forget_traffic(adobe)
    stage.tdr("apply", "--yes", *stage.approvals())

    assert set(writes(adobe)) <= {"PATCH /connections/*"}  # its secret, which nobody can compare
    assert counted(adobe) == ONE_OF_EACH
    stage.tdr("plan", "--detailed-exitcode")


def test_secrets_that_are_told_not_even_masked_are_asked_for(both: tuple[Stage, AdobeSandbox]) -> None:
    stage, adobe = both
    adobe.control.knobs(secrets_told="absent")
    said = stage.tdr("import", "--all")
    assert "add those that it has to `secrets`" in said.out
    assert "secrets" not in documents(stage)["SourceAccount"]


def test_what_cannot_be_declared_is_told(both: tuple[Stage, AdobeSandbox]) -> None:
    stage, adobe = both
    (target,) = kept(adobe, "targetConnections")
    other = {"connectionSpec": {"id": "another-target", "version": "1.0"}}
    adobe.control.call("PATCH", f"/objects/prod/targetConnections/{target['id']}", other)
    said = stage.tdr("import", "--all", expect=1)
    assert "its target is not a dataset of the data lake" in said.out
    assert set(documents(stage)) == {"SourceRegistration", "SourceAccount"}


def test_a_flow_that_is_there_is_asked_about_and_taken_over_on_request(both: tuple[Stage, AdobeSandbox]) -> None:
    stage, adobe = both
    for path in ("manifests/lists.yaml", "sources/lists.yaml"):
        stage.write(path, MANIFESTS[path])
    said = stage.tdr("apply", "--yes", expect=3)
    assert "exists already" in said.out + said.err
    text = MANIFESTS["manifests/lists.yaml"]
    stage.write("manifests/lists.yaml", text.replace("\nspec:", "\nlifecycle: {adopt: always}\nspec:"))

    stage.tdr("apply", "--yes")

    assert counted(adobe) == ONE_OF_EACH
    stage.tdr("plan", "--detailed-exitcode")
