"""Databases and tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final, cast

from reconciler.apis.treasure_data import TreasureData
from reconciler.diagnostics import Diagnostic
from reconciler.errors import NotFound, Permanent, ProviderError
from reconciler.model.address import Address
from reconciler.model.json import Json
from reconciler.model.kinds import DatabaseSpec, TableSpec
from reconciler.model.observation import Observation, Seen, Unreadable
from reconciler.model.resource import Resource
from reconciler.ports.provider import Anew, Context, FieldClass, KindTraits, Wanted
from reconciler.ports.readers import readers
from reconciler.providers.treasure_data import limits, wire
from reconciler.providers.treasure_data.family import Attributes, finding, look
from reconciler.providers.treasure_data.names import database_name, name_of, not_ours
from reconciler.providers.treasure_data.wire import Raw

_AT_ONCE: Final = 10
_NAMED_IN_MESSAGE: Final = 5


class Databases:
    """The family of databases: a name and nothing else. There is no renaming."""

    kinds: Mapping[str, KindTraits] = {
        "database": KindTraits(classes={"/name": FieldClass.IMMUTABLE}, anew=Anew.NEVER, fixed=True)
    }

    def __init__(self, api: TreasureData) -> None:
        """Speak through *api*."""
        self._api = api

    def check(self, resource: Resource, context: Context) -> Iterator[Diagnostic]:
        """Its name."""
        yield from limits.identifier_problems(resource.address, "database", name_of(resource, context))

    def attributes(self, resource: Resource, context: Context) -> Attributes:
        """Its name."""
        if not isinstance(resource.spec, DatabaseSpec):
            raise not_ours(resource)
        return {"name": name_of(resource, context)}

    def observe(self, wanted: Sequence[Wanted], context: Context) -> Mapping[Address, Seen]:
        """One list call for all."""
        return look(
            wanted, context, lambda: ((wire.text(raw["name"]), raw) for raw in self._api.databases()), observed_database
        )

    def create(self, resource: Resource, attributes: Attributes) -> Observation:
        """Make it, empty."""
        del resource
        name = str(attributes["name"])
        self._api.create_database(name)
        return Observation(name, {"name": name})

    def update(
        self, resource: Resource, remote_id: str, attributes: Attributes, changed: frozenset[str]
    ) -> Observation:
        """Nothing of it can change."""
        del remote_id, attributes, changed
        raise Permanent(
            f"{resource.address}: a database cannot be renamed", hint="declare another one and move its tables"
        )

    def delete(self, address: Address, remote_id: str) -> None:
        """Remove it when it is empty; the vendor would delete its tables with it without asking.

        Raises:
            Permanent: tables are left. Those of ours are deleted before it, so these belong to somebody else.
        """
        names = sorted(wire.text(raw.get("name")) for raw in self._api.tables(remote_id))
        if names:
            shown = ", ".join(names[:_NAMED_IN_MESSAGE]) + (", …" if len(names) > _NAMED_IN_MESSAGE else "")
            raise Permanent(
                f"{address}: the database {remote_id} still holds {len(names)} tables that tdr does not manage: {shown}",
                hint="delete or move them by hand, or write `lifecycle: {on_delete: forget}` before removing the document",
            )
        self._api.delete_database(remote_id)

    def disable(self, address: Address, remote_id: str) -> None:
        """A database does nothing by itself."""


def observed_database(address: Address, raw: Raw) -> Observation:
    """A database as the vendor tells it."""
    del address
    name = wire.text(raw["name"])
    computed = {field: raw[field] for field in ("count", "delete_protected") if field in raw}
    return Observation(name, {"name": name}, computed, wire.unix_seconds(raw.get("created_at")))


class Tables:
    """The family of tables. A table is known by ``database.table``."""

    kinds: Mapping[str, KindTraits] = {
        "table": KindTraits(
            defaults={"expire_days": 0, "description": ""},
        )
    }

    def __init__(self, api: TreasureData) -> None:
        """Speak through *api*."""
        self._api = api

    def check(self, resource: Resource, context: Context) -> Iterator[Diagnostic]:
        """Its name."""
        yield from limits.identifier_problems(resource.address, "table", name_of(resource, context).partition(".")[2])

    def attributes(self, resource: Resource, context: Context) -> Attributes:
        """What is declared; columns only when the manifest lists some, for imports add columns by themselves."""
        spec = resource.spec
        if not isinstance(spec, TableSpec):
            raise not_ours(resource)
        wanted: dict[str, Json] = {
            "database": database_name(spec.database, context),
            "name": name_of(resource, context).partition(".")[2],
        }
        if spec.columns or "columns" in spec.model_fields_set:
            wanted["columns"] = [wire.column(column.name, column.type, column.alias) for column in spec.columns]
        if spec.expire_days is not None:
            wanted["expire_days"] = spec.expire_days
        if spec.description is not None:
            wanted["description"] = spec.description
        return wanted

    def observe(self, wanted: Sequence[Wanted], context: Context) -> Mapping[Address, Seen]:
        """One list call a database, several in flight."""
        places = {question.address: _places(question, context) for question in wanted}
        objects: dict[str, Raw] = {}
        failed: dict[str, ProviderError] = {}
        for database, answer in self._list(sorted({place for needed in places.values() for place in needed})):
            if isinstance(answer, ProviderError):
                failed[database] = answer
            else:
                objects.update({f"{database}.{raw['name']}": {**raw, "database": database} for raw in answer})
        seen: dict[Address, Seen] = {}
        for question in wanted:
            errors = [failed[place] for place in places[question.address] if place in failed]
            seen[question.address] = (
                Unreadable(errors[0])
                if errors
                else finding(_halfway(question, context, objects), context, objects, observed_table)
            )
        return seen

    def _list(self, databases: Sequence[str]) -> list[tuple[str, list[Raw] | ProviderError]]:
        """The tables of each database, or why it would not tell; a database that is not there has none."""

        def one(database: str) -> tuple[str, list[Raw] | ProviderError]:
            try:
                return database, self._api.tables(database)
            except NotFound:
                return database, []
            except ProviderError as error:
                return database, error

        if len(databases) < 2:
            return [one(database) for database in databases]
        with readers(min(_AT_ONCE, len(databases)), "tables") as pool:
            return list(pool.map(one, databases))

    def create(self, resource: Resource, attributes: Attributes) -> Observation:
        """Make it with its columns in one call."""
        del resource
        database, name = str(attributes["database"]), str(attributes["name"])
        fields = _fields(attributes, attributes.keys() - {"database", "name"})
        self._api.create_table(database, name, fields)
        return _now(database, name, attributes)

    def update(
        self, resource: Resource, remote_id: str, attributes: Attributes, changed: frozenset[str]
    ) -> Observation:
        """Columns by one call, the rest by another; a new place last, for it is the address of the others.

        A table goes to another database before it gets another name: `observe` finds one that was left between both.
        """
        del resource
        database, _, name = remote_id.partition(".")
        if "columns" in changed:
            self._api.update_schema(database, name, wire.schema(cast("Json", attributes["columns"])))
        fields = _fields(attributes, changed - {"columns", "name", "database"})
        if fields:
            self._api.update_table(database, name, fields)
        if "database" in changed:
            self._api.move_table(database, name, str(attributes["database"]))
            database = str(attributes["database"])
        if "name" in changed:
            self._api.rename_table(database, name, str(attributes["name"]))
            name = str(attributes["name"])
        return _now(database, name, attributes)

    def delete(self, address: Address, remote_id: str) -> None:
        """Remove it with its rows."""
        del address
        database, _, name = remote_id.partition(".")
        self._api.delete_table(database, name)

    def disable(self, address: Address, remote_id: str) -> None:
        """A table does nothing by itself."""


def _halfway(question: Wanted, context: Context, objects: Mapping[str, Raw]) -> Wanted:
    """*question*, asked for the table where an update that was cut off left it: moved, and not renamed yet."""
    if question.record is None or question.resource is None:
        return question
    wanted, remembered = name_of(question.resource, context), question.record.remote_id
    between = f"{wanted.partition('.')[0]}.{remembered.partition('.')[2]}"
    if between not in objects or remembered in objects or wanted in objects:
        return question
    return replace(question, record=replace(question.record, remote_id=between))


def _places(question: Wanted, context: Context) -> set[str]:
    """The databases in which the table may be."""
    places = {question.record.remote_id.partition(".")[0]} if question.record else set()
    return places | {name_of(question.resource, context).partition(".")[0]} if question.resource else places


def _fields(attributes: Attributes, names: AbstractSet[str]) -> dict[str, str | int]:
    fields: dict[str, str | int] = {}
    for name in sorted(names):
        value = cast("Json", attributes[name])
        if name == "columns":
            fields["schema"] = wire.schema(value)
        else:
            fields[name] = cast("str | int", value)
    return fields


def _now(database: str, name: str, attributes: Attributes) -> Observation:
    """The vendor answers table writes with no more than the name, so what was sent is what is there."""
    told = {field: cast("Json", value) for field, value in attributes.items()}
    return Observation(f"{database}.{name}", {**told, "database": database, "name": name})


def observed_table(address: Address, raw: Raw) -> Observation:
    """A table as the vendor tells it; *raw* has its database besides."""
    del address
    database, name = wire.text(raw["database"]), wire.text(raw["name"])
    attributes: dict[str, Json] = {
        "database": database,
        "name": name,
        "columns": wire.columns(raw.get("schema")),
        "expire_days": wire.whole(raw.get("expire_days")),
        "description": wire.text(raw.get("description")),
    }
    computed = {field: raw[field] for field in ("count", "estimated_storage_size") if field in raw}
    return Observation(f"{database}.{name}", attributes, computed, wire.unix_seconds(raw.get("created_at")))
