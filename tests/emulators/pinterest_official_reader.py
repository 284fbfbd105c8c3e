"""Runs in the environment of Pinterest's own client, not in ours: reads with it what an ad account advertises with.

Reads PINTEREST_API_URI and PINTEREST_ACCESS_TOKEN as that client does; TDR_IDS are the ids of a campaign, an ad group, an ad and
a tag, and the day, as JSON. Prints one JSON object: what the client made of each answer.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import date
from typing import Any

import urllib3
from openapi_generated.pinterest_client.api.ad_accounts_api import AdAccountsApi
from openapi_generated.pinterest_client.api.ad_groups_api import AdGroupsApi
from openapi_generated.pinterest_client.api.ads_api import AdsApi
from openapi_generated.pinterest_client.api.audiences_api import AudiencesApi
from openapi_generated.pinterest_client.api.campaigns_api import CampaignsApi
from openapi_generated.pinterest_client.model.ads_analytics_create_async_request import AdsAnalyticsCreateAsyncRequest
from openapi_generated.pinterest_client.model.ads_analytics_targeting_type import AdsAnalyticsTargetingType
from openapi_generated.pinterest_client.model.catalog import Catalog
from openapi_generated.pinterest_client.model.granularity import Granularity
from openapi_generated.pinterest_client.model.reporting_column_async import ReportingColumnAsync
from pinterest.ads.ad_groups import AdGroup
from pinterest.ads.ads import Ad
from pinterest.ads.campaigns import Campaign
from pinterest.ads.conversion_tags import ConversionTag
from pinterest.ads.keywords import Keyword
from pinterest.client import PinterestSDKClient

ACCOUNT = "549700000001"
COLUMNS = ["SPEND_IN_MICRO_DOLLAR", "ECTR"]
STATUSES = ["ACTIVE", "PAUSED", "ARCHIVED"]


def shown(item: Any, *names: str) -> dict[str, Any]:
    told = {name: getattr(item, name) for name in names}
    return {name: value if isinstance(value, int | None) else str(value) for name, value in told.items()}


def main() -> None:
    client = PinterestSDKClient.create_client_with_token(os.environ["PINTEREST_ACCESS_TOKEN"])
    PinterestSDKClient.set_default_client(client)
    ids = json.loads(os.environ["TDR_IDS"])
    day = date.fromisoformat(ids["day"])
    told: dict[str, Any] = {}

    campaign = (
        "id",
        "name",
        "status",
        "objective_type",
        "daily_spend_cap",
        "lifetime_spend_cap",
        "type",
        "updated_time",
    )
    group = (
        "id",
        "name",
        "status",
        "campaign_id",
        "bid_strategy_type",
        "lifetime_frequency_cap",
        "type",
        "updated_time",
    )
    ad = ("id", "name", "status", "ad_group_id", "pin_id", "creative_type", "review_status", "type", "updated_time")
    tag = ("id", "name", "status", "version", "enhanced_match_status")
    told["campaigns"] = [
        shown(one, *campaign) for one in Campaign.get_all(ACCOUNT, entity_statuses=STATUSES, client=client)[0]
    ]
    told["ad_groups"] = [
        shown(one, *group) for one in AdGroup.get_all(ACCOUNT, campaign_ids=[ids["campaign"], "7"], client=client)[0]
    ]
    told["ads"] = [shown(one, *ad) for one in Ad.get_all(ACCOUNT, ad_ids=[ids["ad"]], client=client)[0]]
    told["one campaign"] = shown(Campaign(ACCOUNT, ids["campaign"], client=client), *campaign)
    told["one ad group"] = shown(AdGroup(ACCOUNT, ids["ad_group"], client=client), *group)
    told["one ad"] = shown(Ad(ACCOUNT, ids["ad"], client=client), *ad)
    told["one tag"] = shown(ConversionTag(ACCOUNT, ids["tag"], client=client), *tag)
    told["conversion_tags"] = [shown(one, *tag) for one in ConversionTag.get_all(ACCOUNT, client=client)]
    events, _ = ConversionTag.get_page_visit_conversion_tag_events(ACCOUNT, client=client)
    told["events"] = [shown(one, "conversion_tag_id", "conversion_event", "created_time") for one in events]
    words, _ = Keyword.get_all(ACCOUNT, ad_group_id=ids["ad_group"], client=client)
    told["keywords"] = [shown(one, "id", "parent_id", "match_type", "value", "archived", "bid") for one in words]

    audiences = AudiencesApi(client).audiences_list(ACCOUNT, ownership_type="OWNED")
    told["audiences"] = [one["name"] for one in audiences["items"]]
    # its module for catalogs names a model that it does not have, but its model of a catalog can be asked
    answer = urllib3.PoolManager().request(
        "GET",
        f"{os.environ['PINTEREST_API_URI']}/catalogs?ad_account_id={ACCOUNT}",
        headers={"Authorization": f"Bearer {os.environ['PINTEREST_ACCESS_TOKEN']}"},
    )
    catalogs = client.deserialize(answer, ({str: ([Catalog], str, type(None))},), _check_type=True)
    told["catalogs"] = [shown(one, "id", "name", "catalog_type", "updated_at") for one in catalogs["items"]]

    asked = {"start_date": day, "end_date": day, "columns": COLUMNS, "granularity": Granularity("DAY")}
    accounts = AdAccountsApi(client)
    told["analytics"] = {
        "account": plain(accounts.ad_account_analytics(ACCOUNT, **asked)),
        "campaigns": plain(CampaignsApi(client).campaigns_analytics(ACCOUNT, campaign_ids=[ids["campaign"]], **asked)),
        "ad_groups": plain(AdGroupsApi(client).ad_groups_analytics(ACCOUNT, ad_group_ids=[ids["ad_group"]], **asked)),
        "ads": plain(AdsApi(client).ads_analytics(ACCOUNT, ad_ids=[ids["ad"]], **asked)),
    }
    types = [AdsAnalyticsTargetingType("GENDER"), AdsAnalyticsTargetingType("LOCATION")]
    targeting = accounts.ad_account_targeting_analytics_get(ACCOUNT, targeting_types=types, **asked)
    told["targeting"] = plain(targeting.data)

    report = accounts.analytics_create_report(
        ACCOUNT,
        AdsAnalyticsCreateAsyncRequest(
            start_date=ids["day"],
            end_date=ids["day"],
            granularity="DAY",
            columns=[ReportingColumnAsync(name) for name in COLUMNS],
            level="KEYWORD",
        ),
    )
    ready = accounts.analytics_get_report(ACCOUNT, report.token)
    told["report"] = [str(report.report_status), str(ready.report_status), ready.size > 0, ready.url.startswith("http")]
    json.dump(told, sys.stdout, default=str)


def plain(rows: Any) -> list[dict[str, Any]]:
    """Rows of metrics; the client has them in a model of its own, or as they came."""
    told = rows.value if hasattr(rows, "value") else rows
    return [dict(one.to_dict() if hasattr(one, "to_dict") else one) for one in told]


main()
