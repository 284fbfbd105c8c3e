"""All that is at this Adobe: sandboxes apart, each with specifications, connections, flows and runs."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.emulators.adobe.knobs import Knobs
from reconciler.emulators.adobe.refusals import not_there
from reconciler.emulators.timeline import Timeline
from reconciler.model.json import Json

Object = dict[str, Json]

DATA_LAKE = "c604ff05-7f1a-43c0-8e18-33bf874cb11c"
GENERIC_REST = "4e98f16f-87d6-4ef0-bdc6-7a2b0fe76e62"
REST_TO_PLATFORM = "6499120c-0b15-42dc-936e-847ea3c24d72"
VENDOR_ORG = "VENDOR@AdobeOrg"
"""Whose the catalogue is; the id is made up."""
PROVIDER = "0ed90a81-07f4-4586-8190-b40eccef1c5a"
KINDS = ("connectionSpecs", "flowSpecs", "connections", "sourceConnections", "targetConnections", "flows", "runs")


@dataclass(slots=True)
class Sandbox:
    """Objects by kind and id."""

    name: str
    sandbox_id: str
    objects: dict[str, dict[str, Object]] = field(default_factory=lambda: {kind: {} for kind in KINDS})

    def of(self, kind: str) -> dict[str, Object]:
        """The objects of one kind, oldest first."""
        return self.objects[kind]

    def one(self, kind: str, object_id: str) -> Object:
        """The object of that id.

        Raises:
            Refused: 404.
        """
        found = self.objects[kind].get(object_id)
        if found is None:
            raise not_there(f"Resource with id {object_id}")
        return found


class World:
    """One organisation."""

    def __init__(self, *, knobs: Knobs, timeline: Timeline, org_id: str, sandboxes: tuple[str, ...]) -> None:
        """Start with what Adobe itself provides in each of *sandboxes*."""
        self.knobs = knobs
        self.timeline = timeline
        self.org_id = org_id
        self.names = sandboxes
        self.clear()

    def clear(self) -> None:
        """Forget everything but what Adobe itself provides."""
        self.tokens: dict[str, float] = {}
        self.sandboxes = {name: Sandbox(name, str(uuid.uuid5(uuid.NAMESPACE_URL, name))) for name in self.names}
        for sandbox in self.sandboxes.values():
            for object_id, made in _PROVIDED["connectionSpecs"].items():
                self.put(sandbox, "connectionSpecs", copy.deepcopy(made), object_id)["imsOrgId"] = VENDOR_ORG
            for object_id, made in _PROVIDED["flowSpecs"].items():
                self.put(sandbox, "flowSpecs", copy.deepcopy(made), object_id)["imsOrgId"] = VENDOR_ORG

    def grant(self) -> str:
        """A new access token, good for as long as the knob says."""
        token = f"eyJhbGciOiJSUzI1NiJ9.{uuid.uuid4().hex}.{uuid.uuid4().hex}"
        self.tokens[token] = self.timeline.now() + self.knobs.token_lifetime_s
        return token

    def put(self, sandbox: Sandbox, kind: str, told: Mapping[str, Json], object_id: str | None = None) -> Object:
        """Make an object of *told*, or put that in the place of the object *object_id*. It has a new etag afterwards."""
        now = int(self.timeline.now() * 1000)
        key = object_id or str(uuid.uuid4())
        before = sandbox.of(kind).get(key, {})
        made: Object = {
            **told,
            "id": key,
            "createdAt": before.get("createdAt", now),
            "updatedAt": now,
            "createdBy": "service@techacct.example",
            "updatedBy": "service@techacct.example",
            "sandboxId": sandbox.sandbox_id,
            "sandboxName": sandbox.name,
            "imsOrgId": before.get("imsOrgId", self.org_id),
        }
        if kind not in {"connectionSpecs", "flowSpecs"}:
            # With its quotes, as published: they are part of the text.
            made["etag"] = f'"{uuid.uuid4()}"'
        sandbox.of(kind)[key] = made
        return made


_PROVIDED: dict[str, dict[str, Object]] = {
    "connectionSpecs": {
        DATA_LAKE: {"name": "data-lake", "providerId": PROVIDER, "type": "data-lake", "version": "1.0"},
        GENERIC_REST: {
            "name": "generic-rest-extension",
            "providerId": PROVIDER,
            "type": "generic-rest",
            "version": "1.0",
            "authSpec": [],
            "sourceSpec": {"attributes": {"uiAttributes": {"isSource": True}}, "spec": {}},
        },
    },
    "flowSpecs": {
        REST_TO_PLATFORM: {
            "name": "RestStorageToAEP",
            "providerId": PROVIDER,
            "version": "1.0",
            "sourceConnectionSpecIds": [GENERIC_REST],
            "targetConnectionSpecIds": [DATA_LAKE],
            "optionSpec": {"name": "OptionSpec", "spec": {"type": "object"}},
            "transformationSpecs": [{"name": "Mapping", "spec": {"type": "object"}}],
            "scheduleSpec": {"name": "PeriodicSchedule", "type": "Periodic", "spec": {"type": "object"}},
            "attributes": {"notification": {"category": "sources"}},
        }
    },
}
