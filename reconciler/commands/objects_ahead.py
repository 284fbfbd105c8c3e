"""Objects of Salesforce that rows are to go to, looked at before anything is applied: whether the query's columns are fields there.

With the credentials of the connection itself, since what a user may see and write differs. What cannot be looked at is told and
stops nothing. A misfit stops a plan where the rows leave from this machine; Treasure Data may hold other credentials than this.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reconciler.diagnostics import Diagnostic, Severity, did_you_mean, sorted_by_place
from reconciler.engine.planning import Prepared
from reconciler.errors import ManifestError, ProviderError
from reconciler.manifest.query_columns import columns_put_out
from reconciler.model.address import Address
from reconciler.model.change import Adopt, Create, Replace, Update
from reconciler.model.kinds import QuerySpec, TableSpec
from reconciler.model.queries import SqlSource
from reconciler.model.row_activations import ObjectActivationSpec
from reconciler.model.salesforce import Removal, SalesforceConnection
from reconciler.model.salesforce_fit import misfits
from reconciler.model.salesforce_objects import Intent, ObjectShape
from reconciler.wiring import Runtime
from reconciler.wiring.salesforce import knows_secrets, open_org

if TYPE_CHECKING:
    from reconciler.apis.salesforce_describe import Descriptions

MISFIT: Final = "object-misfit"
UNSEEN: Final = "object-unseen"
THERE: Final = "records-there"
_KINDS: Final = frozenset({"activation", "query"})


@dataclass(frozen=True, slots=True)
class _Delivery:
    """Rows of a query that go to an object. *places*: where its document names what a misfit may be about."""

    address: Address
    connection: Address
    source: SqlSource
    sobject: str
    intent: Intent
    removal: Removal | None
    places: Mapping[str, str]

    @property
    def columns_place(self) -> str:
        """Where the SQL stands."""
        return f"{self.places['query']}/{'file' if self.source.file is not None else 'sql'}"


def objects_of_changes(runtime: Runtime, prepared: Prepared) -> list[Diagnostic]:
    """What is said of the activations and exports that a plan makes or changes.

    Raises:
        ManifestError: rows of one of them could never arrive.
    """
    if not prepared.plan.refreshed:
        return []
    changed = {
        change.address
        for change in prepared.plan.changes
        if isinstance(change, Create | Update | Replace | Adopt) and change.address.kind in _KINDS
    }
    found = objects_ahead(runtime, changed)
    if any(one.is_error for one in found):
        raise ManifestError(sorted_by_place(found))
    return found


def objects_ahead(runtime: Runtime, addresses: Collection[Address]) -> list[Diagnostic]:
    """What is said of those of *addresses* whose rows go to objects: one login a connection, and a look at each object."""
    by_connection: dict[Address, list[_Delivery]] = defaultdict(list)
    for address in sorted(addresses):
        resource = runtime.world.resources.get(address)
        delivery = None if resource is None else _delivery_of(address, resource.spec)
        if delivery is not None:
            by_connection[delivery.connection].append(delivery)
    found: list[Diagnostic] = []
    for connection, asked in by_connection.items():
        declared = runtime.world.resources.get(connection)
        if declared is not None and isinstance(declared.spec, SalesforceConnection):
            found += _through(runtime, connection, declared.spec, asked)
    return [runtime.placed(Address.parse(one.subject), one) for one in found]


def _delivery_of(address: Address, spec: object) -> _Delivery | None:
    """What an activation, or an export in the connector's own words, does to an object; None for anything else."""
    if isinstance(spec, ObjectActivationSpec):
        write = spec.write
        word = next(word for word in ("insert", "upsert", "update", "replace") if getattr(write, word))
        at = f"/spec/write/{word}"
        places = {"query": "/spec/from/query", "object": "/spec/to/object", "key": at, "write": at}
        connection = Address("connection", spec.to.connection)
        return _Delivery(address, connection, spec.sql, spec.to.object, Intent(word, write.key), write.replace, places)
    if not isinstance(spec, QuerySpec) or spec.export is None or spec.export.connection is None:
        return None
    settings = {name: str(value) for name, value in spec.export.settings.items()}
    mode = settings.get("mode", "")
    if "object" not in settings or mode not in {"append", "update", "truncate"}:
        return None
    makes = settings.get("upsert", "true").lower() == "true"
    word = {"append": "insert", "truncate": "replace"}.get(mode, "upsert" if makes else "update")
    is_hard = settings.get("hard_delete", "").lower() == "true"
    removal = (Removal.HARD if is_hard else Removal.SOFT) if word == "replace" else None
    below = "/spec/export/settings"
    places = {"query": "/spec", "object": f"{below}/object", "key": f"{below}/unique", "write": f"{below}/mode"}
    intent = Intent(word, settings.get("unique", "") if mode == "update" else "")
    connection = Address("connection", spec.export.connection)
    return _Delivery(address, connection, spec, settings["object"], intent, removal, places)


