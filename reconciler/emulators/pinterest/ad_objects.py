"""What an ad account advertises with: lists of it, and one by its id.

Source: openapi.json 5.23.0: entity_statuses defaults to ACTIVE and PAUSED; lists of ids have at most 250; only one kind of id
filter at a time. Lists are read with the key repeated and with commas, as clients send both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from reconciler.emulators.pinterest.call import Call
from reconciler.emulators.pinterest.paging import is_descending, page
from reconciler.emulators.pinterest.promotions import Object
from reconciler.emulators.pinterest.refusals import Refused, forbidden, invalid, not_found
from reconciler.model.json import Json

_STATUSES: Final = ("ACTIVE", "PAUSED", "ARCHIVED", "DRAFT", "DELETED_DRAFT")
_MOST_IDS: Final = 250
_FILTERS: Final = {
    "campaigns": {"campaign_ids": "id"},
    "ad_groups": {"campaign_ids": "campaign_id", "ad_group_ids": "id"},
    "ads": {"campaign_ids": "campaign_id", "ad_group_ids": "ad_group_id", "ad_ids": "id"},
}


def lister(collection: str) -> Callable[[Call], dict[str, Json]]:
    """What answers the list of campaigns, ad groups or ads."""

    def answer(call: Call) -> dict[str, Json]:
        statuses = many(call, "entity_statuses") or _STATUSES[:2]
        if strange := [status for status in statuses if status not in _STATUSES]:
            raise invalid(f"'entity_statuses' value {strange[0]!r} is not one of {list(_STATUSES)}")
        filters = {name: ids(call, name) for name in _FILTERS[collection]}
        given = [name for name, wanted in filters.items() if wanted]
        if len(given) > 1:
            raise invalid(f"provide only one of {given}")
        items = [item for item in call.world.promotions.of(collection, call.account_id) if item["status"] in statuses]
        for name in given:
            items = [item for item in items if item.get(_FILTERS[collection][name]) in filters[name]]
        return _page(call, items)

    return answer


def getter(collection: str, what: str) -> Callable[[Call], dict[str, Json]]:
    """What answers for one of them by its id, the last of the path; *what* it is called where it is not there."""

    def answer(call: Call) -> dict[str, Json]:
        _, key = call.ids.values()
        found = call.world.promotions.objects[collection].get(key)
        if found is None or found["ad_account_id"] != call.account_id:
            raise not_found(what)
        return dict(found)

    return answer


def list_keywords(call: Call) -> dict[str, Json]:
    """GET keywords: without a filter only those whose parent is the account itself."""
    given = [name for name in ("campaign_id", "ad_group_id") if call.query.get(name)]
    if len(given) > 1:
        raise invalid(f"provide only one of {given}")
    parent = call.query[given[0]] if given else call.account_id
    keywords = call.world.promotions.of("keywords", call.account_id)
    return _page(call, [item for item in keywords if item.get("parent_id") == parent])


def list_conversion_tags(call: Call) -> dict[str, Json]:
    """GET conversion_tags, which has no pages. What is deleted is left out when that is asked for."""
    told = call.query.get("filter_deleted", "false").lower()
    if told not in {"true", "false"}:
        raise invalid(f"'filter_deleted' value {told!r} is not a boolean")
    tags = call.world.promotions.of("conversion_tags", call.account_id)
    shown = [item for item in tags if told == "false" or item.get("status") != "ARCHIVED"]
    return {"items": [dict(item) for item in shown]}


def list_conversion_events(call: Call) -> dict[str, Json]:
    """GET conversion_tags/page_visit."""
    items = call.world.promotions.of("conversion_tag_events", call.account_id)
    return page(call, items, lambda item: str(item["id"]), lambda item: _without(item, "id"))


def catalog_lister(collection: str) -> Callable[[Call], dict[str, Json]]:
    """What answers one of the lists of catalogs; they are the person's, or those of the ad account in the query."""

    def answer(call: Call) -> dict[str, Json]:
        account_id = call.query.get("ad_account_id") or next(iter(call.world.accounts))
        account = call.world.accounts.get(account_id)
        if account is None or not account.permissions:
            raise forbidden()
        promotions = call.world.promotions
        if collection == "catalogs_product_groups" and not promotions.of("catalogs", account_id):
            raise Refused(409, 4182, "Can't access this feature without an existing catalog")
        items = promotions.of(collection, account_id)
        return page(call, items, lambda item: str(item["id"]), lambda item: _without(item, "ad_account_id"))

    return answer


def many(call: Call, name: str) -> tuple[str, ...]:
    """The values of a parameter that is a list."""
    return tuple(part for value in call.lists.get(name, ()) for part in value.split(",") if part)


def ids(call: Call, name: str, *, most: int = _MOST_IDS) -> tuple[str, ...]:
    """The same of ids.

    Raises:
        Refused: 400, one is no id or there are too many.
    """
    values = many(call, name)
    if strange := [value for value in values if not value.isdecimal()]:
        raise Refused(400, 1, f"'{name}' value '{strange[0]}' must match the pattern: ^\\d+$")
    if len(values) > most:
        raise invalid(f"'{name}' must have at most {most} items")
    return values


def _page(call: Call, items: Sequence[Object]) -> dict[str, Json]:
    try:
        ordered = list(reversed(items)) if is_descending(call) else items
    except ValueError as error:
        raise invalid(f"'order' value {str(error)!r} is not one of ['ASCENDING', 'DESCENDING']") from None
    return page(call, ordered, lambda item: str(item["id"]), dict)


def _without(item: Object, name: str) -> dict[str, Json]:
    return {key: value for key, value in item.items() if key != name}
