"""Databases that a plan would write into or read from, and that neither a document declares nor the service has.

Asked of the embedded service only, where all of them are seen: an account's key may be kept from some.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from reconciler.diagnostics import Diagnostic, Severity, did_you_mean
from reconciler.engine.planning import Prepared
from reconciler.errors import ManifestError
from reconciler.model.address import Address
from reconciler.model.change import Adopt, Create, Replace, Update
from reconciler.model.observation import Finding, Seen
from reconciler.model.record import Record
from reconciler.ports.provider import Wanted
from reconciler.wiring import Runtime

DATABASE_PATHS: Final[Mapping[str, str]] = {
    "query": "/spec/database",
    "activation": "/spec/from/query/database",
    "import": "/spec/to/database",
}
"""Kind -> where its document names the database."""


def refuse_unknown_databases(runtime: Runtime, prepared: Prepared) -> None:
    """One list call, and none when every database is declared.

    Raises:
        ManifestError: a change names a database that nobody declares and that is not there; all of them, with places.
    """
    if runtime.embedded is None or not prepared.plan.refreshed:
        return
    asked = undeclared_databases(runtime, prepared)
    found = [
        runtime.placed(address, unknown_database(address, name, declared, Severity.ERROR))
        for address, name, look, declared in asked
        if isinstance(look, Finding) and look.by_id is None
    ]
    if found:
        raise ManifestError(found)


def unknown_database(address: Address, name: str, declared: Iterable[str], severity: Severity) -> Diagnostic:
    """That the database *name*, which *address* names, is neither there nor declared."""
    return Diagnostic(
        "unknown-database",
        f"there is no database {name!r}, and no document declares one",
        severity,
        subject=str(address),
        path=DATABASE_PATHS[address.kind],
        hint=did_you_mean(name, declared) or "declare it with a Database document",
    )


def undeclared_databases(runtime: Runtime, prepared: Prepared) -> list[tuple[Address, str, Seen, frozenset[str]]]:
    """What changes, the database that it names and no document declares, what a look found of that, and those declared."""
    desired, context = prepared.desired, runtime.world.context()
    provider = runtime.world.provider(Address("database", "any"))
    if provider is None:
        return []
    declared = frozenset(
        str(provider.desired(resource, context).attributes["name"])
        for address, resource in runtime.world.resources.items()  # all, whatever the plan is limited to
        if address.kind == "database"
    )
    named = {
        change.address: str(desired[change.address].attributes.get("database"))
        for change in prepared.plan.changes
        if isinstance(change, Create | Update | Replace | Adopt)
        and change.address.kind in DATABASE_PATHS
        and change.address in desired
        and "database" in desired[change.address].attributes
    }
    asked = sorted(set(named.values()) - declared)
    if not asked:
        return []
    questions = {name: Address("database", f"asked-{number}") for number, name in enumerate(asked)}
    wanted = [Wanted(address, None, Record(name, {})) for name, address in questions.items()]
    looks = provider.observe(wanted, context)
    return [
        (address, name, looks[questions[name]], declared)
        for address, name in sorted(named.items())
        if name in questions
    ]
