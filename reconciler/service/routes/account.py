"""The account and its one user: whoever runs the process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reconciler.service.answers import iso_text
from reconciler.service.requests import Call
from reconciler.service.routing import route

if TYPE_CHECKING:
    from reconciler.service.service import Service

_BEGINNING: Final = iso_text(0)
_USER: Final = {
    "id": 1,
    "first_name": "Local",
    "last_name": "User",
    "name": "Local User",
    "email": "local@localhost",
    "administrator": True,
    "account_owner": True,
    "created_at": _BEGINNING,
    "updated_at": _BEGINNING,
    "phone": None,
    "gravatar_url": "",
}


def server_status(_service: Service, _call: Call) -> Any:
    """A ping."""
    return {"status": "ok"}


def show_user(_service: Service, _call: Call) -> Any:
    """The user of the key."""
    return _USER


def list_users(_service: Service, _call: Call) -> Any:
    """All users."""
    return {"users": [_USER]}


def show_account(_service: Service, _call: Call) -> Any:
    """The embedded account, number 1."""
    return {
        "account": {
            "id": 1,
            "plan": 0,
            "storage_size": 0,
            "guaranteed_cores": 0,
            "maximum_cores": 0,
            "created_at": _BEGINNING,
        }
    }


def validate_key(_service: Service, _call: Call) -> Any:
    """Whether the key is good; a bad one never comes here."""
    return {"valid": True}


ROUTES = [
    route("GET", "/v3/system/server_status", server_status),
    route("GET", "/v3/user/show", show_user),
    route("GET", "/v3/user/list", list_users),
    route("GET", "/v3/account/show", show_account),
    route("GET", "/v3/user/apikey/validate", validate_key),
]
