"""Pinterest's ways to say no.

Source: openapi.json 5.23.0, examples of error replies; codes of 404 are not published.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import JSONResponse

_RATE_LIMITED = (
    "This request exceeded a rate limit. This can happen if the client exceeds one\n"
    "of the published rate limits or if multiple write operations are applied to\n"
    "an object within a short time window."
)


class Refused(Exception):
    """The call is answered with *status* and the body ``{"code", "message"}``, and has no effect."""

    def __init__(self, status: int, code: int, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        """Hold what the client will read."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})

    def response(self) -> JSONResponse:
        """The answer."""
        body: dict[str, object] = {"code": self.code, "message": self.message}
        if self.status == HTTPStatus.UNAUTHORIZED:
            body["status"] = "failure"  # seen in 401 replies, not in the published schema
        return JSONResponse(body, self.status, self.headers)


def invalid(message: str) -> Refused:
    """400: the request does not say what it must."""
    return Refused(400, 1, f"Invalid request: {message}")


def unauthenticated() -> Refused:
    """401: no token, a wrong one, one that expired, or wrong app credentials."""
    return Refused(401, 2, "Authentication failed.")


def wrong_grant() -> Refused:
    """401 of the token endpoint: the refresh token or code is not valid (any more)."""
    return Refused(401, 283, "The authorization grant is invalid")


def missing_scope() -> Refused:
    """401: the token lacks the scope."""
    return Refused(
        401,
        3,
        "Your token does not have sufficient permissions to perform this operation. "
        "Please ensure your token is authorized with the correct set of scopes.",
    )


def forbidden() -> Refused:
    """403: the person has no role that allows this."""
    return Refused(403, 29, "You are not permitted to access that resource.")


def account_not_found() -> Refused:
    """404 of an ad account."""
    return Refused(404, 2, "AdAccount not found.")


def not_found(what: str) -> Refused:
    """404 of anything else; its text and code are not published."""
    return Refused(404, 404, f"{what} not found.")


def method_not_allowed() -> Refused:
    """405: there is no DELETE, for one."""
    return Refused(405, 5, "Method not allowed")


def too_large(limit_bytes: int) -> Refused:
    """413: no limit is published, but machines in front have one."""
    return Refused(413, 1, f"Invalid request: body is larger than {limit_bytes} bytes")


def rate_limited(headers: Mapping[str, str]) -> Refused:
    """429 with the window's headers."""
    return Refused(429, 8, _RATE_LIMITED, headers=headers)
