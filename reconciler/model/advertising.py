"""Imports of what is advertised at Pinterest, and how that went: tables as Qlik's Pinterest Marketing source has them."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from reconciler.model.spec import ConnectionName, Digits, Spec


class AdTable(StrEnum):
    """A table of the source."""

    AD_ACCOUNTS = "ad_accounts"
    AUDIENCES = "audiences"
    USER_ACCOUNT = "user_account"
    CAMPAIGNS = "campaigns"
    AD_GROUPS = "ad_groups"
    ADS = "ads"
    KEYWORDS = "keywords"
    CUSTOMER_LISTS = "customer_lists"
    CONVERSION_TAGS = "conversion_tags"
    CONVERSION_TAG_EVENTS = "conversion_tag_events"
    CATALOGS = "catalogs"
    CATALOGS_FEEDS = "catalogs_feeds"
    CATALOGS_PRODUCT_GROUPS = "catalogs_product_groups"
    AD_ACCOUNT_ANALYTICS = "ad_account_analytics"
    CAMPAIGN_ANALYTICS = "campaign_analytics"
    AD_GROUP_ANALYTICS = "ad_group_analytics"
    AD_ANALYTICS = "ad_analytics"
    TARGETING_ANALYTICS = "targeting_analytics"
    REPORT_ADVERTISER = "report_advertiser"
    REPORT_CAMPAIGN = "report_campaign"
    REPORT_AD_GROUP = "report_ad_group"
    REPORT_PIN_PROMOTION = "report_pin_promotion"
    REPORT_PRODUCT_GROUP = "report_product_group"
    REPORT_PRODUCT_ITEM = "report_product_item"
    REPORT_KEYWORD = "report_keyword"
    REPORT_ADVERTISER_TARGETING = "report_advertiser_targeting"
    REPORT_CAMPAIGN_TARGETING = "report_campaign_targeting"
    REPORT_AD_GROUP_TARGETING = "report_ad_group_targeting"
    REPORT_PIN_PROMOTION_TARGETING = "report_pin_promotion_targeting"
    REPORT_PRODUCT_GROUP_TARGETING = "report_product_group_targeting"
    REPORT_PRODUCT_ITEM_TARGETING = "report_product_item_targeting"


TIMELESS: Final = frozenset({AdTable.KEYWORDS, AdTable.CONVERSION_TAGS, AdTable.USER_ACCOUNT})
"""Tables that tell no times of changes."""
METRICS: Final = frozenset(table for table in AdTable if table.endswith("_analytics") or table.startswith("report_"))
"""Tables of metrics by day."""
TARGETED: Final = frozenset(
    {AdTable.TARGETING_ANALYTICS, *(table for table in AdTable if table.endswith("_targeting"))}
)
"""Of those the ones whose metrics are also told apart by who was reached."""


class TargetingType(StrEnum):
    """By what metrics are told apart. Source: Pinterest API v5, TargetingTypeFilter and AdsAnalyticsTargetingType."""

    KEYWORD = "KEYWORD"
    APPTYPE = "APPTYPE"
    GENDER = "GENDER"
    LOCATION = "LOCATION"
    PLACEMENT = "PLACEMENT"
    COUNTRY = "COUNTRY"
    TARGETED_INTEREST = "TARGETED_INTEREST"
    PINNER_INTEREST = "PINNER_INTEREST"
    AUDIENCE_INCLUDE = "AUDIENCE_INCLUDE"
    GEO = "GEO"
    AGE_BUCKET = "AGE_BUCKET"
    REGION = "REGION"
    AGE_BUCKET_AND_GENDER = "AGE_BUCKET_AND_GENDER"
    MEDIA_TYPE = "MEDIA_TYPE"
    AUDIENCE_MULTIPLIER = "AUDIENCE_MULTIPLIER"
    CREATIVE_ENHANCEMENTS = "CREATIVE_ENHANCEMENTS"
    LOCAL_ADS_STORE_CODE = "LOCAL_ADS_STORE_CODE"


_ONLY_IN: Final = {
    TargetingType.MEDIA_TYPE: frozenset({AdTable.REPORT_PRODUCT_ITEM_TARGETING}),
    TargetingType.AUDIENCE_MULTIPLIER: frozenset({AdTable.REPORT_CAMPAIGN_TARGETING}),
    TargetingType.CREATIVE_ENHANCEMENTS: TARGETED - {AdTable.TARGETING_ANALYTICS},
    TargetingType.LOCAL_ADS_STORE_CODE: TARGETED - {AdTable.TARGETING_ANALYTICS},
}
"""Types that only some tables know."""


class UpdateMethod(StrEnum):
    """How a run brings a table up to date."""

    CDC = "cdc"
    CHANGE_TABLES = "cdc-change-tables"
    RELOAD_AND_COMPARE = "reload-and-compare"
    FULL_LOAD = "full-load"
    RELOAD = "reload"


INCREMENTAL: Final = frozenset({UpdateMethod.CDC, UpdateMethod.CHANGE_TABLES})
"""Methods that bring what changed since the run before."""


class Asked(Spec):
    """What is asked for of the source, by whoever asks."""

    table: AdTable
    """What is read, such as campaigns or campaign_analytics."""
    method: UpdateMethod = UpdateMethod.CDC
    """cdc brings what changed, cdc-change-tables keeps it in a table of changes beside the table, reload-and-compare
    also removes what is gone, full-load and reload bring everything anew."""
    start_time: date | None = None
    """First day of changes or metrics, in UTC; left out, as far back as the vendor tells."""
    end_time: date | None = None
    """Last day of changes or metrics; left out, up to now."""
    undated: bool | None = None
    """Whether rows that tell no time come although start_time or end_time choose; yes when left out."""
    metrics: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Columns of tables of metrics; spend, impressions and clicks when left out."""
    attribution_days: Annotated[int, Field(ge=0, le=60)] | None = None
    """Days whose metrics every run reads again, for they still change; 30 when left out."""
    targeting_types: Annotated[tuple[TargetingType, ...], Field(min_length=1)] | None = None
    """For tables of targeting, which need it: by what their metrics are told apart, such as AGE_BUCKET and GENDER."""
    key: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Columns that rows of metrics are known by, where those of the table do not do."""
    apply: bool | None = None
    """For cdc-change-tables: whether changes also go to the table itself; no when left out."""
    compare: bool | None = None
    """For cdc-change-tables: whether every run reads everything, to tell of rows that are gone; no when left out."""
    change_table: Annotated[str, Field(pattern=r"^[a-z0-9_]{3,255}$")] | None = None
    """For cdc-change-tables: the table of changes; the table's name with __ct behind it when left out."""
    header_prefix: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")] | None = None
    """For cdc-change-tables: what names of the columns that tell of a change begin with; header__ when left out."""

    def contradiction(self) -> str:  # noqa: PLR0911 - one return for each rule
        """Why it cannot work, with what to write instead; "" where it can."""
        is_bounded = self.start_time is not None or self.end_time is not None
        of_metrics = self.table in METRICS
        if self.start_time and self.end_time and self.end_time < self.start_time:
            return "`end_time` is before `start_time`"
        if self.table in TIMELESS and self.method in INCREMENTAL and not self.compare:
            return (
                f"table {self.table} tells no times of changes, so `method: {self.method}` cannot find them;"
                " write reload-and-compare"
            )
        if self.table in TIMELESS and is_bounded:
            return f"table {self.table} tells no times, so `start_time` and `end_time` choose nothing"
        if self.undated is not None and (not is_bounded or of_metrics):
            return "`undated` is for rows of objects among which `start_time` or `end_time` choose"
        if self.method is UpdateMethod.RELOAD_AND_COMPARE and (is_bounded or of_metrics):
            return (
                "`method: reload-and-compare` removes rows that are not told any more, and only a part of them would be"
                f" asked for; {'write `method: cdc`' if of_metrics else 'take `start_time` and `end_time` away'}"
            )
        if not of_metrics and (self.metrics is not None or self.attribution_days is not None):
            return f"`metrics` and `attribution_days` are for tables of metrics, and {self.table} is none"
        if not of_metrics and self.key is not None:
            return f"`key` is for tables of metrics, and {self.table} is none"
        return self._contradiction_of_targeting() or self._contradiction_of_changes(is_part=is_bounded or of_metrics)

    def _contradiction_of_targeting(self) -> str:
        if self.table not in TARGETED:
            return (
                f"`targeting_types` is for tables of targeting, and {self.table} is none"
                if self.targeting_types
                else ""
            )
        if not self.targeting_types:
            return f"table {self.table} needs `targeting_types`, which say by what its metrics are told apart"
        if len(set(self.targeting_types)) < len(self.targeting_types):
            return "`targeting_types` names one of them twice"
        strange = next(
            (type_ for type_ in self.targeting_types if self.table not in _ONLY_IN.get(type_, TARGETED)), None
        )
        return (
            ""
            if strange is None
            else f"targeting type {strange} is told in {', '.join(sorted(_ONLY_IN[strange]))} only"
        )

    def _contradiction_of_changes(self, *, is_part: bool) -> str:
        names = ("apply", "compare", "change_table", "header_prefix")
        given = next((name for name in names if getattr(self, name) is not None), "")
        if given and self.method is not UpdateMethod.CHANGE_TABLES:
            return f"`{given}` is for `method: cdc-change-tables`, and this is `{self.method}`"
        if self.compare and is_part:
            return "`compare` finds rows that are gone, and only a part of the rows would be asked for; take it away"
        return ""


class AdvertisingSource(Asked):
    """Rows from an ad account at Pinterest. Embedded service only."""

    type: Literal["pinterest_marketing"]
    """Where the rows are: at Pinterest, what is advertised and how that went."""
    connection: ConnectionName
    """Name of a Connection document of type pinterest."""
    ad_account_id: Digits
    """The ad account that is read."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if message := self.contradiction():
            raise ValueError(message)
        return self
