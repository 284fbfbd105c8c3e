"""`tdr preview import/NAME`: what an import would bring, before anything is made or kept."""

from __future__ import annotations

from reconciler.commands.answer import Answer
from reconciler.errors import TdrError
from reconciler.model.address import Address
from reconciler.model.json import Json
from reconciler.phases import phase
from reconciler.ports.clock import rfc3339
from reconciler.ports.provider import Previews
from reconciler.reports import rows
from reconciler.reports.documents import heading
from reconciler.wiring import Runtime


def preview(runtime: Runtime, address: Address, most_rows: int) -> Answer:
    """Columns and the first *most_rows* rows of the import at *address*, applied or not; who is in them is masked.

    Raises:
        TdrError: it is not declared, is no import, or its source cannot be read.
    """
    world = runtime.world
    resource = world.resources.get(address)
    if address.kind != "import":
        raise TdrError(f"{address} is no import", hint="name an import; `tdr run` shows the first rows of a query")
    if resource is None:
        raise TdrError(f"{address} is not declared", hint="see `tdr state list`, or write its document first")
    provider = world.providers[address.kind]
    if not isinstance(provider, Previews):
        raise TdrError(f"{address} cannot be looked at beforehand")
    records = runtime.store.read().state.records
    context = world.context({one: record.remote_id for one, record in records.items()})
    with phase("preview", f"reading the first rows of {address}"):
        seen = provider.preview(resource, context)
    shown = rows.masked([name for name, _ in seen.columns], [rows.folded(row) for row in seen.values[:most_rows]])
    schema: list[Json] = [{"name": name, "type": type_} for name, type_ in seen.columns]
    document = heading("preview", rfc3339(runtime.clock.now())) | {"address": str(address), "schema": schema, **shown}
    return Answer(document)
