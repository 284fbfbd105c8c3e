"""Connection specifications, and their place in a flow specification.

Neither has an etag, and both are put as a whole: each is read just before, and refused when it is not as the plan saw it. A flow
specification is shared with everybody, so its list only gains or loses one entry. Source: Adobe's self-serve source pages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from reconciler.apis.adobe import FlowService, Kind, Object
from reconciler.diagnostics import Diagnostic
from reconciler.errors import NotFound, Permanent, ProviderError, Transient
from reconciler.model.address import Address
from reconciler.model.dataflows import PROVIDER, AdobeTarget, SourceRegistrationSpec
from reconciler.model.json import Json, canonical
from reconciler.model.observation import Observation
from reconciler.model.observation import Seen as Look
from reconciler.model.record import Record
from reconciler.model.resource import Resource
from reconciler.model.sourcespecs import SourceDefinition
from reconciler.ports.listing import Declaration, Found, Undeclarable
from reconciler.ports.provider import Context, Wanted
from reconciler.providers.adobe import wire
from reconciler.providers.adobe.families import Attributes, looked, name_of, unfinished
from reconciler.providers.adobe.seen import Seen
from reconciler.sourcespec import documents
from reconciler.sourcespec.findings import Refused

TYPE: Final = "generic-rest"
_OURS: Final = "x-tdr"
_PARTS: Final = ("type", "version", "authSpec", "sourceSpec", "exploreSpec", "attributes")
_NOT_COMPARED: Final = frozenset({*wire.OF_THE_SERVICE, "name", "description", "providerId", "exploreSpec"})
"""Besides the name, what the service keeps for itself, and what is the same of all sources."""
_COUNTED: Final = ("authSpec", "sourceSpec", "attributes")
_TRANSFORMATIONS: Final = ("transformationSpecs", "transformationSpec", "transformationSpecDTOS")
_SOURCES: Final = "sourceConnectionSpecIds"

EXPLORE: Final[Mapping[str, Any]] = {
    "name": "Resource",
    "type": "Resource",
    "requestSpec": {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"},
    "responseSpec": {
        # With the blank: the text is fixed, and this is how it reads.
        "$schema": "http: //json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {
            "format": {"type": "string"},
            "schema": {
                "type": "object",
                "properties": {
                    "columns": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {"name": {"type": "string"}, "type": {"type": "string"}},
                        },
                    }
                },
            },
            "data": {"type": "array", "items": {"type": "object"}},
        },
    },
}
"""What every self-serve source says of exploring it. Source: Adobe's page on the explore specification."""


