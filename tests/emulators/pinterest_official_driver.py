"""Runs in the environment of Pinterest's own client, not in ours: drives it once through everything we emulate.

Reads PINTEREST_API_URI, PINTEREST_APP_ID, PINTEREST_APP_SECRET and PINTEREST_REFRESH_ACCESS_TOKEN as that client does;
TDR_TOKEN_* are access tokens of lesser rights. Prints one JSON object: what the client made of each answer.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

import urllib3
from openapi_generated.pinterest_client.api.user_account_api import UserAccountApi
from openapi_generated.pinterest_client.exceptions import ApiException
from openapi_generated.pinterest_client.model.oauth_access_token_response import OauthAccessTokenResponse
from pinterest.ads.ad_accounts import AdAccount
from pinterest.ads.audiences import Audience
from pinterest.ads.customer_lists import CustomerList
from pinterest.client import PinterestSDKClient
from pinterest.utils.sdk_exceptions import SdkException

ACCOUNT, SHARED = "549700000001", "549700000002"


def list_shown(item: CustomerList) -> dict[str, object]:
    return {
        "id": item.id,
        "ad_account_id": item.ad_account_id,
        "name": item.name,
        "status": item.status,
        "type": item.type,
        "batches": item.num_batches,
        "uploaded": item.num_uploaded_user_records,
        "removed": item.num_removed_user_records,
        "exceptions": item.exceptions,
    }


def audience_shown(item: Audience) -> dict[str, object]:
    return {
        "id": item.id,
        "name": item.name,
        "audience_type": item.audience_type,
        "description": item.description,
        "list_id": item.rule.customer_list_id,
        "size": item.size,
        "status": item.status,
    }


def refusal(call: Callable[[], object]) -> dict[str, object]:
    try:
        call()
    except (ApiException, SdkException) as error:
        body = getattr(error, "body", None)
        code = json.loads(body)["code"] if isinstance(body, (str, bytes)) and body.lstrip()[:1] in ("{", b"{") else None
        return {"error": type(error).__name__, "status": error.status, "code": code}
    return {"error": None}


def all_pages(model: type[CustomerList | Audience], **query: Any) -> list[list[str]]:
    items, bookmark = model.get_all(ad_account_id=ACCOUNT, **query)
    pages = [[item.id for item in items]]
    while bookmark is not None:
        items, bookmark = bookmark.get_next()
        pages.append([item.id for item in items])
    return pages


def main() -> None:
    client = PinterestSDKClient.create_client_with_refresh_token(
        os.environ["PINTEREST_REFRESH_ACCESS_TOKEN"], os.environ["PINTEREST_APP_ID"], os.environ["PINTEREST_APP_SECRET"]
    )
    PinterestSDKClient.set_default_client(client)
    told = {}

    account = AdAccount(ad_account_id=ACCOUNT, client=client)
    told["account"] = {"name": account.name, "currency": str(account.currency), "country": str(account.country)}
    told["user"] = UserAccountApi(client).user_account_get().username

    created = CustomerList.create(ACCOUNT, "vip", "jane@example.com,john@example.com,", client=client)
    told["list created"] = list_shown(created)
    created.add_record("joan@example.com")
    told["list after add"] = list_shown(created)
    created.remove_record("john@example.com")
    told["list after remove"] = list_shown(created)

    audience = Audience.create(ACCOUNT, "vip", {"customer_list_id": created.id}, "CUSTOMER_LIST", "best", client=client)
    told["audience created"] = audience_shown(audience)
    audience.update_fields(name="very vip", description="better", client=client)
    told["audience updated"] = audience_shown(audience)
    told["audience read again"] = audience_shown(Audience(ACCOUNT, audience.id, client=client))

    for n in range(4):
        CustomerList.create(ACCOUNT, f"list {n}", "jane@example.com", client=client)
    told["list pages"] = all_pages(CustomerList, page_size=2, order="ASCENDING", client=client)
    told["list pages, newest first"] = all_pages(CustomerList, page_size=4, order="DESCENDING", client=client)
    told["audience pages"] = all_pages(Audience, page_size=1, client=client)

    wrong = PinterestSDKClient.create_client_with_token("pina_wrong")
    narrow = PinterestSDKClient.create_client_with_token(os.environ["TDR_TOKEN_READ"])
    told["wrong token"] = refusal(lambda: AdAccount(ad_account_id=ACCOUNT, client=wrong))
    told["scope missing"] = refusal(lambda: CustomerList.create(ACCOUNT, "x", "jane@example.com", client=narrow))
    told["role missing"] = refusal(lambda: CustomerList.create(SHARED, "x", "jane@example.com", client=client))
    told["account unknown"] = refusal(lambda: AdAccount(ad_account_id="549700000009", client=client))
    told["list unknown"] = refusal(lambda: CustomerList(ACCOUNT, "7", client=client))
    told["audience unknown"] = refusal(lambda: Audience(ACCOUNT, "7", client=client))
    told["list of no one"] = refusal(
        lambda: Audience.create(ACCOUNT, "x", {"customer_list_id": "7"}, "CUSTOMER_LIST", client=client)
    )
    told["refresh refused"] = refusal(
        lambda: PinterestSDKClient.create_client_with_refresh_token(
            "pinr.wrong", os.environ["PINTEREST_APP_ID"], os.environ["PINTEREST_APP_SECRET"]
        )
    )

    # its `oauth_token` cannot send a refresh token, but its model of the answer can be asked
    credentials = f"{os.environ['PINTEREST_APP_ID']}:{os.environ['PINTEREST_APP_SECRET']}"
    answer = urllib3.PoolManager().request(
        "POST",
        f"{os.environ['PINTEREST_API_URI']}/oauth/token",
        headers=urllib3.make_headers(basic_auth=credentials) | {"Content-Type": "application/x-www-form-urlencoded"},
        body=f"grant_type=refresh_token&refresh_token={os.environ['PINTEREST_REFRESH_ACCESS_TOKEN']}",
    )
    typed = client.deserialize(answer, (OauthAccessTokenResponse,), _check_type=True)
    told["typed refresh"] = {
        "class": type(typed).__name__,
        "expires_in": typed.expires_in,
        "scope": typed.scope,
        "refresh_token_expires_in": typed.refresh_token_expires_in,
    }
    json.dump(told, sys.stdout)


main()
