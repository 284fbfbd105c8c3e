"""Source and target connections: parts that belong to one flow, made before it and removed after it.

They are never changed apart from their flow, which would not notice; another pair and another flow take their place. Their
description is a mark that says whose they are, by which a run that was killed between two of them is gone on with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, cast

from reconciler.apis.adobe import FlowService, Kind, Object
from reconciler.errors import NotFound
from reconciler.model.dataflows import DataflowSpec
from reconciler.model.json import Json, canonical
from reconciler.providers.adobe import wire

DATA_LAKE: Final = "c604ff05-7f1a-43c0-8e18-33bf874cb11c"
"""Connection specification of the data lake, the target of every source. Source: Adobe's page on target connections."""
_MEMBER: Final = {Kind.SOURCES: "sourceConnectionIds", Kind.TARGETS: "targetConnectionIds"}


@dataclass(frozen=True, slots=True)
class Parts:
    """Ids of the two connections of a flow."""

    source: str
    target: str


def source_body(spec: DataflowSpec, name: str, account: str, connection_spec: str, mark: str) -> dict[str, Json]:
    """What makes the source connection of a flow."""
    return {
        "name": name,
        "description": mark,
        "baseConnectionId": account,
        "connectionSpec": {"id": connection_spec, "version": "1.0"},
        "data": {"format": "json"},
        "params": cast("Json", spec.params),
    }


def target_body(spec: DataflowSpec, name: str, mark: str) -> dict[str, Json]:
    """What makes the target connection of a flow."""
    return {
        "name": name,
        "description": mark,
        "connectionSpec": {"id": DATA_LAKE, "version": "1.0"},
        "data": {
            "format": "parquet_xdm",
            "schema": {"id": spec.to.schema_id, "version": spec.to.schema_version},
        },
        "params": {"dataSetId": spec.to.dataset_id},
    }


def _is_like(told: Object, body: Mapping[str, Json]) -> bool:
    same = {name: wire.comparable(told.get(name)) for name in body}
    return canonical(same) == canonical(wire.comparable(body))


class FlowParts:
    """Makes and removes parts."""

    def __init__(self, api: FlowService) -> None:
        self._api = api

    def made(self, kind: Kind, body: Mapping[str, Json]) -> tuple[str, list[str]]:
        """The id of a part like *body*, and ids of others that a killed run left behind without a flow.

        One of those that is like *body* is used; else it is a new one.
        """
        left = self.left_behind(kind, str(body["description"]))
        alike = [str(one["id"]) for one in left if _is_like(one, body)]
        part = alike[0] if alike else self._api.create(kind, body)
        return part, [str(one["id"]) for one in left if one["id"] != part]

    def left_behind(self, kind: Kind, mark: str) -> list[Object]:
        """Parts with *mark* that no flow uses."""
        if not mark:
            return []
        marked = [told for told in self._api.listed(kind) if told.get("description") == mark]
        if not marked:
            return []
        used = self._used(kind)
        return [told for told in marked if str(told["id"]) not in used]

    def remove_unused(self, kind: Kind, part: str, flow_id: str) -> None:
        """Remove a part of the flow *flow_id*, which is gone, unless people gave it to another flow as well."""
        if part not in self._used(kind, besides=flow_id):
            self.remove(kind, [part])

    def remove(self, kind: Kind, ids: Iterable[str]) -> None:
        """Remove parts; those that are gone already are a success."""
        for one in ids:
            try:
                self._api.delete(kind, one)
            except NotFound:
                continue

    def _used(self, kind: Kind, besides: str = "") -> set[str]:
        flows = [flow for flow in self._api.listed(Kind.FLOWS) if flow["id"] != besides]
        return {one for flow in flows for one in wire.ids(flow, _MEMBER[kind])}

    def remove_left_behind(self, mark: str) -> None:
        """Remove whatever bears *mark* and is used by no flow."""
        for kind in _MEMBER:
            self.remove(kind, [str(told["id"]) for told in self.left_behind(kind, mark)])
