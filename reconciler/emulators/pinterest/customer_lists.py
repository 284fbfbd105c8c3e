"""``/ad_accounts/{ad_account_id}/customer_lists``.

There is no operation to delete, rename, read or replace. Source: openapi.json 5.23.0.
"""

from __future__ import annotations

from reconciler.emulators.faults import ListedLate
from reconciler.emulators.pinterest import records
from reconciler.emulators.pinterest.call import Call
from reconciler.emulators.pinterest.objects import CustomerList
from reconciler.emulators.pinterest.paging import is_descending, page
from reconciler.emulators.pinterest.refusals import invalid, not_found
from reconciler.model.json import Json

_LIST_TYPES = tuple(records.PLAIN_KINDS)


def list_lists(call: Call) -> dict[str, Json]:
    """GET: all lists of the account; names may repeat."""
    try:
        newest_first = is_descending(call)
    except ValueError as error:
        raise invalid(f"'order' value '{error}' is not one of ['ASCENDING', 'DESCENDING']") from None
    now = call.world.now()
    lists = [
        item
        for item in call.world.lists.values()
        if item.account_id == call.account_id and not (item.hiding and item.hiding.from_list(now))
    ]
    return page(call, lists[::-1] if newest_first else lists, lambda item: item.id, CustomerList.listed)


def create_list(call: Call) -> dict[str, Json]:
    """POST."""
    name = call.name()
    list_type = call.choice("list_type", _LIST_TYPES, default="EMAIL")
    batch = _batch(call, list_type, is_counted=call.world.knobs.members == "count")
    return call.world.add_list(call.account_id, name, list_type, batch, late=call.fault(ListedLate)).shown()


def get_list(call: Call) -> dict[str, Json]:
    """GET by id."""
    found = call.customer_list()
    if found.hiding and found.hiding.from_get(call.world.now()):
        raise not_found("Customer list")
    return found.shown()


def update_list(call: Call) -> dict[str, Json]:
    """PATCH: add people or remove them."""
    target = call.customer_list()
    operation = call.choice("operation_type", ("ADD", "REMOVE"))
    batch = _batch(call, target.list_type, is_counted=target.members.kind == "count")
    if operation == "ADD":
        call.world.add_records(target, batch)
    else:
        call.world.remove_records(target, batch)
    return target.shown()


def _batch(call: Call, list_type: str, *, is_counted: bool) -> records.Batch:
    text = call.text("records")
    batch = records.count(text) if is_counted else records.read(text, list_type)
    if not batch.sent and call.world.knobs.empty_records == "refuse":
        raise invalid("'records' is empty")
    if batch.invalid and call.world.knobs.invalid_records == "refuse":
        raise invalid(f"{batch.invalid} of {batch.sent} records are not valid")
    return batch
