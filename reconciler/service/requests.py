"""A request as handlers see it: decoded names, and fields whichever of three encodings they came in.

td-client-ruby sends forms, td-client-python multipart, td-client-java JSON, all to the same addresses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import orjson
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from reconciler.service.answers import ApiError, invalid

# The longest Hive query has 2,097,152 characters of up to four bytes (documented ceiling).
_LARGEST_FIELD_BYTES = 9_000_000
ARCHIVE = "archive"
"""The field that a body of gzip arrives as, in bytes."""
_PACKED = frozenset({"application/gzip", "application/x-gzip"})
_LARGEST_ARCHIVE_BYTES = 10 * 1024 * 1024
_NOT_A_DOCUMENT = "the request body is not a JSON object"


class RawPaths:
    """Route on the path as it was sent, so that a name may hold ``%2F``, ``..`` or ``%25`` and stays one segment.

    It may begin with two slashes: td-client sends that to an endpoint without one at its end, such as pytd's default.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Replace the decoded path by the raw one; `Call` decodes each segment by itself."""
        if scope["type"] == "http" and scope.get("raw_path"):
            sent = scope["raw_path"].split(b"?")[0].decode("ascii")
            scope = {**scope, "path": "/" + sent.lstrip("/")}
        await self._app(scope, receive, send)


@dataclass(frozen=True, slots=True)
class Call:
    """One request. *names* come from the path, *query* from the address, *fields* from the body."""

    names: Mapping[str, str]
    query: Mapping[str, str]
    fields: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes = field(default=b"", repr=False)
    """The body as it came, when its type says that it is no document but rows."""

    def text(self, name: str, default: str = "") -> str:
        """A field as text; absent and null are *default*."""
        value = self.fields.get(name)
        if value is None:
            return default
        if isinstance(value, str):
            return value
        return orjson.dumps(value).decode() if isinstance(value, (dict, list)) else str(value)

    def required(self, name: str) -> str:
        """A field that must be there and not empty.

        Raises:
            ApiError: 422 in the vendor's words.
        """
        value = self.text(name)
        if not value.strip(" \t\r\n"):
            raise ApiError(422, f"'{name}' parameter is required")
        return value

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number from *low* to *high*, as JSON number or as digits.

        Raises:
            ApiError: 422, naming field and range.
        """
        value = self.fields.get(name)
        return default if value is None else whole_number(name, value, low, high)

    def offset(self, name: str, default: int) -> int:
        """A position in a list, from the address; anything else is a 400."""
        text = self.query.get(name, "")
        if not text:
            return default
        if not text.isdecimal():
            raise ApiError(400, f"'{name}' must be a number, got {text!r}")
        return int(text)


def whole_number(name: str, value: object, low: int, high: int) -> int:
    """*value* as an integer between *low* and *high*, or the 422 that says what is wrong."""
    label = name.replace("_", " ").capitalize()
    text = str(value).strip()
    if isinstance(value, bool) or not text.lstrip("-").isdecimal():
        raise invalid(f"{label} is not a whole number: {text!r}")
    number = int(text)
    if not low <= number <= high:
        raise invalid(f"{label} must be between {low} and {high}, got {number}")
    return number


async def read_call(request: Request) -> Call:
    """Decode path, address and body.

    Raises:
        ApiError: 400 when the body cannot be decoded.
    """
    names = {key: unquote(value) for key, value in request.path_params.items()}
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    query, headers = dict(request.query_params), dict(request.headers)
    if media_type == "application/octet-stream":
        return Call(names, query, {}, headers, await request.body())
    return Call(names, query, await _fields(request, media_type), headers)


async def read_statement(request: Request) -> Call:
    """Decode a request whose body, if it has one, is SQL: the field `query`.

    Raises:
        ApiError: 400 when it is not UTF-8.
    """
    names = {key: unquote(value) for key, value in request.path_params.items()}
    try:
        sql = (await request.body()).decode()
    except UnicodeDecodeError as error:
        raise ApiError(400, "the request body is not UTF-8") from error
    return Call(names, dict(request.query_params), {"query": sql}, dict(request.headers))


async def _fields(request: Request, media_type: str) -> Mapping[str, Any]:
    if media_type in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        async with request.form(max_part_size=_LARGEST_FIELD_BYTES) as form:
            return {name: value for name, value in form.items() if not isinstance(value, UploadFile)}
    if media_type in _PACKED:
        return {ARCHIVE: await _bounded(request)}
    body = await request.body()
    if not body.strip():
        return {}
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ApiError(400, _NOT_A_DOCUMENT) from error
    if not isinstance(document, dict):
        raise ApiError(400, _NOT_A_DOCUMENT)
    return document


async def _bounded(request: Request) -> bytes:
    """The body, refused as soon as it is larger than any archive may be."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_ARCHIVE_BYTES:
            raise ApiError(413, f"the archive has more than {_LARGEST_ARCHIVE_BYTES:,} bytes")
    return bytes(body)
