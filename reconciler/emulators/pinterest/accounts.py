"""``/ad_accounts`` and ``/user_account``."""

from __future__ import annotations

from reconciler.emulators.pinterest.call import Call
from reconciler.emulators.pinterest.objects import Account
from reconciler.emulators.pinterest.paging import page
from reconciler.emulators.pinterest.refusals import Refused, invalid
from reconciler.model.json import Json


def list_accounts(call: Call) -> dict[str, Json]:
    """GET /ad_accounts: those the person has a role in."""
    with_shared = call.query.get("include_shared_accounts", "true").lower()
    if with_shared not in {"true", "false"}:
        raise invalid(f"'include_shared_accounts' value {with_shared!r} is not a boolean")
    accounts = [
        account
        for account in sorted(call.world.accounts.values(), key=lambda account: int(account.id))
        if account.permissions and (account.is_own or with_shared == "true")
    ]
    return page(call, accounts, lambda account: account.id, Account.shown)


def get_account(call: Call) -> dict[str, Json]:
    """GET /ad_accounts/{ad_account_id}."""
    return call.world.accounts[call.account_id].shown()


def get_user_account(call: Call) -> dict[str, Json]:
    """GET /user_account: the person, or the owner of the ad account in the query."""
    account_id = call.query.get("ad_account_id")
    account = call.world.accounts.get(account_id) if account_id is not None else None
    if account_id is not None and (account is None or not account.permissions):
        raise Refused(403, 403, "Not authorized to access the user account.")
    is_own = account is None or account.is_own
    return {
        "account_type": "BUSINESS",
        "id": "549755885175" if is_own else "549755885176",
        "username": "sandbox" if is_own else "partner",
        "business_name": "Sandbox Inc." if is_own else "Partner Ltd.",
        "website_url": "",
        "profile_image": "",
        "follower_count": 0,
        "following_count": 0,
        "monthly_views": 0,
        "board_count": 0,
        "pin_count": 0,
    }
