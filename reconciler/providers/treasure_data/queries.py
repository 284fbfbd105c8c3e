"""Queries and activations: both are saved queries, an activation's rows leave through its `result`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast

from reconciler.apis.treasure_data import TreasureData
from reconciler.diagnostics import Diagnostic
from reconciler.errors import Denied, NotFound, Permanent
from reconciler.model.activation import Outcome
from reconciler.model.address import Address
from reconciler.model.connections import FilesConnection, PinterestConnection
from reconciler.model.exports import QueryExport
from reconciler.model.json import Json, canonical
from reconciler.model.kinds import ActivationSource, ActivationSpec, AudienceSpec, Membership, QuerySpec
from reconciler.model.observation import Observation, Seen
from reconciler.model.probe import AccountFacts, FactName
from reconciler.model.queries import Engine, QueryRows, SqlSource
from reconciler.model.resource import Resource
from reconciler.model.row_activations import FileActivationSpec, ObjectActivationSpec
from reconciler.ports.provider import Context, FieldClass, KindTraits, Wanted
from reconciler.providers.treasure_data import exports, file_exports, limits, object_exports, results, wire
from reconciler.providers.treasure_data.family import Attributes, look, settled
from reconciler.providers.treasure_data.lookups import Lookups
from reconciler.providers.treasure_data.names import database_name, name_of, not_ours, referred
from reconciler.providers.treasure_data.timings import Timings
from reconciler.providers.treasure_data.wire import Raw

# Omitted on create: no cron, UTC, no delay, priority 0, no retries (td-client, schedule_api.py).
_DEFAULTS: Final[Mapping[str, Json]] = {"cron": "", "timezone": "UTC", "delay": 0, "priority": 0, "retry_limit": 0}
_FIELDS: Final = {"engine": "type", "sql": "query"}
"""Attributes whose field at the vendor is called otherwise."""


def _kinds(classes: Mapping[str, FieldClass]) -> Mapping[str, KindTraits]:
    return {
        "query": KindTraits(classes, defaults=_DEFAULTS, outflow=results.outflow),
        "activation": KindTraits(classes, defaults={**_DEFAULTS, "description": ""}, outflow=results.outflow),
    }


_TOLD: Final = _kinds({})
# Most accounts do not tell it, and what is not told is held against what was sent last.
_UNTOLD: Final = _kinds({"/engine_version": FieldClass.WRITE_ONLY})


class SavedQueries:
    """The family of saved queries."""

    kinds: Mapping[str, KindTraits]

    def __init__(
        self, api: TreasureData, timings: Timings, lookups: Lookups, facts: AccountFacts, *, runs_here: bool = True
    ) -> None:
        """Speak through *api* as *facts* say; read cron texts as *timings* does, find connections by *lookups*.

        runs_here: whether the embedded service carries queries out, which alone can reach files of the project.
        """
        self._api = api
        self._runs_here = runs_here
        self._timings = timings
        self._lookups = lookups
        self.kinds = _TOLD if facts.holds(FactName.ENGINE_VERSIONS_TOLD, default=False) else _UNTOLD
        # Only a list tells what connections are set to.
        self._asks_connections = facts.holds(FactName.CONNECTIONS_LISTED, default=runs_here)
        self._connections: Mapping[str, Mapping[str, Json]] | None = None
        self._takes_pairs = facts.holds(FactName.QUERY_PAIRS_TAKEN, default=True)
        self._fingerprints: dict[str, bytes] | None = None

    def check(self, resource: Resource, context: Context) -> Iterator[Diagnostic]:
        """Names, SQL, timing; for an activation also what its membership does and where it goes."""
        address, source = resource.address, source_of(resource)
        yield from limits.name_problems(address, "saved query", name_of(resource, context))
        below = "/spec" if isinstance(resource.spec, QuerySpec) else "/spec/from/query"
        field = "file" if source.file is not None else "sql"
        yield from limits.query_problems(address, source.engine, source.sql or "", f"{below}/{field}")
        if isinstance(resource.spec, QuerySpec | ActivationSpec | ObjectActivationSpec | FileActivationSpec):
            yield from self._timings.problems(address, resource.spec.schedule, context)
        if isinstance(resource.spec, ActivationSpec):
            yield from _delivery_problems(address, resource.spec, context)
        if isinstance(resource.spec, ObjectActivationSpec):
            yield from object_exports.problems(address, resource.spec, context, takes_pairs=self._takes_pairs)
        if isinstance(resource.spec, FileActivationSpec):
            yield from file_exports.problems(address, resource.spec, context, runs_here=self._runs_here)
        if isinstance(resource.spec, QuerySpec):
            yield from exports.problems(
                address, resource.spec.export, takes_pairs=self._takes_pairs, runs_here=self._runs_here
            )

    def attributes(self, resource: Resource, context: Context) -> Attributes:
        """What the saved query should be. Only what the manifest says is in it, so that the rest stays the vendor's."""
        spec, source = resource.spec, source_of(resource)
        if not isinstance(spec, QuerySpec | ActivationSpec | ObjectActivationSpec | FileActivationSpec):
            raise not_ours(resource)
        wanted: dict[str, object] = {
            "name": name_of(resource, context),
            "database": database_name(source.database, context),
            "engine": source.engine.value,
            "sql": wire.comparable_sql(source.sql or ""),
        }
        if source.engine_version is not None:
            wanted["engine_version"] = source.engine_version
        if spec.priority is not None:
            wanted["priority"] = spec.priority
        if spec.retry_limit is not None:
            wanted["retry_limit"] = spec.retry_limit
        if isinstance(spec, ActivationSpec):
            wanted["export"] = _export(spec, context)
        elif isinstance(spec, FileActivationSpec):
            wanted["export"] = exports.wanted(file_exports.export_of(spec), context, self._lookups.id_of)
        elif isinstance(spec, ObjectActivationSpec):
            wanted["export"] = exports.wanted(object_exports.export_of(spec, context), context, self._lookups.id_of)
        elif spec.export is None:
            wanted["result"] = ""
        else:
            wanted["export"] = exports.wanted(spec.export, context, self._lookups.id_of)
        resolution = context.resolution
        if resolution is not None and resolution.outcome is Outcome.BOOTSTRAP:
            wanted["cron"] = ""  # in create mode only its first run may succeed, so it must not run by itself
        else:
            wanted.update(self._timings.attributes(spec, context))
        return cast("Attributes", wanted)

    def observe(self, wanted: Sequence[Wanted], context: Context) -> Mapping[Address, Seen]:
        """One list call for all of them."""
        return look(
            wanted,
            context,
            self._listed,
            self.observed,
        )

    def _listed(self) -> Iterator[tuple[str, Raw]]:
        queries = [(wire.text(raw["name"]), raw) for raw in self._api.saved_queries()]
        self._connections = None
        self._fingerprints = {name: _fingerprint({**raw, **self._held(raw)}) for name, raw in queries}
        return iter(queries)

    def export_of(self, raw: Raw) -> dict[str, Json]:
        """The export of a saved query to an audience; of one that has no more than a connection's name, what that holds."""
        held = self._held(raw).get(_HELD)
        if isinstance(held, Mapping):
            return results.readable(held)
        return results.read_settings(results.of_query(raw))

    def _held(self, raw: Raw) -> Mapping[str, Json]:
        """What the connection that a saved query names says of an audience, under a key of its own; {} when it says nothing."""
        name = results.connection_of(raw)
        if not name or not self._asks_connections:
            return {}
        if self._connections is None:
            try:
                self._connections = results.exporting_connections(self._api.connections())
            except (NotFound, Denied):
                self._connections = {}
        return {_HELD: dict(self._connections[name])} if name in self._connections else {}

    def fingerprints(self) -> Mapping[str, bytes]:
        """Name -> digest of each as it was listed last."""
        if self._fingerprints is None:
            self._listed()
        return self._fingerprints or {}

    def ask(self, resource: Resource, context: Context, limit: int, domain_key: str) -> str:
        """Run the query by itself, for at most *limit* rows, and return the job's id.

        Raises:
            Permanent: Hive takes no query with names of its own (`WITH`) inside of another, so none of its queries is bounded.
        """
        source = source_of(resource)
        if source.engine is not Engine.TRINO:
            raise Permanent(
                f"{resource.address}: a query of {source.engine} cannot be bounded", hint="run it in the console"
            )
        sql = (source.sql or "").rstrip().rstrip(";")
        # On lines of its own: the query may end in a comment.
        bounded = f"SELECT * FROM (\n{sql}\n) AS first_rows LIMIT {limit}"
        fields: dict[str, str | int] = {"query": bounded}
        if source.engine_version is not None:
            fields["engine_version"] = source.engine_version
        return self._api.issue_job("trino", database_name(source.database, context), fields, domain_key)

    def create(self, resource: Resource, attributes: Attributes) -> Observation:
        """Make it, with everything that is declared."""
        fields = self._fields(resource, attributes, attributes.keys() - {"name"})
        name = str(attributes["name"])
        return self.observed(resource.address, self._api.create_saved_query(name, fields), name)

    def update(
        self, resource: Resource, remote_id: str, attributes: Attributes, changed: frozenset[str]
    ) -> Observation:
        """Send the changed fields only. A changed `result` goes as a whole, for it is one text at the vendor."""
        fields = self._fields(resource, attributes, changed)
        name = str(attributes["name"]) if "name" in changed else remote_id
        return self.observed(resource.address, self._api.update_saved_query(remote_id, fields), name)

    def delete(self, address: Address, remote_id: str) -> None:
        """Remove it with its schedule."""
        del address
        self._api.delete_saved_query(remote_id)

    def disable(self, address: Address, remote_id: str) -> None:
        """Take its schedule off."""
        del address
        self._api.update_saved_query(remote_id, {"cron": ""})

    def _fields(
        self, resource: Resource, attributes: Attributes, names: frozenset[str] | set[str]
    ) -> dict[str, str | int]:
        """The form fields for the attributes *names*, SQL as it was written and secrets in clear.

        Raises:
            Permanent: the export has no action yet, or waits for something else.
        """
        settled({name: attributes[name] for name in names}, resource)
        fields: dict[str, str | int] = {}
        for name in sorted(names):
            value = attributes[name]
            if name == "sql":
                fields["query"] = source_of(resource).sql or ""
            elif isinstance(value, Mapping) and isinstance(resource.spec, QuerySpec):
                fields |= exports.fields(cast("QueryExport", resource.spec.export), value)
            elif isinstance(value, Mapping) and isinstance(resource.spec, FileActivationSpec):
                fields |= exports.fields(file_exports.export_of(resource.spec), value)
            elif isinstance(value, Mapping) and isinstance(resource.spec, ObjectActivationSpec):
                fields |= exports.pair(value)
            elif isinstance(value, Mapping):
                if "action" not in value:
                    raise Permanent(
                        f"{resource.address} has no export action yet", hint="its audience must be looked at first"
                    )
                fields["result"] = results.written(value, self._api.scrubber)
            else:
                fields[_FIELDS.get(name, name)] = cast("str | int", value)
        return fields

    def observed(self, address: Address, raw: Raw, name: str = "") -> Observation:
        """A saved query as the vendor tells it. *name*: the one asked for, where an answer leaves it out."""
        cron, zone = self._timings.comparable(wire.text(raw.get("cron")), wire.text(raw.get("timezone")))
        called = wire.text(raw.get("name")) or name
        attributes: dict[str, Json] = {
            "name": called,
            "database": wire.text(raw.get("database")),
            "engine": wire.engine(raw.get("type")),
            "sql": wire.comparable_sql(wire.text(raw.get("query"))),
            "cron": cron,
            "timezone": zone,
            "delay": wire.whole(raw.get("delay")),
            "priority": wire.whole(raw.get("priority")),
            "retry_limit": wire.whole(raw.get("retry_limit")),
        }
        if raw.get("engine_version"):
            attributes["engine_version"] = wire.text(raw["engine_version"])
        result = raw.get("result")
        if address.kind == "activation":
            told = exports.told(raw)
            is_object = not results.of_query(raw) and object_exports.is_object_export(told)
            attributes["export"] = told if is_object or file_exports.is_file_export(told) else self.export_of(raw)
        else:
            attributes["result"] = results.shown(result) or ("a connection" if raw.get("result_connection_id") else "")
            if told := exports.told(raw):
                attributes["export"] = told
        computed = {name: raw[name] for name in ("next_time", "user_name") if raw.get(name)}
        if address.kind == "activation" and self._held(raw):
            computed[results.HELD_BY] = results.connection_of(raw)
        if address.kind == "query" and (hidden := exports.hidden_in(raw)):
            computed[exports.HIDDEN] = cast("Json", hidden)
        return Observation(called, attributes, computed, wire.unix_seconds(raw.get("created_at")))


