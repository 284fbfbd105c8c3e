"""Objects of Salesforce that rows are to go to, looked at before anything is applied: whether the query's columns are fields there.

With the credentials of the connection itself, since what a user may see and write differs. What cannot be looked at is told and
stops nothing. A misfit stops a plan where the rows leave from this machine; Treasure Data may hold other credentials than this.
Of what stays as it is a misfit is told and stops nothing: no plan makes it worse, and other changes have not to wait for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reconciler.diagnostics import Diagnostic, Severity, did_you_mean, sorted_by_place
from reconciler.engine.making import made_of
from reconciler.engine.planning import Prepared
from reconciler.errors import ManifestError, ProviderError
from reconciler.manifest.query_columns import columns_put_out
from reconciler.model.address import Address
from reconciler.model.change import Adopt, Create, Keep, Replace, Update
from reconciler.model.kinds import QuerySpec, TableSpec
from reconciler.model.queries import SqlSource
from reconciler.model.record import State
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
    """Rows of a query that go to an object. *places*: where its document names what a misfit may be about.

    is_kept: whether it is there and stays as it is.
    """

    address: Address
    connection: Address
    source: SqlSource
    sobject: str
    intent: Intent
    removal: Removal | None
    places: Mapping[str, str]
    is_kept: bool

    @property
    def columns_place(self) -> str:
        """Where the SQL stands."""
        return f"{self.places['query']}/{'file' if self.source.file is not None else 'sql'}"


def objects_of_plan(runtime: Runtime, prepared: Prepared) -> list[Diagnostic]:
    """What is said of the activations and exports that a plan makes or changes, and of those that it leaves as they are.

    Raises:
        ManifestError: rows of one that it makes or changes could never arrive.
    """
    if not prepared.plan.refreshed:
        return []
    changes = [change for change in prepared.plan.changes if change.address.kind in _KINDS]
    found = objects_ahead(
        runtime,
        {change.address for change in changes if isinstance(change, Create | Update | Replace | Adopt)},
        kept={change.address for change in changes if isinstance(change, Keep)},
    )
    if any(one.is_error for one in found):
        raise ManifestError(sorted_by_place(found))
    return found


def objects_as_applied(runtime: Runtime, state: State, chosen: Collection[Address]) -> list[Diagnostic]:
    """What is said of those of *chosen* whose documents are as they were applied; of the others a plan tells."""

    def id_of(address: Address) -> str:
        return state.records[address].remote_id if address in state.records else ""

    resources = runtime.world.resources
    kept = {
        address
        for address in chosen
        if address.kind in _KINDS
        and address in resources
        and state.records[address].made_of in {"", made_of(resources[address], resources, id_of)}
    }
    return objects_ahead(runtime, (), kept=kept)


def sends_to_object(spec: object) -> bool:
    """Whether rows of an activation or query go to an object, so that more than its document and its record decides on it."""
    return _delivery_of(Address("query", "any"), spec, is_kept=False) is not None


def objects_ahead(
    runtime: Runtime, addresses: Collection[Address], *, kept: Collection[Address] = ()
) -> list[Diagnostic]:
    """What is said of those of *addresses* whose rows go to objects: one login a connection, and one look at each object.

    kept: addresses of what stays as it is; only what keeps rows of it from arriving is said.
    """
    by_connection: dict[Address, list[_Delivery]] = defaultdict(list)
    for address in sorted({*addresses, *kept}):
        resource = runtime.world.resources.get(address)
        delivery = None if resource is None else _delivery_of(address, resource.spec, is_kept=address not in addresses)
        if delivery is not None:
            by_connection[delivery.connection].append(delivery)
    found: list[Diagnostic] = []
    for connection, asked in by_connection.items():
        declared = runtime.world.resources.get(connection)
        if declared is not None and isinstance(declared.spec, SalesforceConnection):
            found += _through(runtime, connection, declared.spec, asked)
    return [runtime.placed(Address.parse(one.subject), one) for one in found]


def _delivery_of(address: Address, spec: object, *, is_kept: bool) -> _Delivery | None:
    """What an activation, or an export in the connector's own words, does to an object; None for anything else."""
    if isinstance(spec, ObjectActivationSpec):
        write = spec.write
        word = next(word for word in ("insert", "upsert", "update", "replace") if getattr(write, word))
        at = f"/spec/write/{word}"
        places = {"query": "/spec/from/query", "object": "/spec/to/object", "key": at, "write": at}
        connection = Address("connection", spec.to.connection)
        intent = Intent(word, write.key)
        return _Delivery(address, connection, spec.sql, spec.to.object, intent, write.replace, places, is_kept)
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
    return _Delivery(address, connection, spec, settings["object"], intent, removal, places, is_kept)


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
    stops = Severity.ERROR if runtime.embedded is not None and not delivery.is_kept else Severity.WARNING
    subject, places, below = str(delivery.address), delivery.places, delivery.columns_place
    shape = org.shape(delivery.sobject)
    if shape is None:
        message = _said(delivery, f"the org has no object {delivery.sobject} that the user may see")
        hint = did_you_mean(delivery.sobject, org.names()) or "custom objects end with __c"
        yield Diagnostic(MISFIT, message, stops, subject=subject, path=places["object"], hint=hint)
        return
    source = delivery.source
    columns = columns_put_out(source.sql or "", source.engine, _declared_tables(runtime, source.database))
    if columns is None and not delivery.is_kept:
        message = f"whether its columns are fields of {shape.name} is seen when it runs: the SQL does not name them"
        hint = "name the columns in the place of `*`"
        yield Diagnostic(UNSEEN, message, Severity.NOTICE, subject=subject, path=below, hint=hint)
    for misfit in misfits(shape, columns, delivery.intent, org.shape):
        severity = stops if misfit.is_certain else Severity.WARNING
        message = _said(delivery, misfit.message) if misfit.is_certain else misfit.message
        path = places.get(misfit.about, below)
        yield Diagnostic(MISFIT, message, severity, subject=subject, path=path, hint=misfit.hint)
    if delivery.removal is not None:
        yield from _replaced(delivery, delivery.removal, shape, org, stops)


def _said(delivery: _Delivery, message: str) -> str:
    """*message*, of which no reader of a plan without changes would know what it means for him."""
    if not delivery.is_kept:
        return message
    return f"{message}; no row of {delivery.address} would arrive now, though nothing changes here"


def _replaced(
    delivery: _Delivery, removal: Removal, shape: ObjectShape, org: Descriptions, stops: Severity
) -> Iterator[Diagnostic]:
    """How many records a run would delete now, and whether it may."""
    subject, path = str(delivery.address), delivery.places["write"]
    if shape.queryable and not delivery.is_kept:
        count = org.count(shape.name)
        message = f"{shape.name} has {count} records now that a run would delete"
        yield Diagnostic(THERE, message, Severity.NOTICE, subject=subject, path=path)
    if removal is not Removal.HARD:
        return
    may = org.may_hard_delete()
    if may is None and not delivery.is_kept:
        message = "whether the user may delete records for good is seen when it runs: the org does not tell"
        yield Diagnostic(UNSEEN, message, Severity.NOTICE, subject=subject, path=path)
    elif may is False:
        message = _said(delivery, "the user may not delete records for good")
        hint = "give the user the permission `Bulk API Hard Delete`, which not even administrators have, or write `replace: soft`"
        yield Diagnostic(MISFIT, message, stops, subject=subject, path=path, hint=hint)


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
