"""Objects of Salesforce that rows are to go to, looked at before anything is applied: whether the query's columns are fields there.

With the credentials of the connection itself, since what a user may see and write differs. What cannot be looked at is told and
stops nothing. A misfit stops a plan where the rows leave from this machine; Treasure Data may hold other credentials than this.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from reconciler.diagnostics import Diagnostic, Severity, did_you_mean, sorted_by_place
from reconciler.engine.planning import Prepared
from reconciler.errors import ManifestError, ProviderError
from reconciler.manifest.query_columns import columns_put_out
from reconciler.model.address import Address
from reconciler.model.change import Adopt, Create, Replace, Update
from reconciler.model.kinds import TableSpec
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


def objects_of_changes(runtime: Runtime, prepared: Prepared) -> list[Diagnostic]:
    """What is said of the activations that a plan makes or changes.

    Raises:
        ManifestError: rows of one of them could never arrive.
    """
    if not prepared.plan.refreshed:
        return []
    changed = {
        change.address
        for change in prepared.plan.changes
        if isinstance(change, Create | Update | Replace | Adopt) and change.address.kind == "activation"
    }
    found = objects_ahead(runtime, changed)
    if any(one.is_error for one in found):
        raise ManifestError(sorted_by_place(found))
    return found


def objects_ahead(runtime: Runtime, addresses: Collection[Address]) -> list[Diagnostic]:
    """What is said of those of *addresses* whose rows go to objects: one login a connection, and a look at each object."""
    by_connection: dict[Address, list[tuple[Address, ObjectActivationSpec]]] = defaultdict(list)
    for address in sorted(addresses):
        resource = runtime.world.resources.get(address)
        if resource is not None and isinstance(resource.spec, ObjectActivationSpec):
            by_connection[Address("connection", resource.spec.to.connection)].append((address, resource.spec))
    found: list[Diagnostic] = []
    for connection, asked in by_connection.items():
        declared = runtime.world.resources.get(connection)
        if declared is not None and isinstance(declared.spec, SalesforceConnection):
            found += _through(runtime, connection, declared.spec, asked)
    return [runtime.placed(Address.parse(one.subject), one) for one in found]


def _through(
    runtime: Runtime,
    connection: Address,
    spec: SalesforceConnection,
    asked: list[tuple[Address, ObjectActivationSpec]],
) -> Iterator[Diagnostic]:
    objects = ", ".join(sorted({activation.to.object for _, activation in asked}))
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
        for address, activation in asked:
            try:
                yield from _judged(runtime, address, activation, api.descriptions)
            except ProviderError as error:
                yield _unseen(address, activation.to.object, error, "/spec/to/object")
    finally:
        api.close()


def _unseen(address: Address, objects: str, error: ProviderError, path: str) -> Diagnostic:
    message = f"{objects} was not looked at: {error.message}"
    return Diagnostic(UNSEEN, message, Severity.WARNING, subject=str(address), path=path, hint=error.hint)


def _judged(runtime: Runtime, address: Address, spec: ObjectActivationSpec, org: Descriptions) -> Iterator[Diagnostic]:
    stops = Severity.ERROR if runtime.embedded is not None else Severity.WARNING
    subject = str(address)
    shape = org.shape(spec.to.object)
    if shape is None:
        message = f"the org has no object {spec.to.object} that the user may see"
        hint = did_you_mean(spec.to.object, org.names()) or "custom objects end with __c"
        yield Diagnostic(MISFIT, message, stops, subject=subject, path="/spec/to/object", hint=hint)
        return
    source = spec.sql
    below = f"/spec/from/query/{'file' if source.file is not None else 'sql'}"
    columns = columns_put_out(source.sql or "", source.engine, _declared_tables(runtime, source.database))
    if columns is None:
        message = f"whether its columns are fields of {shape.name} is seen when it runs: the SQL does not name them"
        hint = "name the columns in the place of `*`"
        yield Diagnostic(UNSEEN, message, Severity.NOTICE, subject=subject, path=below, hint=hint)
    word = (
        "insert"
        if spec.write.insert
        else "upsert"
        if spec.write.upsert
        else "update"
        if spec.write.update
        else "replace"
    )
    places = {
        "object": "/spec/to/object",
        "key": f"/spec/write/{word}",
    }
    for misfit in misfits(shape, columns, Intent(word, spec.write.key), org.shape):
        severity = stops if misfit.is_certain else Severity.WARNING
        path = places.get(misfit.about, below)
        yield Diagnostic(MISFIT, misfit.message, severity, subject=subject, path=path, hint=misfit.hint)
    if spec.write.replace is not None:
        yield from _replaced(subject, shape, spec.write.replace, org, stops)


def _replaced(
    subject: str, shape: ObjectShape, removal: Removal, org: Descriptions, stops: Severity
) -> Iterator[Diagnostic]:
    """How many records a run would delete now, and whether it may."""
    path = "/spec/write/replace"
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
