"""Salesforce's ways to say no: a JSON list for REST and Bulk API 2.0, one object or XML for Bulk API 1.0."""

from __future__ import annotations

from xml.sax.saxutils import escape

import orjson
from starlette.responses import Response

NAMESPACE = "http://www.force.com/2009/06/asyncapi/dataload"


class Refused(Exception):
    """The call is answered with *status* and has no effect."""

    def __init__(self, status: int, code: str, message: str) -> None:
        """Hold what the client will read."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def in_rest(self) -> Response:
        """As REST and Bulk API 2.0 word it."""
        body = [{"message": self.message, "errorCode": self.code}]
        return Response(orjson.dumps(body), self.status, {"content-type": "application/json;charset=UTF-8"})

    def in_bulk(self, *, as_json: bool) -> Response:
        """As Bulk API 1.0 words it, whose content types have no charset."""
        if as_json:
            told = orjson.dumps({"exceptionCode": self.code, "exceptionMessage": self.message})
            return Response(told, self.status, {"content-type": "application/json"})
        text = (
            f'<?xml version="1.0" encoding="UTF-8"?><error xmlns="{NAMESPACE}">'
            f"<exceptionCode>{escape(self.code)}</exceptionCode>"
            f"<exceptionMessage>{escape(self.message)}</exceptionMessage></error>"
        )
        return Response(text.encode(), self.status, {"content-type": "application/xml"})


def not_found() -> Refused:
    """404: no such object, job or path."""
    return Refused(404, "NOT_FOUND", "The requested resource does not exist")


def over_budget() -> Refused:
    """403: the calls of 24 hours are used up."""
    return Refused(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")


def over_budget_in_bulk() -> Refused:
    """The same as Bulk API 1.0 words it."""
    return Refused(400, "ExceededQuota", "TotalRequests Limit exceeded.")


def no_hard_delete(code: str) -> Refused:
    """400: the user lacks a permission; *code* is the API's word for it."""
    return Refused(
        400,
        code,
        "hardDelete operation requires special user profile permission, please contact your system administrator",
    )
