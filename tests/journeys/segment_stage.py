"""A stage with a segment, and with an activation of it: what their journeys have in common."""

from __future__ import annotations

import json
from typing import Any

import pytest
from stage import Stage

SEGMENTS = """\
apiVersion: tdr/v1
kind: ParentSegment
metadata: {name: people}
spec:
  master: {database: shop, table: customers}
  attributes:
    - {name: E-mail, column: email}
    - {name: Spring, column: spring}
---
apiVersion: tdr/v1
kind: Segment
metadata: {name: spring}
spec:
  parent_segment: people
  where: {all: [{attribute: spring, equals: "yes"}]}
"""
ACTIVATION = """\
apiVersion: tdr/v1
kind: Activation
metadata: {name: spring-to-pinterest}
spec:
  from: {segment: spring}
  to: {audience: spring-buyers}
  membership: replace
  columns: [{column: email}]
  schedule: nightly
  notify: {when: [failure], emails: [Local@localhost]}
"""
FILE = "manifests/activation.yaml"
ADDRESS = "activation/spring-to-pinterest"
LIST = "/audiences/1/syndications"


@pytest.fixture
def built(loaded: Stage) -> Stage:
    """A built parent segment with one segment, and nothing that goes to Pinterest yet."""
    (loaded.folder / FILE).unlink()
    loaded.write("manifests/segments.yaml", SEGMENTS)
    loaded.tdr("apply", "--yes")
    loaded.tdr("run", "parentsegment/people")
    return loaded


@pytest.fixture
def activated(built: Stage) -> Stage:
    """The same with an activation of it, whose first run has made the audience."""
    built.write(FILE, ACTIVATION)
    built.tdr("apply", "--yes")
    return built


def asked(stage: Stage, method: str, path: str, body: object = None) -> Any:
    """What somebody else's client of the service is answered."""
    with stage.somebody() as td:
        from reconciler.http.request import Request, Safety  # noqa: PLC0415 - for this alone

        content = None if body is None else json.dumps(body).encode()
        request = Request(method, path, body=content, content_type="application/json", safety=Safety.ONCE)
        return td._http.json(request)
