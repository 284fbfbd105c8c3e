"""Intercom's ways to say no: ``{"type": "error.list", "request_id", "errors": [{"code", "message"}]}``."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from starlette.responses import JSONResponse


class Refused(Exception):
    """The call is answered with *status* and an error list, and has no effect."""

    def __init__(self, status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        """Hold what the client will read."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})

    def response(self) -> JSONResponse:
        """The answer."""
        errors = [{"code": self.code, "message": self.message}]
        body = {"type": "error.list", "request_id": str(uuid.uuid4()), "errors": errors}
        return JSONResponse(body, self.status, self.headers)


def unauthorized() -> Refused:
    """401: no token, or a wrong one, or one of another region."""
    return Refused(401, "unauthorized", "Access Token Invalid")


def invalid(message: str) -> Refused:
    """400: a parameter that says what nothing can be done with. The code for a forbidden operator is assumed."""
    return Refused(400, "parameter_invalid", message)


def invalid_cursor() -> Refused:
    """400 as it was seen."""
    return invalid(
        "Invalid starting_after param. Please try again using a starting_after value from a paginated response"
    )


def invalid_order(order: object) -> Refused:
    """400: an order that is none."""
    message = f"Invalid sort order '{order}'. Must be one of: ascending, descending"
    return Refused(400, "invalid_sort_order", message)


def not_found(what: str) -> Refused:
    """404."""
    return Refused(404, "not_found", f"{what} Not Found")


def scroll_exists() -> Refused:
    """400: an app has one scroll at a time."""
    return Refused(400, "scroll_exists", "scroll already exists for this app")


def scroll_gone() -> Refused:
    """404: it was idle for a minute, or is at its end."""
    return Refused(404, "not_found", "scroll parameter not found")


def merged(contact_id: str) -> Refused:
    """410 from 2.16 on: the contact is another one now."""
    headers = {"Link": f'</contacts/{contact_id}>; rel="canonical"'}
    return Refused(410, "contact_merged", "Contact has been merged", headers=headers)


def wrong_version() -> Refused:
    """400: the version does not know the resource, or there is no such version."""
    message = "Requested resource is not available in current API version."
    return Refused(400, "intercom_version_invalid", message)


def rate_limited(headers: Mapping[str, str]) -> Refused:
    """429; the text is not published."""
    return Refused(429, "rate_limit_exceeded", "Exceeded rate limit", headers=headers)
