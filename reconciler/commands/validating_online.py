"""`tdr validate --online`: what only vendors can say about the manifests. Reads, and writes nothing anywhere.

What cannot be read is an error, for nobody can then say that the manifests are valid.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from reconciler.commands.answer import BLOCKED, FAILED, INVALID, OK, Answer
from reconciler.commands.objects_ahead import objects_ahead
from reconciler.commands.planning import ALL_LEVELS, checked, overlays_of
from reconciler.commands.unknown_databases import DATABASE_PATHS, undeclared_databases, unknown_database
from reconciler.diagnostics import Diagnostic, Severity, did_you_mean, sorted_by_place
from reconciler.engine.planning import Prepared, prepare
from reconciler.manifest.queries import sources_of
from reconciler.manifest.sql_parsing import tables_needed
from reconciler.model.address import Address
from reconciler.model.observation import Finding, Seen, Unreadable
from reconciler.model.record import Record
from reconciler.ports.clock import rfc3339
from reconciler.ports.provider import Wanted
from reconciler.reports import documents
from reconciler.wiring import Runtime

UNREADABLE: Final = "unreadable"
TAKEN: Final = frozenset(
    {
        *("adoption_required", "adoption_refused", "foreign_owner", "ambiguous_identity", "identity"),
        *("audience_id_not_found", "import_not_found", "import_differs", "import_taken"),
    }
)
"""Gates of a plan that say which object a document is; the others are about how much one run may do."""


def validate_online(runtime: Runtime) -> Answer:
    """Everything that `validate` says, and what the vendors say: accounts, names that are taken, databases and tables.

    Exits with 7 when a document has to be changed, 3 when a person has to decide, 1 when something could not be read.

    Raises:
        ManifestError: the manifests are invalid without asking anybody.
        Blocked: an account answers that is not the environment's.
    """
    found = checked(runtime, ALL_LEVELS)
    prepared = prepare(runtime.world, runtime.store.read())
    gated = {address for gate in prepared.plan.gates if gate.rule in TAKEN for address in gate.addresses}
    unread = [*_unread(prepared, gated)]
    taken = [*_taken(prepared)]
    severity = Severity.ERROR if runtime.embedded is not None else Severity.WARNING
    missing = [*_missing_databases(runtime, prepared, severity), *_missing_tables(runtime, prepared, severity)]
    asked = [runtime.placed(Address.parse(one.subject), one) for one in (*unread, *taken, *missing)]
    ahead = objects_ahead(runtime, runtime.world.resources.keys())
    findings = tuple(sorted_by_place(dict.fromkeys((*found, *asked, *ahead))))
    document = documents.validation_document(findings, rfc3339(runtime.clock.now()), overlays_of(runtime))
    return Answer(document | {"online": True}, _exit_code(unread, taken, [*missing, *ahead]))


def _exit_code(unread: Sequence[Diagnostic], taken: Sequence[Diagnostic], missing: Sequence[Diagnostic]) -> int:
    """What is certainly wrong goes first, then what a person has to decide, then what nobody knows."""
    if any(one.is_error and one.rule != UNREADABLE for one in missing):
        return INVALID
    if taken:
        return BLOCKED
    return FAILED if any(one.rule == UNREADABLE for one in (*unread, *missing)) else OK


def _unread(prepared: Prepared, gated: set[Address]) -> Iterator[Diagnostic]:
    """What nothing could be found out about. What only waits for such a one is not told besides."""
    undecided = {change.address: change.why for change in prepared.plan.undecided}
    for address, why in undecided.items():
        if address in gated or undecided.keys() & set(prepared.plan.depends_on.get(address, ())):
            continue
        yield Diagnostic(UNREADABLE, f"{address} cannot be checked: {why}", subject=str(address))


def _taken(prepared: Prepared) -> Iterator[Diagnostic]:
    for gate in prepared.plan.gates:
        if gate.rule in TAKEN:
            subject = str(gate.addresses[0]) if gate.addresses else ""
            yield Diagnostic(gate.rule.replace("_", "-"), gate.message, subject=subject, hint=gate.hint)


# -- what queries read -------------------------------------------------------------------------------------------------


def _missing_databases(runtime: Runtime, prepared: Prepared, severity: Severity) -> Iterator[Diagnostic]:
    """Databases that are named, and that neither a document declares nor the vendor shows.

    Of an account that is a warning: a key may be kept from some of what is there.
    """
    for address, name, look, declared in undeclared_databases(runtime, prepared):
        if isinstance(look, Unreadable):
            message = f"nobody can tell whether database {name} is there: {look.error.message}"
            path = DATABASE_PATHS[address.kind]
            yield Diagnostic(UNREADABLE, message, subject=str(address), path=path, hint=look.error.hint)
        elif look.by_id is None:
            yield unknown_database(address, name, declared, severity)


def _missing_tables(runtime: Runtime, prepared: Prepared, severity: Severity) -> Iterator[Diagnostic]:
    """Tables that a query reads, and that neither a document declares nor the vendor shows."""
    reads = [*_reads(runtime, prepared)]
    declared = _declared(prepared)
    unknown = sorted({(database, table) for _, _, database, table in reads} - declared)
    looks = _looked(runtime, unknown)
    for address, path, database, table in reads:
        look = looks.get((database, table))
        if look is None or (isinstance(look, Finding) and look.by_id is not None):
            continue
        if isinstance(look, Unreadable):
            message = f"nobody can tell whether table {database}.{table} is there: {look.error.message}"
            yield Diagnostic(UNREADABLE, message, subject=str(address), path=path, hint=look.error.hint)
            continue
        names = [name for place, name in declared if place == database]
        hint = did_you_mean(table, names) or "declare it with a Table document, or correct the SQL"
        message = f"the SQL needs {database}.{table}, and there is no such table"
        yield Diagnostic("unknown-table", message, severity, subject=str(address), path=path, hint=hint)


def _reads(runtime: Runtime, prepared: Prepared) -> Iterator[tuple[Address, str, str, str]]:
    """Each address with the place of its SQL, and a database and a table that this reads."""
    for address, resource in runtime.world.resources.items():
        desired = prepared.desired.get(address)
        for path, source in sources_of(resource):
            own = str(desired.attributes.get("database", "")) if desired is not None else ""
            where = f"{path}/{'file' if source.file is not None else 'sql'}"
            for database, table in tables_needed(source.sql or "", source.engine):
                if database or own:
                    yield address, where, database or own, table


def _declared(prepared: Prepared) -> set[tuple[str, str]]:
    """Database and name of every table that a document declares or an import fills."""
    fields = {"table": "name", "import": "table"}
    return {
        (str(desired.attributes.get("database")), str(desired.attributes.get(fields[address.kind])))
        for address, desired in prepared.desired.items()
        if address.kind in fields
    }


def _looked(runtime: Runtime, tables: list[tuple[str, str]]) -> Mapping[tuple[str, str], Seen]:
    provider = runtime.world.provider(Address("table", "any"))
    if provider is None or not tables:
        return {}
    questions = {Address("table", f"asked-{number}"): name for number, name in enumerate(tables)}
    wanted = [Wanted(address, None, Record(".".join(name), {})) for address, name in questions.items()]
    looks = provider.observe(wanted, runtime.world.context())
    return {name: looks[address] for address, name in questions.items()}
