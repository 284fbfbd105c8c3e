"""Everything that an ad account can advertise with, once each and with all that the wire has, as recorded replies have it."""

from __future__ import annotations

from typing import Any

from reconciler.emulators.remote_control import RemoteControl

OWN = "549700000001"
TODAY = "2026-09-21"  # 1790000000
CAMPAIGN, AD_GROUP, AD, TAG = "626735000001", "2680060000001", "687195000001", "2617998000001"
NOW = 1_780_000_000

OBJECTS: dict[str, dict[str, dict[str, Any]]] = {
    "campaigns": {
        CAMPAIGN: {
            "name": "Spring",
            "status": "ACTIVE",
            "objective_type": "AWARENESS",
            "summary_status": "RUNNING",
            "lifetime_spend_cap": None,
            "daily_spend_cap": 5_000_000,
            "order_line_id": None,
            "tracking_urls": {"impression": ["https://example.com/i"]},
            "start_time": NOW,
            "end_time": None,
            "is_campaign_budget_optimization": True,
            "is_flexible_daily_budgets": False,
            "is_automated_campaign": False,
            "is_performance_plus": False,
            "created_time": NOW,
            "updated_time": NOW + 1,
            "is_top_of_search": False,
        }
    },
    "ad_groups": {
        AD_GROUP: {
            "name": "Everybody",
            "status": "PAUSED",
            "campaign_id": CAMPAIGN,
            "summary_status": "PAUSED",
            "budget_in_micro_currency": None,
            "bid_in_micro_currency": 1_000_000,
            "bid_strategy_type": "MAX_BID",
            "budget_type": "DAILY",
            "billable_event": "CLICKTHROUGH",
            "targeting_spec": {"GENDER": ["female"], "LOCATION": ["US"]},
            "placement_group": "ALL",
            "pacing_delivery_type": "STANDARD",
            "lifetime_frequency_cap": -1,
            "start_time": None,
            "end_time": None,
            "auto_targeting_enabled": True,
            "feed_profile_id": "0",
            "conversion_learning_mode_type": None,
            "created_time": NOW,
            "updated_time": NOW + 2,
        }
    },
    "ads": {
        AD: {
            "name": None,
            "status": "ACTIVE",
            "ad_group_id": AD_GROUP,
            "campaign_id": CAMPAIGN,
            "pin_id": "394205773611545468",
            "creative_type": "REGULAR",
            "destination_url": "https://example.com/",
            "review_status": "APPROVED",
            "rejected_reasons": [],
            "rejection_labels": [],
            "summary_status": "APPROVED",
            "tracking_urls": None,
            "is_pin_deleted": False,
            "is_removable": False,
            "created_time": NOW,
            "updated_time": NOW + 3,
        }
    },
    "keywords": {
        str(number): {
            "parent_id": parent,
            "parent_type": "AD_GROUP",
            "match_type": "BROAD",
            "value": f"word {number}",
            "bid": None,
            "archived": False,
        }
        for number, parent in enumerate((OWN, CAMPAIGN, AD_GROUP), start=383_791)
    },
    "conversion_tags": {
        TAG: {
            "name": "Checkout",
            "status": "ACTIVE",
            "version": "3",
            "code_snippet": "<script></script>",
            "configs": {"aem_enabled": True, "md_frequency": 1},
            "enhanced_match_status": "VALIDATION_COMPLETE",
            "last_fired_time_ms": None,
        }
    },
    "conversion_tag_events": {
        "1": {"conversion_tag_id": TAG, "conversion_event": "PAGE_VISIT", "created_time": NOW},
    },
    "catalogs": {
        "864344156814": {
            "name": None,
            "catalog_type": "RETAIL",
            "created_at": "2026-03-14T15:15:22",
            "updated_at": "2026-03-14T15:16:34",
        }
    },
    "catalogs_feeds": {
        "2680059592705": {"name": "feed", "status": "ACTIVE", "format": "TSV", "updated_at": "2026-03-14T15:16:34"}
    },
    "catalogs_product_groups": {"443727193917": {"name": "shoes", "type": "MERCHANT_CREATED", "updated_at": NOW}},
}
LEVELS = {
    "ADVERTISER": OWN,
    "CAMPAIGN": CAMPAIGN,
    "AD_GROUP": AD_GROUP,
    "PIN_PROMOTION": AD,
    "PRODUCT_GROUP": "7",
    "PRODUCT_ITEM": "8",
    "KEYWORD": "9",
}


def put_everything(control: RemoteControl) -> None:
    """All of it, with metrics of today at every level, a list and its audience."""
    for collection, items in OBJECTS.items():
        for key, fields in items.items():
            control.call("PUT", f"/objects/{collection}/{key}", {"ad_account_id": OWN, **fields})
    for level, key in LEVELS.items():
        told = {"ad_account_id": OWN, "id": key, "date": TODAY, "values": {"SPEND_IN_MICRO_DOLLAR": 4, "ECTR": 0.5}}
        control.call("POST", "/metrics", {**told, "level": level})
        if level != "KEYWORD":
            for kind, value in (("GENDER", "female"), ("LOCATION", 500)):
                by = {"TARGETING_TYPE": kind, "TARGETING_VALUE": value}
                control.call("POST", "/metrics", {**told, "level": f"{level}_TARGETING", "by": by})
    made = control.call("POST", "/lists", {"ad_account_id": OWN, "name": "vip"})
    control.call("POST", "/audiences", {"ad_account_id": OWN, "name": "vip", "customer_list_id": made["id"]})
