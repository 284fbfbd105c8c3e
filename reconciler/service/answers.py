"""Answers in the vendor's shapes: errors, time stamps, JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import orjson
from starlette.responses import Response

JSON: Final = "application/json"


class ApiError(Exception):
    """An answer that is an error. *details* go into the body, such as ``{"conflicts_with": "12"}``."""

    media_type = JSON

    def __init__(self, status: int, message: str, details: dict[str, str] | None = None) -> None:
        """Hold the status and the sentence the client will show."""
        super().__init__(message)
        self.status = status
        self.message = message
        self.details = details

    def body(self) -> dict[str, Any]:
        """What oas-v3 calls `ErrorResponse`; other families of addresses have shapes of their own."""
        told: dict[str, Any] = {
            "error": self.message,
            "message": self.message,
            "text": self.message,
            "severity": "error",
            "status_code": self.status,
        }
        return told | ({"details": self.details} if self.details else {})


def not_found(record: str, **keys: object) -> ApiError:
    """404 in the vendor's words: ``Couldn't find UserDatabase with name = x``. Source: td-client-java tests."""
    wanted = ", ".join(f"{name} = {value}" for name, value in keys.items())
    return ApiError(404, f"Couldn't find {record} with {wanted}")


def invalid(message: str) -> ApiError:
    """422 in the vendor's words: ``Validation failed: …``."""
    return ApiError(422, f"Validation failed: {message}")


def error_response(error: ApiError) -> Response:
    """*error* in the shape of the addresses that it comes from."""
    return json_response(error.body(), error.status, error.media_type)


def json_response(body: object, status: int = 200, media_type: str = JSON) -> Response:
    """*body* as compact JSON."""
    return Response(orjson.dumps(body), status, media_type=media_type)


def utc_text(unix_s: float | None) -> str | None:
    """``2025-03-01 09:00:00 UTC``, the form of databases, tables and jobs."""
    return None if unix_s is None else datetime.fromtimestamp(int(unix_s), UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def iso_text(unix_s: float | None) -> str | None:
    """``2025-03-01T09:00:00Z``, the form of saved queries and users."""
    return None if unix_s is None else datetime.fromtimestamp(int(unix_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
