"""Databases that a plan would write into or read from, and that neither a document declares nor the service has.

Asked of the embedded service only, where all of them are seen: an account's key may be kept from some.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reconciler.diagnostics import Diagnostic, did_you_mean
from reconciler.engine.planning import Prepared
from reconciler.errors import ManifestError
from reconciler.model.address import Address
from reconciler.model.change import Adopt, Create, Replace, Update
from reconciler.model.observation import Finding
from reconciler.model.record import Record
from reconciler.ports.provider import Wanted
from reconciler.wiring import Runtime

_PLACES: Final[Mapping[str, str]] = {
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
    desired, context = prepared.desired, runtime.world.context()
    provider = runtime.world.provider(Address("database", "any"))
    if provider is None or runtime.embedded is None:
        return
    declared = {
        str(provider.desired(resource, context).attributes["name"])
        for address, resource in runtime.world.resources.items()  # all, whatever the plan is limited to
        if address.kind == "database"
    }
    named = {
        change.address: str(desired[change.address].attributes.get("database"))
        for change in prepared.plan.changes
        if isinstance(change, Create | Update | Replace | Adopt)
        and change.address.kind in _PLACES
        and change.address in desired
    }
    asked = sorted(set(named.values()) - declared)
    if not asked:
        return
    questions = {Address("database", f"asked-{number}"): name for number, name in enumerate(asked)}
    wanted = [Wanted(address, None, Record(name, {})) for address, name in questions.items()]
    looks = provider.observe(wanted, context)
    missing = {
        name
        for address, name in questions.items()
        if isinstance(look := looks.get(address), Finding) and look.by_id is None
    }
    found = [
        runtime.placed(
            address,
            Diagnostic(
                "unknown-database",
                f"there is no database {name!r}, and no document declares one",
                subject=str(address),
                path=_PLACES[address.kind],
                hint=did_you_mean(name, declared) or "declare it with a Database document",
            ),
        )
        for address, name in sorted(named.items())
        if name in missing
    ]
    if found:
        raise ManifestError(found)