class Registrations:
    """The family of sources that are registered."""

    def __init__(self, api: FlowService, target: AdobeTarget, seen: Seen) -> None:
        self._api = api
        self._target = target
        self._seen = seen

    @staticmethod
    def attributes(resource: Resource, context: Context) -> Attributes:
        """Name, the parts of the specification, the places in it, and the flow specification that lists it."""
        body = specification(resource, context)
        return {
            "name": name_of(resource),
            "flow_spec": _spec(resource).flow_spec,
            "specification": cast("Mapping[str, Json]", wire.comparable(_compared(body))),
            "members": _members(body),
        }

    def observe(self, wanted: Sequence[Wanted]) -> Mapping[Address, Look]:
        """One list of connection specifications, and one of flow specifications for who lists them."""
        homes: dict[str, list[str]] = {}
        meant = {name_of(one.resource): _spec(one.resource).flow_spec for one in wanted if one.resource}
        meant |= {one.record.remote_id: meant[name_of(one.resource)] for one in wanted if one.resource and one.record}

        def observed(told: Object) -> Observation:
            if not homes:
                homes.update(self._homes())
            key = str(told["id"])
            home = meant.get(key, meant.get(wire.text(told.get("name")), ""))
            if home and home not in homes.get(key, []) and self._lists(home, key):  # a list that lost a page
                homes.setdefault(key, []).append(home)
            return self._observed(told, homes, home)

        return looked(self._api, Kind.CONNECTION_SPECS, wanted, observed, self._is_ours)

    def create(self, resource: Resource, context: Context) -> Observation:
        """Make it and let the flow specification list it.

        Raises:
            Transient: it is there, and the flow specification does not list it yet.
        """
        made = self._api.create(Kind.CONNECTION_SPECS, {**specification(resource, context), "name": name_of(resource)})
        try:
            self._join(_spec(resource).flow_spec, made)
            return self._observed(self._api.one(Kind.CONNECTION_SPECS, made), self._homes())
        except ProviderError as error:
            raise unfinished(resource.address, error) from error

    def update(self, resource: Resource, remote_id: str, context: Context, paths: Sequence[str]) -> Observation:
        """Put it whole where it differs, and let the flow specification list it where it does not."""
        if any(path != "/flow_spec" for path in paths):
            newest = self._api.one(Kind.CONNECTION_SPECS, remote_id)
            written = specification(resource, context)
            dropped = {path.split("/")[2] for path in paths if path.startswith("/specification/")} - written.keys()
            meant = {name: newest.get(name) for name in ("name", *_PARTS, *written, *dropped)}
            self._seen.must_be_as_seen(Kind.CONNECTION_SPECS, newest, meant)
            kept = {name: value for name, value in newest.items() if name not in wire.OF_THE_SERVICE | dropped}
            body = {**kept, **written, "name": name_of(resource)}
            self._api.put(Kind.CONNECTION_SPECS, remote_id, body)
        home = _spec(resource).flow_spec
        if "/flow_spec" in paths:
            self._flow_spec(home)  # one that is not there takes nothing out of another
            # Out of the others first: killed in between, it is listed nowhere, which the next plan sees.
            for left in self._homes().get(remote_id, []):
                if left != home:
                    self._leave(left, remote_id)
            self._join(home, remote_id)
        return self._observed(self._api.one(Kind.CONNECTION_SPECS, remote_id), self._homes(), home)

    def delete(self, remote_id: str, record: Record) -> None:
        """Take it out of the flow specification. It stays by itself, for nothing deletes it."""
        remembered = wire.text(record.applied.get("flow_spec"))
        for home in sorted({remembered, *self._homes().get(remote_id, [])} - {""}):
            self._leave(home, remote_id)

    def found(self) -> Iterator[Found]:
        """Those of this organisation; the catalogue of the platform has many of others."""
        homes = self._homes()
        for told in self._api.listed(Kind.CONNECTION_SPECS):
            # What was taken out of its flow specification cannot be deleted, and is nobody's any more.
            if told.get("type") == TYPE and self._is_ours(told) and str(told["id"]) in homes:
                yield Found("sourceregistration", wire.text(told.get("name")), self._observed(told, homes))

    def declare(self, found: Found) -> Declaration | Undeclarable:
        """Its specification as text, for nobody knows which SourceSpec document it came from."""
        told = self._api.one(Kind.CONNECTION_SPECS, found.remote_id)
        body = {name: told[name] for name in _PARTS if told.get(name)}
        if not isinstance(body.get("sourceSpec"), Mapping):
            return Undeclarable("it has no `sourceSpec`")
        tree: dict[str, Json] = {
            "name": found.observation.attributes["name"],
            "definition": canonical_text({**body, "providerId": told.get("providerId")}),
            "flow_spec": found.observation.attributes["flow_spec"],
        }
        return Declaration(tree)

    def _is_ours(self, told: Object) -> bool:
        """Whether this organisation made it; the catalogue has others, and some of the same names."""
        return told.get("imsOrgId") in {None, self._target.org_id}

    # -- flow specifications -------------------------------------------------------------------------------------

    def _homes(self) -> dict[str, list[str]]:
        """Connection specification -> the flow specifications that list it."""
        listed: dict[str, list[str]] = {}
        for told in self._api.listed(Kind.FLOW_SPECS):
            for one in _listed(told):
                listed.setdefault(one, []).append(str(told["id"]))
        return listed

    def _lists(self, flow_spec: str, connection_spec: str) -> bool:
        try:
            return connection_spec in _listed(self._flow_spec(flow_spec))
        except NotFound:
            return False

    def _join(self, flow_spec: str, connection_spec: str) -> None:
        with self._seen.sharing:
            told = self._flow_spec(flow_spec)
            if connection_spec not in _listed(told):
                self._put(told, [*_listed(told), connection_spec])

    def _leave(self, flow_spec: str, connection_spec: str) -> None:
        with self._seen.sharing:
            try:
                told = self._flow_spec(flow_spec)
            except NotFound:
                return
            if connection_spec in _listed(told):
                self._put(told, [one for one in _listed(told) if one != connection_spec])

    def _flow_spec(self, flow_spec: str) -> Object:
        return self._api.one(Kind.FLOW_SPECS, flow_spec)

    def _put(self, told: Object, sources: Sequence[str]) -> None:
        """Write a flow specification as it was just read, but for its list of sources, and see that nothing else was lost.

        Raises:
            Transient: somebody else wrote it at the same moment.
            Permanent: the service kept something otherwise than it was sent.
        """
        key = str(told["id"])
        body: dict[str, Json] = {name: value for name, value in told.items() if name not in wire.OF_THE_SERVICE}
        body[_SOURCES] = list(sources)
        wish = self._target.transformations_member
        if wish != "as_read":
            transformations = next((body.pop(name) for name in _TRANSFORMATIONS if name in body), None)
            if transformations is not None:
                body[wish] = transformations
        self._api.put(Kind.FLOW_SPECS, key, body)
        after = self._flow_spec(key)
        if set(_listed(after)) != set(sources):
            raise Transient(
                f"Adobe: flow specification {key} was written by somebody else at the same moment",
                hint="run `tdr apply` again; the sources of both are listed when both have done so",
            )
        lost = sorted(
            name
            for name in told
            if name not in wire.OF_THE_SERVICE
            and name != _SOURCES
            and canonical(after.get(name)) != canonical(told[name])
        )
        if lost:
            raise Permanent(
                f"Adobe: flow specification {key} was written with {', '.join(lost)} and told without",
                hint="set `transformations_member` of the environment's `adobe` to another value and apply again; "
                "other sources share this specification, so tell Adobe's support what was lost",
            )

    def _observed(self, told: Object, homes: Mapping[str, Sequence[str]], meant: str = "") -> Observation:
        """What *told* comes to. *meant*: the flow specification that should list it, which it has where several do."""
        self._seen.note(Kind.CONNECTION_SPECS, told)
        key = str(told["id"])
        listing = homes.get(key, ("",))
        return Observation(
            key,
            {
                "name": wire.text(told.get("name")),
                "flow_spec": meant if meant in listing else listing[0],
                "specification": wire.comparable(_compared(told)),
                "members": _members(told),
            },
            created_at=wire.millis_to_s(told.get("createdAt")),
            note="" if key in homes else "no flow specification lists it, so no flow can use it",
        )