def _through(
    runtime: Runtime, connection: Address, spec: SalesforceConnection, asked: list[_Delivery]
) -> Iterator[Diagnostic]:
    objects = ", ".join(sorted({delivery.sobject for delivery in asked}))
    if not knows_secrets(spec):
        message = f"{objects} was not looked at: this run has not the secrets of {connection}"
        yield Diagnostic(UNSEEN, message, Severity.NOTICE, subject=str(connection), path="/spec")
        return
    try:
        api = open_org(runtime, spec)
    except ProviderError as error:
        yield _unseen(connection, objects, error, "/spec/auth")
        return
    try:
        for delivery in asked:
            try:
                yield from _judged(runtime, delivery, api.descriptions)
            except ProviderError as error:
                yield _unseen(delivery.address, delivery.sobject, error, delivery.places["object"])
    finally:
        api.close()


def _unseen(address: Address, objects: str, error: ProviderError, path: str) -> Diagnostic:
    message = f"{objects} was not looked at: {error.message}"
    return Diagnostic(UNSEEN, message, Severity.WARNING, subject=str(address), path=path, hint=error.hint)


def _judged(runtime: Runtime, delivery: _Delivery, org: Descriptions) -> Iterator[Diagnostic]:
    stops = Severity.ERROR if runtime.embedded is not None else Severity.WARNING
    subject, places, below = str(delivery.address), delivery.places, delivery.columns_place
    shape = org.shape(delivery.sobject)
    if shape is None:
        message = f"the org has no object {delivery.sobject} that the user may see"
        hint = did_you_mean(delivery.sobject, org.names()) or "custom objects end with __c"
        yield Diagnostic(MISFIT, message, stops, subject=subject, path=places["object"], hint=hint)
        return
    source = delivery.source
    columns = columns_put_out(source.sql or "", source.engine, _declared_tables(runtime, source.database))
    if columns is None:
        message = f"whether its columns are fields of {shape.name} is seen when it runs: the SQL does not name them"
        hint = "name the columns in the place of `*`"
        yield Diagnostic(UNSEEN, message, Severity.NOTICE, subject=subject, path=below, hint=hint)
    for misfit in misfits(shape, columns, delivery.intent, org.shape):
        severity = stops if misfit.is_certain else Severity.WARNING
        path = places.get(misfit.about, below)
        yield Diagnostic(MISFIT, misfit.message, severity, subject=subject, path=path, hint=misfit.hint)
    if delivery.removal is not None:
        yield from _replaced(subject, shape, delivery.removal, org, stops, places["write"])


def _replaced(
    subject: str, shape: ObjectShape, removal: Removal, org: Descriptions, stops: Severity, path: str
) -> Iterator[Diagnostic]:
    """How many records a run would delete now, and whether it may."""
    if shape.queryable:
        count = org.count(shape.name)
        message = f"{shape.name} has {count} records now that a run would delete"
        yield Diagnostic(THERE, message, Severity.NOTICE, subject=subject, path=path)
    if removal is not Removal.HARD:
        return
    may = org.may_hard_delete()
    if may is None:
        message = "whether the user may delete records for good is seen when it runs: the org does not tell"
        yield Diagnostic(UNSEEN, message, Severity.NOTICE, subject=subject, path=path)
    elif not may:
        hint = "give the user the permission `Bulk API Hard Delete`, which not even administrators have, or write `replace: soft`"
        yield Diagnostic(
            MISFIT, "the user may not delete records for good", stops, subject=subject, path=path, hint=hint
        )


def _declared_tables(runtime: Runtime, database: str) -> Mapping[str, Mapping[str, str]]:
    """Declared tables by name, and by database and name, with the types of their columns."""
    found: dict[str, Mapping[str, str]] = {}
    for address, resource in runtime.world.resources.items():
        if isinstance(resource.spec, TableSpec):
            name = (resource.spec.name or address.name.translate(str.maketrans("-.", "__"))).lower()
            columns = {one.name.lower(): str(one.type) for one in resource.spec.columns}
            found[f"{resource.spec.database.lower()}.{name}"] = columns
            if resource.spec.database == database:
                found[name] = columns
    return found
