"""What an ad account advertises with, and how that went: campaigns down to keywords, tags, catalogs, and their metrics.

Objects are as the control API puts them, in the fields of the wire; only what the schemas require is added. They end with the
process. Source: openapi.json 5.23.0, CampaignResponse, AdGroupResponse, AdResponse, Keyword, ConversionTag, Catalog.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from reconciler.model.json import Json

Object: TypeAlias = Mapping[str, Json]

TYPES: Final[Mapping[str, str]] = {
    "campaigns": "campaign",
    "ad_groups": "adgroup",
    "ads": "pinpromotion",
    "keywords": "KEYWORD",
    "conversion_tags": "",
    "conversion_tag_events": "",
    "catalogs": "",
    "catalogs_feeds": "",
    "catalogs_product_groups": "",
}
"""Collection -> what its objects say they are; "" where they do not say it."""

_REQUIRED: Final[Mapping[str, Object]] = {
    "keywords": {"match_type": "BROAD", "value": ""},
    "conversion_tags": {"name": ""},
    "catalogs": {
        "name": "",
        "catalog_type": "RETAIL",
        "created_at": "2026-03-14T15:15:22",
        "updated_at": "2026-03-14T15:15:22",
    },
}
"""Collection -> fields that the schemas require, for objects that are put without them."""

_OBJECTS: Final[Mapping[str, str]] = {
    "ADVERTISER": "AD_ACCOUNT_ID",
    "CAMPAIGN": "CAMPAIGN_ID",
    "AD_GROUP": "AD_GROUP_ID",
    "PIN_PROMOTION": "AD_ID",
    "PRODUCT_GROUP": "PRODUCT_GROUP_ID",
    "PRODUCT_ITEM": "",
}

TARGETING: Final = ("TARGETING_TYPE", "TARGETING_VALUE")
"""What metrics of targeting are told apart by."""

LEVELS: Final[Mapping[str, str]] = {
    **_OBJECTS,
    "KEYWORD": "",
    **{f"{level}_TARGETING": column for level, column in _OBJECTS.items()},
}
"""Level of metrics -> the column that names whose they are; "" where the description has none."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """How one object of *level* went on one day, written YYYY-MM-DD, in the account's ad account.

    by: what it is told apart by besides, column -> value, such as `TARGETING`.
    """

    account_id: str
    level: str
    id: str
    date: str
    values: Mapping[str, int | float]
    by: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(slots=True)
class Report:
    """A report that somebody asked for. *ready_at*, *gone_at*: Unix seconds. *fate*: the status it ends with."""

    token: str
    account_id: str
    body: Json
    ready_at: float
    gone_at: float
    fate: str

    def status(self, now: float) -> str:
        """What is told of it."""
        if now < self.ready_at:
            return "IN_PROGRESS"
        return "EXPIRED" if self.fate == "FINISHED" and now >= self.gone_at else self.fate


@dataclass(slots=True)
class Promotions:
    """All ad accounts' together. *objects*: collection -> id -> object; an object says its account itself."""

    objects: dict[str, dict[str, Object]] = field(default_factory=lambda: {name: {} for name in TYPES})
    metrics: dict[tuple[str, str, str, str, frozenset[tuple[str, str | int]]], Metrics] = field(default_factory=dict)
    reports: dict[str, Report] = field(default_factory=dict)

    def put(self, collection: str, key: str, fields: Object) -> Object:
        """Make or exchange an object.

        Raises:
            KeyError: there is no such collection.
            ValueError: it does not say its account.
        """
        if not isinstance(fields.get("ad_account_id"), str):
            raise ValueError("`ad_account_id` says whose it is")  # noqa: TRY004 - answered as all that makes no sense
        kind = TYPES[collection]
        made = {**({"type": kind} if kind else {}), "id": key, **_REQUIRED.get(collection, {}), **fields}
        self.objects[collection][key] = made
        return made

    def of(self, collection: str, account_id: str) -> list[Object]:
        """An account's objects by id, which is by age."""
        found = (item for item in self.objects[collection].values() if item["ad_account_id"] == account_id)
        return sorted(found, key=lambda item: int(str(item["id"])))

    def add_metrics(self, metrics: Metrics) -> None:
        """Say how a day went; said again, it takes the place of what was said.

        Raises:
            ValueError: a level of targeting without `TARGETING`, or another one with it.
        """
        if any((name in metrics.by) is not metrics.level.endswith("_TARGETING") for name in TARGETING):
            raise ValueError(f"`by` says {TARGETING} for levels that end in _TARGETING, and for no others")
        apart = frozenset(metrics.by.items())
        self.metrics[metrics.account_id, metrics.level, metrics.id, metrics.date, apart] = metrics

    def clear(self) -> None:
        """Nothing is advertised."""
        for items in self.objects.values():
            items.clear()
        self.metrics.clear()
        self.reports.clear()
