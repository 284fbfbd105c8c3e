"""What the rule of an audience must say.

Source: openapi.json 5.23.0, AudienceRule: the schema's types, which are also what recorded replies have; the prose there
quotes numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from reconciler.emulators.pinterest.refusals import invalid
from reconciler.emulators.pinterest.world import World
from reconciler.model.json import Json

AUDIENCE_TYPES = ("CUSTOMER_LIST", "VISITOR", "ENGAGEMENT", "ACTALIKE", "PERSONA")

_ID = re.compile(r"[0-9]+")
_TYPES: Mapping[str, type] = {
    "ad_account_id": str,
    "ad_id": list,
    "campaign_id": list,
    "country": str,
    "customer_list_id": str,
    "engagement_domain": list,
    "engagement_type": str,
    "engager_type": int,
    "event": str,
    "event_data": dict,
    "event_source": dict,
    "ingestion_source": dict,
    "objective_type": list,
    "percentage": int,
    "pin_id": list,
    "prefill": bool,
    "retention_days": int,
    "seed_id": list,
    "url": list,
    "visitor_source_id": str,
}
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "CUSTOMER_LIST": ("customer_list_id",),
    "VISITOR": ("visitor_source_id",),
    "ENGAGEMENT": ("engagement_domain",),
    "ACTALIKE": ("seed_id", "country", "percentage"),
}
_RANGES: Mapping[str, range] = {
    "percentage": range(1, 11),
    "retention_days": range(1, 541),
    "engager_type": range(1, 3),
}


def check(world: World, account_id: str, audience_type: str, rule: Mapping[str, Json]) -> None:
    """Check *rule* for an audience of *audience_type*.

    Raises:
        Refused: 400.
    """
    if audience_type == "PERSONA":
        raise invalid("audiences of type 'PERSONA' are made by Pinterest")
    for name in _REQUIRED[audience_type]:
        if rule.get(name) in (None, "", []):
            raise invalid(f"'rule.{name}' is required for {audience_type}")
    for name, value in rule.items():
        _check_value(name, value)
    if audience_type == "CUSTOMER_LIST":
        _check_list(world, account_id, str(rule["customer_list_id"]))


def _check_value(name: str, value: Json) -> None:
    wanted = _TYPES.get(name)
    if wanted is None:
        return  # the vendor ignores what it does not know
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise invalid(f"'rule.{name}' is not of type '{wanted.__name__}'")
    if name in _RANGES and value not in _RANGES[name]:
        raise invalid(f"'rule.{name}' must be between {_RANGES[name][0]} and {_RANGES[name][-1]} (was {value})")
    if name.endswith("_id"):
        for item in value if isinstance(value, list) else [value]:
            if not isinstance(item, str) or not _ID.fullmatch(item):
                raise invalid(f"'rule.{name}' value {item!r} must match the pattern: ^\\d+$")


def _check_list(world: World, account_id: str, list_id: str) -> None:
    found = world.lists.get(list_id)
    if found is None or found.account_id != account_id:
        raise invalid(f"customer list '{list_id}' does not exist")
    if world.knobs.small_list == "refuse":
        matched = found.members.matched(world.knobs.match_ratio)
        if matched < world.knobs.minimum_matched:
            raise invalid(f"an audience needs at least {world.knobs.minimum_matched} people, the list has {matched}")