def specification(resource: Resource, context: Context) -> dict[str, Json]:
    """What is sent of a connection specification: what its author wrote, without what is ours.

    Raises:
        Permanent: its text cannot be read, or is a `sourceSpec` alone.
    """
    try:
        told = documents.written(_text(resource, context))
    except Refused as refused:
        raise Permanent(f"{resource.address}: {refused.finding.message}", hint=refused.finding.hint) from None
    source = told.get("sourceSpec")
    if not isinstance(source, Mapping):
        raise Permanent(
            f"{resource.address}: a source is registered with its authentications, and this is a `sourceSpec` alone",
            hint="write the whole connection specification, with `authSpec` and `sourceSpec`",
        )
    body: dict[str, Json] = {
        "providerId": PROVIDER,
        "type": TYPE,
        "version": "1.0",
        "exploreSpec": EXPLORE,
        "attributes": {},
        "authSpec": [],
    }
    body |= {name: value for name, value in told.items() if name not in {*wire.OF_THE_SERVICE, _OURS, "name"}}
    body["sourceSpec"] = {name: value for name, value in source.items() if name != _OURS}
    return body


def problems(resource: Resource, context: Context) -> Iterator[Diagnostic]:
    """What is wrong with a registration, told before any call."""
    try:
        body = specification(resource, context)
    except Permanent as error:
        path = "/spec/source" if _spec(resource).source else "/spec/definition"
        yield Diagnostic(
            "source-registration", error.message, subject=str(resource.address), path=path, hint=error.hint
        )
        return
    if not body["authSpec"]:
        yield Diagnostic(
            "source-registration",
            "its specification has no `authSpec`, so nobody could connect to it",
            subject=str(resource.address),
            path="/spec",
            hint="write `authSpec` beside `sourceSpec`, with one entry for each way to authenticate",
        )


def authentications(resource: Resource, context: Context) -> list[str] | None:
    """Names of the authentications of a registration; None when its text cannot be read."""
    try:
        entries = specification(resource, context).get("authSpec")
    except Permanent:
        return None
    return [str(one.get("name")) for one in entries if isinstance(one, Mapping)] if isinstance(entries, list) else []


def canonical_text(value: Json) -> str:
    """*value* as JSON for people, in one order."""
    import json  # noqa: PLC0415 - only where documents are written

    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _text(resource: Resource, context: Context) -> str:
    spec = _spec(resource)
    if spec.source is None:
        return spec.definition or ""
    named = context.resources.get(Address("sourcespec", spec.source))
    return (named.spec.definition or "") if named and isinstance(named.spec, SourceDefinition) else ""


def _compared(body: Object) -> dict[str, Json]:
    return {name: value for name, value in body.items() if name not in _NOT_COMPARED}


def _members(body: Object) -> list[Json]:
    return [place for name in _COUNTED for place in sorted(wire.members(body.get(name), name))]


def _listed(told: Object) -> list[str]:
    ids = told.get(_SOURCES)
    return [str(one) for one in ids] if isinstance(ids, list) else []


def _spec(resource: Resource) -> SourceRegistrationSpec:
    if not isinstance(resource.spec, SourceRegistrationSpec):
        raise TypeError(str(resource.address))
    return resource.spec
