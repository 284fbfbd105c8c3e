"""`tdr preview import/NAME`: what an import would bring, before anything is made or kept."""

from __future__ import annotations

from reconciler.commands.answer import Answer
from reconciler.commands.interruption import Interruption
from reconciler.commands.sending import sending
from reconciler.errors import TdrError
from reconciler.model.address import Address
from reconciler.model.json import Json
from reconciler.model.resource import Resource
from reconciler.phases import phase
from reconciler.ports.clock import rfc3339
from reconciler.ports.provider import Context, Previews
from reconciler.reports import rows
from reconciler.reports.documents import heading
from reconciler.wiring import Runtime


def preview(runtime: Runtime, address: Address, most_rows: int, interruption: Interruption) -> Answer:
    """The first *most_rows* rows that the import at *address* would bring, or the activation send, applied or not.

    Who is in them is masked. Of an activation the rows are also counted by what becomes of them.

    Raises:
        TdrError: it is not declared, is neither, or its rows cannot be read.
    """
    resource = runtime.world.resources.get(address)
    if address.kind not in {"import", "activation"}:
        raise TdrError(
            f"{address} is neither an import nor an activation", hint="`tdr run` shows the first rows of a query"
        )
    if resource is None:
        raise TdrError(f"{address} is not declared", hint="see `tdr state list`, or write its document first")
    records = runtime.store.read().state.records
    context = runtime.world.context({one: record.remote_id for one, record in records.items()})
    if address.kind == "activation":
        return sending(runtime, resource, context, most_rows, interruption)
    return _bringing(runtime, resource, context, most_rows)


def _bringing(runtime: Runtime, resource: Resource, context: Context, most_rows: int) -> Answer:
    address = resource.address
    provider = runtime.world.providers[address.kind]
    if not isinstance(provider, Previews):
        raise TdrError(f"{address} cannot be looked at beforehand", hint="apply it, and look with `tdr run`")
    with phase("preview", f"reading the first rows of {address}"):
        seen = provider.preview(resource, context)
    shown = rows.masked([name for name, _ in seen.columns], [rows.folded(row) for row in seen.values[:most_rows]])
    schema: list[Json] = [{"name": name, "type": type_} for name, type_ in seen.columns]
    document = heading("preview", rfc3339(runtime.clock.now())) | {"address": str(address), "schema": schema, **shown}
    return Answer(document)
