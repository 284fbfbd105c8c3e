"""Parent segments. The vendor takes them whole only, so that what a document does not speak of is sent back as it was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from reconciler.apis.treasure_data_cdp import CustomerData
from reconciler.diagnostics import Diagnostic
from reconciler.errors import NotFound, ProviderError
from reconciler.model.address import Address
from reconciler.model.json import Json
from reconciler.model.observation import Finding, Observation, Seen
from reconciler.model.resource import Resource
from reconciler.model.segments import JoinedTable, MasterTable, ParentSegmentSpec
from reconciler.ports.provider import Anew, Context, KindTraits, Wanted
from reconciler.providers.treasure_data import wire
from reconciler.providers.treasure_data.family import Attributes, unreadable
from reconciler.providers.treasure_data.names import database_name, name_of, not_ours, table_name
from reconciler.providers.treasure_data.wire import Raw

KIND: Final = "parentsegment"
_READ_ONLY: Final = frozenset(
    {
        "id",
        "population",
        "matrixUpdatedAt",
        "llmState",
        "createdAt",
        "updatedAt",
        "createdBy",
        "updatedBy",
        "rootFolderId",
    }
)
_NO_JOIN: Final = ("", "")


class ParentSegments:
    """The family of parent segments."""

    kinds: Mapping[str, KindTraits] = {KIND: KindTraits(defaults={"description": ""}, anew=Anew.NEVER)}

    def __init__(self, api: CustomerData) -> None:
        """Speak through *api*."""
        self._api = api

    def check(self, resource: Resource, context: Context) -> Iterator[Diagnostic]:
        """Names that the vendor would have twice."""
        del context
        spec = _spec(resource)
        for field, entries in (("attributes", spec.attributes or ()), ("behaviors", spec.behaviors or ())):
            names = [entry.name for entry in entries]
            for place, name in enumerate(names):
                if name in names[:place]:
                    yield Diagnostic(
                        "name-twice",
                        f"{field[:-1]} {name!r} is declared twice",
                        subject=str(resource.address),
                        path=f"/spec/{field}/{place}/name",
                        hint="give each a name of its own",
                    )

    def attributes(self, resource: Resource, context: Context) -> Attributes:
        """What the document speaks of; tables by their names at the vendor, lists by name."""
        spec = _spec(resource)
        master = _table(spec.master, context)
        told: dict[str, Json] = {"name": name_of(resource, context), "master": ".".join(master)}
        if spec.description is not None:
            told["description"] = spec.description
        if spec.attributes is not None:
            told["attributes"] = _sorted(
                {
                    "name": one.name,
                    "type": one.type.value,
                    "column": one.column,
                    **_joined(one.from_, master, context),
                    "group": one.group or "",
                }
                for one in spec.attributes
            )
        if spec.behaviors is not None:
            told["behaviors"] = _sorted(
                {
                    "name": one.name,
                    **_joined(one.from_, master, context),
                    "columns": [
                        {"name": column.name, "column": column.column, "type": column.type.value}
                        for column in one.columns
                    ],
                }
                for one in spec.behaviors
            )
        if spec.filters is not None:
            told["filters"] = [{"column": one.column, "values": list(one.values)} for one in spec.filters]
        refreshed = {
            "refresh": spec.refresh.value if spec.refresh else None,
            "refresh_at": spec.refresh_at,
            "timezone": spec.timezone,
        }
        return told | {field: value for field, value in refreshed.items() if value is not None}

    def observe(self, wanted: Sequence[Wanted], context: Context) -> Mapping[Address, Seen]:
        """One list call for all."""
        try:
            listed = self._api.parents()
        except ProviderError as error:
            return unreadable(wanted, error)
        by_id = {wire.text(raw["id"]): raw for raw in listed}
        seen: dict[Address, Seen] = {}
        for question in wanted:
            remembered = by_id.get(question.record.remote_id) if question.record else None
            name = name_of(question.resource, context) if question.resource else None
            named = [raw for raw in listed if name is not None and wire.text(raw.get("name")) == name]
            seen[question.address] = Finding(
                None if remembered is None else observed_parent(remembered), tuple(map(observed_parent, named))
            )
        return seen

    def create(self, resource: Resource, attributes: Attributes) -> Observation:
        """Make it with all that the document says."""
        del resource
        return observed_parent(self._api.create_parent(_written(attributes, frozenset(attributes), {})))

    def update(
        self, resource: Resource, remote_id: str, attributes: Attributes, changed: frozenset[str]
    ) -> Observation:
        """Read it, change only what *changed* says, and send all of it back.

        Raises:
            NotFound: it is gone.
        """
        raw = next((raw for raw in self._api.parents() if wire.text(raw["id"]) == remote_id), None)
        if raw is None:
            raise NotFound(f"{resource.address}: there is no parent segment {remote_id}")
        return observed_parent(self._api.replace_parent(remote_id, _written(attributes, changed, raw)))

    def delete(self, address: Address, remote_id: str) -> None:
        """Remove it with its folders and segments."""
        del address
        self._api.delete_parent(remote_id)

    def disable(self, address: Address, remote_id: str) -> None:
        """A parent segment has no switch of its own."""


def observed_parent(raw: Raw) -> Observation:
    """A parent segment as the vendor tells it."""
    told = cast("Mapping[str, Any]", raw)
    master = told.get("master") or {}
    main = (wire.text(master.get("parentDatabaseName")), wire.text(master.get("parentTableName")))
    attributes: dict[str, Json] = {
        "name": wire.text(told.get("name")),
        "description": wire.text(told.get("description")),
        "master": ".".join(main),
        "attributes": _sorted(
            {
                "name": wire.text(one.get("name")),
                "type": wire.text(one.get("type")),
                "column": wire.text(one.get("parentColumn")),
                **_told_join(one, main),
                "group": wire.text(one.get("groupingName")),
            }
            for one in told.get("attributes") or ()
        ),
        "behaviors": _sorted(
            {
                "name": wire.text(one.get("name")),
                **_told_join(one, main),
                "columns": [
                    {
                        "name": wire.text(column.get("name")),
                        "column": wire.text(column.get("parentColumn")),
                        "type": wire.text(column.get("type")),
                    }
                    for column in one.get("schema") or ()
                ],
            }
            for one in told.get("behaviors") or ()
        ),
        "filters": [
            {
                "column": wire.text(one.get("columnName")),
                "values": [wire.text(value) for value in one.get("rightValues") or ()],
            }
            for one in told.get("audienceFilters") or ()
        ],
        "refresh": wire.text(told.get("scheduleType")) or "none",
        "refresh_at": wire.text(told.get("scheduleOption")),
        "timezone": wire.text(told.get("timezone")) or "UTC",
    }
    computed = {field: raw[field] for field in ("population", "matrixUpdatedAt") if field in raw}
    return Observation(wire.text(raw["id"]), attributes, computed, wire.unix_seconds(raw.get("createdAt")))


def _written(attributes: Attributes, changed: frozenset[str], before: Raw) -> dict[str, Json]:
    """*before* with what *attributes* say of the fields *changed*; lists keep what the vendor knows of an entry by its name."""
    told = cast("Mapping[str, Any]", attributes)
    body = {key: value for key, value in before.items() if key not in _READ_ONLY}
    body["name"] = told["name"]
    if "description" in changed:
        body["description"] = told["description"]
    if "master" in changed:
        database, _, table = told["master"].partition(".")
        body["master"] = {"parentDatabaseName": database, "parentTableName": table}
    if "attributes" in changed:
        body["attributes"] = _merged(before.get("attributes"), map(_attribute, told["attributes"]))
    if "behaviors" in changed:
        body["behaviors"] = _merged(before.get("behaviors"), map(_behavior, told["behaviors"]))
    if "filters" in changed:
        body["audienceFilters"] = [
            {"columnName": one["column"], "rightValues": one["values"]} for one in told["filters"]
        ]
    for field, key in (("refresh", "scheduleType"), ("refresh_at", "scheduleOption"), ("timezone", "timezone")):
        if field in changed:
            body[key] = told[field]
    return body


def _attribute(one: Mapping[str, Any]) -> dict[str, Json]:
    return {
        "name": one["name"],
        "type": one["type"],
        "parentColumn": one["column"],
        **_sent_join(one),
        "groupingName": one["group"] or None,
    }


def _behavior(one: Mapping[str, Any]) -> dict[str, Json]:
    schema = [
        {"name": column["name"], "type": column["type"], "parentColumn": column["column"]} for column in one["columns"]
    ]
    return {"name": one["name"], **_sent_join(one), "schema": schema}


def _merged(before: object, entries: Iterator[dict[str, Json]]) -> list[Json]:
    told = cast("Sequence[Mapping[str, Json]]", before) if isinstance(before, list) else ()
    known = {str(one.get("name")): one for one in told}
    return [{**known.get(str(entry["name"]), {}), **entry} for entry in entries]


def _sent_join(one: Mapping[str, Any]) -> dict[str, Json]:
    database, _, table = one["table"].partition(".")
    return {
        "parentDatabaseName": database,
        "parentTableName": table,
        "parentKey": one["key"] or None,
        "foreignKey": one["master_key"] or None,
    }


def _told_join(one: Mapping[str, Any], master: tuple[str, str]) -> dict[str, Json]:
    database, table = wire.text(one.get("parentDatabaseName")), wire.text(one.get("parentTableName"))
    place = (database, table) if database or table else master
    return {
        "table": ".".join(place),
        "key": wire.text(one.get("parentKey")),
        "master_key": wire.text(one.get("foreignKey")),
    }


def _joined(joined: JoinedTable | None, master: tuple[str, str], context: Context) -> dict[str, Json]:
    place = master if joined is None else _table(joined, context)
    key, master_key = _NO_JOIN if joined is None else (joined.key, joined.master_key)
    return {"table": ".".join(place), "key": key, "master_key": master_key}


def _table(written: MasterTable, context: Context) -> tuple[str, str]:
    return database_name(written.database, context), table_name(written.table, context)


def _sorted(entries: Iterator[dict[str, Json]]) -> list[Json]:
    """By name: their order means nothing."""
    by_name = {str(entry["name"]): entry for entry in entries}
    return [by_name[name] for name in sorted(by_name)]


def _spec(resource: Resource) -> ParentSegmentSpec:
    if not isinstance(resource.spec, ParentSegmentSpec):
        raise not_ours(resource)
    return resource.spec
