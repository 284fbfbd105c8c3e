"""Every optional field of the kinds of Adobe: taken out of its document, it is seen to be gone, and goes at Adobe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from adobe_stage import MANIFESTS, forget_traffic, kept, listing_project, writes
from stage import Stage

from reconciler.emulators.adobe.sandbox import AdobeSandbox
from reconciler.emulators.adobe.world import REST_TO_PLATFORM
from reconciler.model.dataflows import DataflowSpec, SourceAccountSpec, SourceRegistrationSpec

REGISTRATION, ACCOUNT, FLOW = "sourceregistration/lists", "sourceaccount/lists-emea", "dataflow/newsletter"
OTHER_FLOW_SPEC = "1f7a6cc3-6a0e-4f33-8b0d-other"
DOCUMENTS, SOURCE = "manifests/lists.yaml", "sources/lists.yaml"
HEAD = "name: not the one that counts\n"


@dataclass(frozen=True)
class Case:
    """A field that is there at first. *put*: what is written in the place of what; taken out by writing that again.

    planned: address -> actions and the fields that differ once it is taken out. left: what is looked at afterwards, of the
    newest object of *kind*, and what it is. base: what is written before all that, and stays.
    """

    field: str
    put: tuple[tuple[str, str, str], ...]
    planned: dict[str, list[str]]
    kind: str
    look: Callable[[dict[str, Any]], object] = field(repr=False)
    left: object = None
    base: tuple[tuple[str, str, str], ...] = ()


def of_source(text: str) -> tuple[tuple[str, str, str], ...]:
    """Something more at the top of the source specification."""
    return ((SOURCE, HEAD, HEAD + text),)


CASES = [
    Case(
        "SourceRegistration.name",
        ((DOCUMENTS, "{source: lists}", "{source: lists, name: List members}"),),
        {REGISTRATION: ["update", "/name"]},
        "connectionSpecs",
        lambda told: told["name"],
        "lists",
    ),
    Case(
        "SourceRegistration.flow_spec",
        (
            (DOCUMENTS, "{source: lists}", f"{{source: lists, flow_spec: {OTHER_FLOW_SPEC}}}"),
            (DOCUMENTS, "  account: lists-emea\n", f"  account: lists-emea\n  flow_spec: {OTHER_FLOW_SPEC}\n"),
        ),
        {REGISTRATION: ["update", "/flow_spec"], FLOW: ["replace", "/flow_spec"]},
        "flowSpecs",
        lambda told: told["sourceConnectionSpecIds"],
        [],
    ),
    Case(
        "SourceRegistration.definition: settings",
        of_source("settings: {pace: {calls: 3}}\n"),
        {REGISTRATION: ["update", "/specification/settings/pace/calls"]},
        "connectionSpecs",
        lambda told: told.get("settings"),
    ),
    Case(
        "SourceRegistration.definition: encryptionSpecs",
        of_source("encryptionSpecs: [{name: PGP}]\n"),
        {REGISTRATION: ["update", "/specification/encryptionSpecs"]},
        "connectionSpecs",
        lambda told: told.get("encryptionSpecs"),
    ),
    Case(
        "SourceRegistration.definition: attributes",
        of_source("attributes: {uiAttributes: {apiFeatures: {explorePaginationSupported: false}}}\n"),
        {
            REGISTRATION: [
                "update",
                "/members",
                "/specification/attributes/uiAttributes/apiFeatures/explorePaginationSupported",
            ]
        },
        "connectionSpecs",
        lambda told: told["attributes"],
        {},
    ),
    Case(
        "SourceRegistration.definition: version",
        of_source('version: "2.0"\n'),
        {REGISTRATION: ["update", "/specification/version"]},
        "connectionSpecs",
        lambda told: told["version"],
        "1.0",
    ),
    Case(
        "SourceAccount.name",
        ((DOCUMENTS, "  auth: Basic", "  name: Lists of EMEA\n  auth: Basic"),),
        {ACCOUNT: ["update", "/name"]},
        "connections",
        lambda told: told["name"],
        "lists-emea",
    ),
    Case(
        "SourceAccount.description",
        ((DOCUMENTS, "  auth: Basic", "  description: who reads\n  auth: Basic"),),
        {ACCOUNT: ["update", "/description"]},
        "connections",
        lambda told: told["description"],
        "",
    ),
    Case(
        "SourceAccount.params",
        ((DOCUMENTS, "username: reader", "username: reader, region: north"),),
        {ACCOUNT: ["update", "/params/region"]},
        "connections",
        lambda told: sorted(told["auth"]["params"]),
        ["domain", "password", "username"],
    ),
    Case(
        "SourceAccount.secrets",
        ((DOCUMENTS, "secrets: {", 'secrets: {accessToken: "${secret:env:LISTS_TOKEN}", '),),
        {ACCOUNT: ["update", "/secrets/accessToken"]},
        "connections",
        lambda told: sorted(told["auth"]["params"]),
        ["domain", "password", "username"],
    ),
    Case(
        "Dataflow.params",
        ((DOCUMENTS, "{listId: a1b2}", "{listId: a1b2, status: open}"),),
        {FLOW: ["replace", "/source_params"]},
        "sourceConnections",
        lambda told: told["params"],
        {"listId": "a1b2"},
    ),
    Case(
        "Dataflow.to.schema_version",
        ((DOCUMENTS, "to: {", 'to: {schema_version: "application/vnd.adobe.xed-full+json;version=2", '),),
        {FLOW: ["replace", "/schema_version"]},
        "targetConnections",
        lambda told: told["data"]["schema"]["version"],
        "application/vnd.adobe.xed-full+json;version=1",
    ),
    Case(
        "Dataflow.mapping",
        ((DOCUMENTS, "  schedule:", "  mapping: {id: map-1}\n  schedule:"),),
        {FLOW: ["update", "/mapping/id", "/mapping/version"]},
        "flows",
        lambda told: told["transformations"],
        [],
    ),
    Case(
        "Dataflow.mapping.version",
        ((DOCUMENTS, "{id: map-1}", "{id: map-1, version: 3}"),),
        {FLOW: ["update", "/mapping/version"]},
        "flows",
        lambda told: told["transformations"][0]["params"],
        {"mappingId": "map-1", "mappingVersion": 0},
        base=((DOCUMENTS, "  schedule:", "  mapping: {id: map-1}\n  schedule:"),),
    ),
    Case(
        "Dataflow.schedule.start",
        ((DOCUMENTS, "{frequency", '{start: "2031-01-31T06:00:00Z", frequency'),),
        {FLOW: ["replace", "/schedule/waits_until"]},
        "flows",
        lambda told: told["scheduleParams"]["startTime"] // 1_900_000_000,
        0,
    ),
    Case(
        "Dataflow.schedule.backfill",
        ((DOCUMENTS, "interval: 6", "interval: 6, backfill: false"),),
        {FLOW: ["update", "/schedule/backfill"]},
        "flows",
        lambda told: str(told["scheduleParams"]["backfill"]),
        "True",
    ),
    Case(
        "Dataflow.enabled",
        ((DOCUMENTS, "  schedule:", "  enabled: false\n  schedule:"),),
        {FLOW: ["resume", "/enabled"]},
        "flows",
        lambda told: told["state"],
        "enabled",
    ),
    Case(
        "Dataflow.name",
        ((DOCUMENTS, "  schedule:", "  name: Newsletter members\n  schedule:"),),
        {FLOW: ["update", "/name"]},
        "flows",
        lambda told: told["name"],
        "newsletter",
    ),
    Case(
        "Dataflow.description",
        ((DOCUMENTS, "  schedule:", "  description: who reads it\n  schedule:"),),
        {FLOW: ["update", "/description"]},
        "flows",
        lambda told: told["description"],
        "",
    ),
]


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[Stage, AdobeSandbox]]:
    """A project that says as little as it can, at an Adobe with a second flow specification."""
    with listing_project(tmp_path / "lists") as (stage, adobe):
        text = MANIFESTS[DOCUMENTS].replace("  mapping: {id: map-1}\n", "").replace(", name: List members", "")
        stage.write(DOCUMENTS, text.replace('start: "2031-01-31T06:00:00Z", ', ""))
        stage.environ["LISTS_TOKEN"] = "FAKE-token-of-lists"
        world = adobe.adobe.world
        shared = world.sandboxes["prod"].one("flowSpecs", REST_TO_PLATFORM)
        other = {**shared, "name": "another", "sourceConnectionSpecIds": []}
        world.put(world.sandboxes["prod"], "flowSpecs", other, OTHER_FLOW_SPEC)
        yield stage, adobe


def planned(stage: Stage) -> dict[str, list[str]]:
    """Address -> actions, then the fields that differ, of what a plan would do."""
    document = stage.tdr("plan", "--format", "json", expect=None).document
    return {
        change["address"]: [*change["actions"], *sorted(one["path"] for one in change["fields"])]
        for change in document["changes"]
        if change["actions"] != ["noop"]
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.field)
def test_a_field_that_is_taken_out_is_seen_and_goes(both: tuple[Stage, AdobeSandbox], case: Case) -> None:
    stage, adobe = both
    for path, before, after in (*case.base, *case.put):
        stage.edit(path, before, after)
    stage.tdr("apply", "--yes")
    stage.tdr("plan", "--detailed-exitcode")
    assert case.look(kept(adobe, case.kind)[-1]) != case.left, "it is there at first"

    for path, before, after in reversed(case.put):
        stage.edit(path, after, before)
    assert planned(stage) == case.planned
    stage.tdr("apply", "--yes", *stage.approvals())

    assert case.look(kept(adobe, case.kind)[-1]) == case.left
    stage.tdr("plan", "--detailed-exitcode")
    assert stage.tdr("drift", expect=None).code == 0


def test_no_optional_field_is_forgotten() -> None:
    tried = {".".join(one.field.partition(":")[0].split(".")[:2]) for one in CASES}
    needed = {
        f"{kind}.{name}"
        for kind, spec in (
            ("SourceRegistration", SourceRegistrationSpec),
            ("SourceAccount", SourceAccountSpec),
            ("Dataflow", DataflowSpec),
        )
        for name, told in spec.model_fields.items()
        if not told.is_required()
    }
    # One of these says which source it is, and `file` is read into `definition`.
    either = {"SourceRegistration.source", "SourceRegistration.file"}
    either |= {"SourceAccount.source", "SourceAccount.connection_spec", "Dataflow.flow_spec"}
    assert needed - either <= tried


def test_a_start_that_has_passed_may_be_taken_out(both: tuple[Stage, AdobeSandbox]) -> None:
    stage, adobe = both
    stage.edit(DOCUMENTS, "{frequency", '{start: "2020-01-31T06:00:00Z", frequency')
    stage.tdr("apply", "--yes")
    forget_traffic(adobe)
    stage.edit(DOCUMENTS, 'start: "2020-01-31T06:00:00Z", ', "")

    stage.tdr("plan", "--detailed-exitcode")
    assert stage.tdr("drift", expect=None).code == 0
    stage.tdr("apply", "--yes")
    assert writes(adobe) == []
