"""Qlik Cloud's ways to say no: ``{"errors": [{"code", "title", "detail", "status"}], "traceId"}``. Codes are assumed."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from starlette.responses import JSONResponse


class Refused(Exception):
    """The call is answered with *status* and a list of errors, and has no effect."""

    def __init__(
        self, status: int, code: str, title: str, detail: str = "", *, headers: Mapping[str, str] | None = None
    ) -> None:
        """Hold what the client will read."""
        super().__init__(title)
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.headers = dict(headers or {})

    def response(self) -> JSONResponse:
        """The answer."""
        error = {"code": self.code, "title": self.title, "detail": self.detail, "status": self.status}
        return JSONResponse({"errors": [error], "traceId": uuid.uuid4().hex}, self.status, self.headers)


def unauthorized() -> Refused:
    """401: no key, a wrong one, or one that has ended."""
    return Refused(401, "HTTP-401", "Unauthorized", "the API key or access token is not valid")


def invalid(detail: str) -> Refused:
    """400."""
    return Refused(400, "DCERROR-0010", "Bad or invalid request", detail)


def not_found(what: str) -> Refused:
    """404."""
    return Refused(404, "DCERROR-0004", "Not found", f"{what} was not found")


def taken(name: str) -> Refused:
    """409: the space has a connection of that name."""
    return Refused(409, "DCERROR-0025", "Data connection already exists", f"a connection named {name!r} exists there")


def bad_code() -> Refused:
    """400: a code that was used, that has ended, or that never was."""
    return Refused(400, "DCERROR-0031", "OAuth authentication failed", "the authentication code is not valid any more")


def rate_limited(retry_after_s: int) -> Refused:
    """429 with the seconds to wait."""
    return Refused(429, "HTTP-429", "Too many requests", headers={"Retry-After": str(retry_after_s)})
