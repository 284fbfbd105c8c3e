"""Flows, with the source and target connection that belong to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast

from reconciler.apis.adobe import Change, FlowService, Kind, Object, is_on_its_way
from reconciler.diagnostics import Diagnostic
from reconciler.errors import NotFound, OutcomeUnknown, Permanent, ProviderError
from reconciler.model.address import Address
from reconciler.model.dataflows import DataflowSpec, SourceAccountSpec, SourceRegistrationSpec
from reconciler.model.json import Json
from reconciler.model.marker import marker, owner_in
from reconciler.model.observation import Finding, Observation, Unreadable
from reconciler.model.observation import Seen as Look
from reconciler.model.resource import Resource
from reconciler.model.unknown import Unknown
from reconciler.ports.clock import Clock
from reconciler.ports.listing import Declaration, DeclaredTree, Directory, Found, Undeclarable
from reconciler.ports.provider import Context, Wanted
from reconciler.providers.adobe import flow_schedules, wire
from reconciler.providers.adobe.families import Attributes, id_of, looked, name_of, unfinished
from reconciler.providers.adobe.flow_parts import DATA_LAKE, FlowParts, Parts, source_body, target_body
from reconciler.providers.adobe.seen import Seen

_MAPPING: Final = "Mapping"
_OFF: Final = frozenset({"disabled", "disabling"})


class Flows:
    """The family of flows. *owner* signs the parts, as ``PROJECT/ENVIRONMENT``."""

    def __init__(self, api: FlowService, seen: Seen, clock: Clock, owner: str) -> None:
        self._api = api
        self._seen = seen
        self._clock = clock
        self._owner = owner
        self._parts = FlowParts(api)

    @staticmethod
    def attributes(resource: Resource, context: Context) -> Attributes:
        """The flow and both of its parts, as one thing."""
        spec = _spec(resource)
        attributes: dict[str, Json | Unknown | Mapping[str, Json | Unknown]] = {
            "name": name_of(resource),
            "account": id_of(Address("sourceaccount", spec.account), context.remote_ids),
            "source_params": cast("Json", wire.inputs(cast("Object", spec.params))),
            "dataset_id": spec.to.dataset_id,
            "schema_id": spec.to.schema_id,
            "schema_version": spec.to.schema_version,
            "flow_spec": spec.flow_spec,
            "schedule": flow_schedules.compared(spec.schedule),
            "enabled": spec.enabled,
        }
        if spec.description is not None:
            attributes["description"] = spec.description
        if spec.mapping is not None:
            attributes["mapping"] = {"id": spec.mapping.id, "version": str(spec.mapping.version)}
        return cast("Attributes", attributes)

    def observe(self, wanted: Sequence[Wanted]) -> Mapping[Address, Look]:
        """Three lists: flows, source connections and target connections."""
        try:
            sources, targets = self._told(Kind.SOURCES), self._told(Kind.TARGETS)
        except ProviderError as error:
            return {question.address: Unreadable(error) for question in wanted}

        def observed(flow: Object) -> Observation:
            return self._observed(flow, sources, targets)

        looks = dict(looked(self._api, Kind.FLOWS, wanted, observed))
        for question in wanted:
            look = looks[question.address]
            is_gone = isinstance(look, Finding) and look.by_id is None and question.resource is None
            if question.record is not None and is_gone and self._has_parts(question.address):
                # A delete that was cut off: the flow is gone, and what belonged to it is not.
                looks[question.address] = Finding(Observation(question.record.remote_id, {}), ())
        return looks

    def create(self, resource: Resource, attributes: Attributes) -> Observation:
        """Make the parts, then the flow; what a killed run has made already is used.

        Raises:
            Transient: the flow is there, and not switched off as it should be.
        """
        spec, name, mark = _spec(resource), name_of(resource), marker(self._owner, resource.address)
        account = attributes["account"]
        if not isinstance(account, str):
            raise Permanent(f"{resource.address}: {account} is not known yet", hint="apply what it needs first")
        base = self._api.one(Kind.CONNECTIONS, account)
        connection_spec = wire.text(wire.inner(base, "connectionSpec").get("id"))
        source, old_sources = self._parts.made(Kind.SOURCES, source_body(spec, name, account, connection_spec, mark))
        target, old_targets = self._parts.made(Kind.TARGETS, target_body(spec, name, mark))
        parts = Parts(source, target)
        try:
            made = self._api.create(Kind.FLOWS, self._body(spec, name, parts))
        except OutcomeUnknown:
            raise
        except Permanent:
            # Nobody would ever find them again once the document is gone.
            self._parts.remove_left_behind(mark)
            raise
        try:
            self._parts.remove(Kind.SOURCES, old_sources)
            self._parts.remove(Kind.TARGETS, old_targets)
            if not spec.enabled:
                self._api.settled(made)
                self._api.switch(made, on=False)
            return self._observed_anew(made)
        except ProviderError as error:
            raise unfinished(resource.address, error) from error

    def update(self, resource: Resource, remote_id: str, paths: Sequence[str]) -> Observation:
        """Change what can be changed in place, then switch it."""
        spec = _spec(resource)
        newest = self._api.settled(remote_id)
        changes = list(_changes(spec, name_of(resource), newest, paths))
        if changes:
            self._api.patch(Kind.FLOWS, remote_id, self._seen.etag(Kind.FLOWS, newest), changes)
        if "/enabled" in paths:
            self._api.settled(remote_id)
            self._api.switch(remote_id, on=spec.enabled)
        return self._observed_anew(remote_id)

    def delete(self, address: Address, remote_id: str) -> None:
        """Remove the flow, then the parts that belong to it and to no other."""
        try:
            flow = self._api.settled(remote_id)
        except NotFound:
            flow = {}
        if flow:
            parts = Parts(wire.only_id(flow, "sourceConnectionIds"), wire.only_id(flow, "targetConnectionIds"))
            marks = [self._mark_of(Kind.SOURCES, parts.source), self._mark_of(Kind.TARGETS, parts.target)]
            self._gone(Kind.FLOWS, remote_id)
            for kind, part, mark in zip((Kind.SOURCES, Kind.TARGETS), (parts.source, parts.target), marks, strict=True):
                # Only what was made for it; people may have given others the parts that they made.
                if part and owner_in(mark) == self._owner:
                    self._parts.remove_unused(kind, part, remote_id)
        self._parts.remove_left_behind(marker(self._owner, address))

    def disable(self, remote_id: str) -> None:
        """Switch it off."""
        self._api.settled(remote_id)
        self._api.switch(remote_id, on=False)

    def found(self) -> Iterator[Found]:
        """All flows of the sandbox."""
        sources, targets = self._told(Kind.SOURCES), self._told(Kind.TARGETS)
        flows = self._api.listed(Kind.FLOWS)
        names = [wire.text(flow.get("name")) for flow in flows]
        for flow, name in zip(flows, names, strict=True):
            observed = self._observed(flow, sources, targets)
            yield Found("dataflow", name, observed, has_twins=names.count(name) > 1)

    def declare(self, found: Found, directory: Directory) -> Declaration | Undeclarable:
        """The inverse of `attributes`."""
        told = found.observation.attributes
        account = directory.name_of("sourceaccount", str(told["account"]))
        if account is None:
            return Undeclarable("no document declares the base connection that it reads by")
        computed = found.observation.computed
        if computed.get("target_spec", DATA_LAKE) != DATA_LAKE:
            return Undeclarable("its target is not a dataset of the data lake")
        # What is only remembered has the inputs as they are compared.
        params = computed["params"] if "params" in computed else wire.of_inputs(told["source_params"])
        schedule = flow_schedules.said(cast("Mapping[str, str]", told["schedule"]))
        tree: dict[str, Json | DeclaredTree] = {
            "name": told["name"],
            "account": account,
            "to": {name: told[name] for name in ("dataset_id", "schema_id", "schema_version")},
            "schedule": cast("Json", schedule),
            "flow_spec": told["flow_spec"],
        }
        tree |= {"params": params} if params else {}
        tree |= {"description": told["description"]} if told["description"] else {}
        tree |= {"mapping": told["mapping"]} if told.get("mapping") else {}
        tree |= {} if told["enabled"] else {"enabled": False}
        return Declaration(cast("DeclaredTree", tree))

    # -- parts of the above --------------------------------------------------------------------------------------

    def _body(self, spec: DataflowSpec, name: str, parts: Parts) -> dict[str, Json]:
        body: dict[str, Json] = {
            "name": name,
            "flowSpec": {"id": spec.flow_spec, "version": "1.0"},
            "sourceConnectionIds": [parts.source],
            "targetConnectionIds": [parts.target],
            "transformations": [] if spec.mapping is None else [_transformation(spec)],
            "scheduleParams": flow_schedules.sent(spec.schedule, int(self._clock.now())),
        }
        return body if spec.description is None else {**body, "description": spec.description}

    def _has_parts(self, address: Address) -> bool:
        mark = marker(self._owner, address)
        return any(self._parts.left_behind(kind, mark) for kind in (Kind.SOURCES, Kind.TARGETS))

    def _mark_of(self, kind: Kind, part: str) -> str:
        try:
            return wire.text(self._api.one(kind, part).get("description")) if part else ""
        except NotFound:
            return ""

    def _gone(self, kind: Kind, object_id: str) -> None:
        try:
            self._api.delete(kind, object_id)
        except NotFound:
            return

    def _part(self, kind: Kind, part: str, listed: Mapping[str, Object]) -> Object:
        """A part of a flow. One that its list lacks is asked for: without it the flow would look like another, to be made anew."""
        if not part or part in listed:
            return listed.get(part, {})
        try:
            return self._api.one(kind, part)
        except NotFound:
            return {}

    def _told(self, kind: Kind) -> dict[str, Object]:
        return {str(one["id"]): one for one in self._api.listed(kind)}

    def _observed_anew(self, flow_id: str) -> Observation:
        flow = self._api.one(Kind.FLOWS, flow_id)
        return self._observed(flow, {}, {})

    def _observed(self, flow: Object, sources: Mapping[str, Object], targets: Mapping[str, Object]) -> Observation:
        self._seen.note(Kind.FLOWS, flow)
        source = self._part(Kind.SOURCES, wire.only_id(flow, "sourceConnectionIds"), sources)
        target = self._part(Kind.TARGETS, wire.only_id(flow, "targetConnectionIds"), targets)
        state = wire.text(flow.get("state"))
        attributes: dict[str, Json] = {
            "name": wire.text(flow.get("name")),
            "description": wire.text(flow.get("description")),
            "account": wire.text(source.get("baseConnectionId")),
            "source_params": cast("Json", wire.inputs(wire.inner(source, "params"))),
            "dataset_id": wire.text(wire.inner(target, "params").get("dataSetId")),
            "schema_id": wire.text(wire.inner(target, "data", "schema").get("id")),
            "schema_version": wire.text(wire.inner(target, "data", "schema").get("version")),
            "flow_spec": wire.text(wire.inner(flow, "flowSpec").get("id")),
            "schedule": flow_schedules.told_as(wire.inner(flow, "scheduleParams"), self._clock.now()),
            "enabled": state not in _OFF,
        }
        mapping = _mapping(flow)
        if mapping:
            params = wire.inner(mapping, "params")
            attributes["mapping"] = {
                "id": wire.text(params.get("mappingId")),
                "version": wire.text(params.get("mappingVersion") or 0),
            }
        return Observation(
            str(flow["id"]),
            attributes,
            computed={
                "state": state,
                "params": wire.inner(source, "params"),
                "target_spec": wire.text(wire.inner(target, "connectionSpec").get("id")),
            },
            created_at=wire.millis_to_s(flow.get("createdAt")),
            note=f"{state}; it takes no calls meanwhile" if is_on_its_way(flow) else "",
        )


def problems(resource: Resource, context: Context) -> Iterator[Diagnostic]:
    """A flow specification that does not list the source."""
    spec = _spec(resource)
    account = context.resources.get(Address("sourceaccount", spec.account))
    if account is None or not isinstance(account.spec, SourceAccountSpec) or account.spec.source is None:
        return
    registration = context.resources.get(Address("sourceregistration", account.spec.source))
    if registration is None or not isinstance(registration.spec, SourceRegistrationSpec):
        return
    if registration.spec.flow_spec != spec.flow_spec:
        yield Diagnostic(
            "dataflow",
            f"its flow specification is not the one that `{registration.address}` is listed in",
            subject=str(resource.address),
            path="/spec/flow_spec",
            hint=f"write `flow_spec: {registration.spec.flow_spec}`, or leave both out",
        )


def _changes(spec: DataflowSpec, name: str, newest: Object, paths: Sequence[str]) -> Iterator[Change]:
    if "/name" in paths:
        yield Change("replace", "/name", name)
    if "/description" in paths:
        yield Change("replace" if "description" in newest else "add", "/description", spec.description or "")
    if any(path.startswith("/mapping") for path in paths):
        yield from _mapping_changes(spec, newest)
    if any(path.startswith("/schedule") for path in paths):
        now = wire.inner(newest, "scheduleParams")
        wish = flow_schedules.sent(spec.schedule, 0)
        for member in ("frequency", "interval", "backfill"):
            at = f"/scheduleParams/{member}"
            if member in wish and wire.comparable(now.get(member)) != wire.comparable(wish[member]):
                yield Change("replace" if member in now else "add", at, wish[member])
            elif member not in wish and member in now and spec.schedule.interval is None:
                yield Change("remove", at)


def _mapping_changes(spec: DataflowSpec, newest: Object) -> Iterator[Change]:
    there = _mapping(newest)
    if spec.mapping is None:
        if there:
            yield Change("remove", "/transformations/0")
    elif not newest.get("transformations"):
        yield Change("add", "/transformations", [_transformation(spec)])
    else:
        yield Change("replace" if there else "add", "/transformations/0", _transformation(spec))


def _transformation(spec: DataflowSpec) -> dict[str, Json]:
    mapping = spec.mapping
    if mapping is None:
        return {}
    return {"name": _MAPPING, "params": {"mappingId": mapping.id, "mappingVersion": mapping.version}}


def _mapping(flow: Object) -> Object:
    """The transformation that maps fields. It is the first, as everywhere in the vendor's tutorials."""
    told = flow.get("transformations")
    first = told[0] if isinstance(told, list) and told else None
    return first if isinstance(first, Mapping) and first.get("name") == _MAPPING else {}


def _spec(resource: Resource) -> DataflowSpec:
    if not isinstance(resource.spec, DataflowSpec):
        raise TypeError(str(resource.address))
    return resource.spec