_HELD: Final = "tdr_held_by_connection"
_PASSING: Final = frozenset({"next_time"})
"""What the vendor tells of a query that changes by itself, and no plan compares."""


def _fingerprint(raw: Raw) -> bytes:
    told = canonical({name: value for name, value in raw.items() if name not in _PASSING})
    return hashlib.blake2b(told, digest_size=16).digest()


def source_of(resource: Resource) -> SqlSource:
    """The SQL of a query or activation."""
    match resource.spec:
        case ActivationSpec(from_=ActivationSource(query=SqlSource() as query)):
            return query
        case ObjectActivationSpec(from_=QueryRows(query=query)) | FileActivationSpec(from_=QueryRows(query=query)):
            return query
        case QuerySpec() as query:
            return query
        case _:
            raise not_ours(resource)


def _target(spec: ActivationSpec, context: Context) -> tuple[AudienceSpec, PinterestConnection]:
    audience = referred(Address("audience", spec.to.audience), AudienceSpec, context)
    return audience, referred(Address("connection", audience.connection), PinterestConnection, context)


def _export(spec: ActivationSpec, context: Context) -> dict[str, results.Setting]:
    audience, connection = _target(spec, context)
    return results.export_settings(spec, audience, connection, context.resolution)


def _delivery_problems(address: Address, spec: ActivationSpec, context: Context) -> Iterator[Diagnostic]:
    if spec.membership is Membership.CLEAR:
        yield limits.clearing(address, spec.to.audience)
    audience = context.resources.get(Address("audience", spec.to.audience))
    if audience is None or not isinstance(audience.spec, AudienceSpec):
        return  # the loader has said so, with the place
    connection = context.resources.get(Address("connection", audience.spec.connection))
    if connection is not None and isinstance(connection.spec, FilesConnection):
        yield Diagnostic(
            "connection-type",
            f"{connection.address} is of type files and cannot receive an audience",
            subject=str(address),
            path="/spec/to/audience",
            hint=f"let {audience.address} name a connection of type pinterest",
        )
