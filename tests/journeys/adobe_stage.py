"""A project whose sources are registered at Adobe, and the Adobe beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stage import Stage, environment

from reconciler.emulators.adobe.gate import Application
from reconciler.emulators.adobe.sandbox import AdobeSandbox
from reconciler.emulators.adobe.world import REST_TO_PLATFORM
from reconciler.emulators.timeline import Timeline

ORG = "FAKE0123@AdobeOrg"
CLIENT_ID = "fake-adobe-client-id"
CLIENT_SECRET = "p8e-FAKE+adobe/client=secret"
PASSWORD = "FAKE-password-of-lists"
WRITES = 6
"""Requests by which a first apply changes something: see `MANIFESTS`."""

DEFINITION = """\
name: not the one that counts
authSpec:
  - name: Basic Authentication
    type: BasicAuthentication
    spec:
      type: object
      properties:
        domain: {type: string}
        username: {type: string}
        password: {type: string, format: password}
      required: [username, password]
sourceSpec:
  attributes:
    uiAttributes: {isSource: true, category: {key: crm}, label: {text: Lists}}
    urlParams: {host: "https://{domain}.example.test", path: "/3.0/lists/${listId}/members", method: GET}
    headerParams: {X-Version: "3"}
    contentPath: {path: $.members, overrideWrapperAttribute: member}
    paginationParams: {type: OFFSET, limitName: count, limitValue: "100", offSetName: offset}
    scheduleParams: {scheduleStartParamName: since, scheduleEndParamName: before}
  spec:
    $schema: http://json-schema.org/draft-07/schema#
    type: object
    properties: {listId: {type: string}}
"""

MANIFESTS = {
    "tdr.yaml": "apiVersion: tdr/v1\nproject: lists\n",
    "manifests/environments/local.yaml": f"""\
adobe:
  org_id: {ORG}
  client_id: ${{secret:env:ADOBE_CLIENT_ID}}
  client_secret: ${{secret:env:ADOBE_CLIENT_SECRET}}
  base_url: "${{var:adobe}}"
  login_url: "${{var:adobe}}"
""",
    "sources/lists.yaml": DEFINITION,
    "manifests/lists.yaml": """\
apiVersion: tdr/v1
kind: SourceSpec
metadata: {name: lists}
spec: {file: sources/lists.yaml}
---
apiVersion: tdr/v1
kind: SourceRegistration
metadata: {name: lists}
spec: {source: lists, name: List members}
---
apiVersion: tdr/v1
kind: SourceAccount
metadata: {name: lists-emea}
spec:
  source: lists
  auth: Basic Authentication
  params: {domain: emea, username: reader}
  secrets: {password: "${secret:env:LISTS_PASSWORD}"}
---
apiVersion: tdr/v1
kind: Dataflow
metadata: {name: newsletter}
spec:
  account: lists-emea
  params: {listId: a1b2}
  to: {dataset_id: 5f1b, schema_id: "https://ns.adobe.com/acme/schemas/9d"}
  mapping: {id: map-1}
  schedule: {start: "2031-01-31T06:00:00Z", frequency: hour, interval: 6}
""",
}
"""Writes: specification, flow specification, account, source and target connection, flow."""


@contextmanager
def listing_project(folder: Path, **options: Any) -> Iterator[tuple[Stage, AdobeSandbox]]:
    """A project that is not applied, at an Adobe whose time is the project's."""
    folder.mkdir()
    stage = Stage(folder, None, environment(folder))
    application = Application(CLIENT_ID, CLIENT_SECRET)
    with AdobeSandbox(application, org_id=ORG, timeline=Timeline(stage.clock.now), **options) as adobe:
        stage.environ |= {
            "TDR_VAR_adobe": adobe.base_url,
            "ADOBE_CLIENT_ID": CLIENT_ID,
            "ADOBE_CLIENT_SECRET": CLIENT_SECRET,
            "LISTS_PASSWORD": PASSWORD,
        }
        for path, text in MANIFESTS.items():
            stage.write(path, text)
        yield stage, adobe


def kept(adobe: AdobeSandbox, kind: str, sandbox: str = "prod") -> list[dict[str, Any]]:
    """Objects of a kind as Adobe keeps them; of specifications only those that somebody made."""
    objects = adobe.control.call("GET", f"/objects/{sandbox}/{kind}")["objects"]
    return [
        one
        for one in objects
        if kind != "connectionSpecs" or one["name"] not in {"data-lake", "generic-rest-extension"}
    ]


def changed(adobe: AdobeSandbox, kind: str, **values: Any) -> None:
    """Somebody changes the only object of a kind at a console."""
    (there,) = kept(adobe, kind)
    adobe.control.call("PATCH", f"/objects/prod/{kind}/{there['id']}", values)


def counted(adobe: AdobeSandbox) -> dict[str, int]:
    """How many objects there are of each kind that is made, and how many sources the flow specification lists."""
    kinds = ("connectionSpecs", "connections", "sourceConnections", "targetConnections", "flows")
    (flow_spec,) = (one for one in kept(adobe, "flowSpecs") if one["id"] == REST_TO_PLATFORM)
    return {kind: len(kept(adobe, kind)) for kind in kinds} | {"listed": len(flow_spec["sourceConnectionSpecIds"]) - 1}


ONE_OF_EACH = {
    "connectionSpecs": 1,
    "connections": 1,
    "sourceConnections": 1,
    "targetConnections": 1,
    "flows": 1,
    "listed": 1,
}


def writes(adobe: AdobeSandbox) -> list[str]:
    """What was asked for but looks and tokens, such as ``POST /flows``; ids are shown as ``*``."""
    told = []
    for call in adobe.control.traffic():
        parts = call["path"].split("/")
        shown = "/".join("*" if len(part) == 36 else part for part in parts)
        if call["method"] != "GET" and not call["path"].startswith("/ims"):
            told.append(f"{call['method']} {shown}")
    return told


def forget_traffic(adobe: AdobeSandbox) -> None:
    """Begin to count anew."""
    adobe.control.call("DELETE", "/traffic")
