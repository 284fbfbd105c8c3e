"""Tables of advertising at Pinterest: where their rows come from, and what they are known by.

Source: Pinterest API v5; which column tells of changes is as public importers have it, for Qlik does not publish its tables.
What the rows of a report are called and known by is not published, either: for keywords and products the id that a report has
its rows under gets a name here, and `TARGETING_TYPE` and `TARGETING_VALUE` are as public importers have them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Objects:
    """A table of objects. *name*: of the list; *cursor*: the column that tells when a row changed, "" where none does.

    of_owner: listed for the account's owner, not below the account. params: always asked for.
    """

    name: str
    key: tuple[str, ...] = ("id",)
    cursor: str = ""
    params: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    of_owner: bool = False


@dataclass(frozen=True, slots=True)
class Metrics:
    """A table of metrics by day. *of*: list with the objects, "" for the account; *parameter*: how their ids are named.

    level: of reports, where rows come from reports; "" where they are asked for at once.
    reach: days back that can be asked for, and days between first and last of one question.
    is_targeted: rows are also told apart by who was reached.
    """

    id_column: str
    of: str = ""
    parameter: str = ""
    level: str = ""
    reach: tuple[int, int] = (89, 89)
    is_targeted: bool = False

    @property
    def key(self) -> tuple[str, ...]:
        """What a row is known by."""
        return (self.id_column, "DATE", *(("TARGETING_TYPE", "TARGETING_VALUE") if self.is_targeted else ()))


_REPORT: Final = (913, 185)
_ITEMS: Final = (91, 30)
"""One less than the most that is allowed, for its day may have turned already. What is said of the level PRODUCT_ITEM is taken
to be so of its targeting, too, of which nothing is said."""
_OBJECTS: Final = {
    "ADVERTISER": "AD_ACCOUNT_ID",
    "CAMPAIGN": "CAMPAIGN_ID",
    "AD_GROUP": "AD_GROUP_ID",
    "PIN_PROMOTION": "AD_ID",
    "PRODUCT_GROUP": "PRODUCT_GROUP_ID",
    "PRODUCT_ITEM": "PRODUCT_ITEM_ID",
}
_LEVELS: Final = {
    **_OBJECTS,
    "KEYWORD": "KEYWORD_ID",
    **{f"{level}_TARGETING": column for level, column in _OBJECTS.items()},
}
"""Level of reports -> column for the id that a report has its rows under."""

_ALL: Final[Mapping[str, str | Sequence[str]]] = {
    "entity_statuses": ("ACTIVE", "PAUSED", "ARCHIVED", "DRAFT", "DELETED_DRAFT"),
    "order": "ASCENDING",
}
"""Without it archived objects are left out."""

TABLES: Final[Mapping[str, Objects | Metrics]] = {
    "ad_accounts": Objects("ad_accounts", cursor="updated_time", of_owner=True),
    "audiences": Objects("audiences", cursor="updated_timestamp"),
    "user_account": Objects("user_account", of_owner=True),
    "campaigns": Objects("campaigns", cursor="updated_time", params=_ALL),
    "ad_groups": Objects("ad_groups", cursor="updated_time", params=_ALL),
    "ads": Objects("ads", cursor="updated_time", params=_ALL),
    "keywords": Objects("keywords"),
    "customer_lists": Objects("customer_lists", cursor="updated_time"),
    "conversion_tags": Objects("conversion_tags"),
    "conversion_tag_events": Objects(
        "conversion_tags/page_visit", ("conversion_tag_id", "conversion_event"), cursor="created_time"
    ),
    "catalogs": Objects("catalogs", cursor="updated_at", of_owner=True),
    "catalogs_feeds": Objects("catalogs/feeds", cursor="updated_at", of_owner=True),
    "catalogs_product_groups": Objects("catalogs/product_groups", cursor="updated_at", of_owner=True),
    "ad_account_analytics": Metrics("AD_ACCOUNT_ID"),
    "campaign_analytics": Metrics("CAMPAIGN_ID", "campaigns", "campaign_ids"),
    "ad_group_analytics": Metrics("AD_GROUP_ID", "ad_groups", "ad_group_ids"),
    "ad_analytics": Metrics("AD_ID", "ads", "ad_ids"),
    "targeting_analytics": Metrics("AD_ACCOUNT_ID", is_targeted=True),
    **{
        f"report_{level.lower()}": Metrics(
            column,
            level=level,
            reach=_ITEMS if "ITEM" in level else _REPORT,
            is_targeted=level.endswith("_TARGETING"),
        )
        for level, column in _LEVELS.items()
    },
}
