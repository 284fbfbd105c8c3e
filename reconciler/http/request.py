"""What is asked: one frozen value per call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeAlias
from urllib.parse import quote, urlencode

import orjson

Params: TypeAlias = Mapping[str, str | Sequence[str]]
"""Query parameters; a sequence repeats its key."""


class Safety(StrEnum):
    """What sending a request a second time would do.

    READ: nothing is changed, so it is repeated freely and a lost answer loses nothing.
    IDEMPOTENT: twice is as once; repeated, but when no answer comes at all the outcome is unknown.
    ONCE: every call acts anew; repeated only where the vendor cannot have acted on it.
    """

    READ = "read"
    IDEMPOTENT = "idempotent"
    ONCE = "once"


_BY_METHOD = {  # RFC 9110, 9.2
    "GET": Safety.READ,
    "HEAD": Safety.READ,
    "OPTIONS": Safety.READ,
    "PUT": Safety.IDEMPOTENT,
    "DELETE": Safety.IDEMPOTENT,
}


@dataclass(frozen=True, slots=True)
class Request:
    """One call. *path* begins with a slash and is encoded already (see `path`); the body may hold personal data."""

    method: str
    path: str
    params: Params = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    safety: Safety = Safety.ONCE

    def with_headers(self, headers: Mapping[str, str]) -> Request:
        """The same call with *headers* besides its own."""
        return replace(self, headers={**self.headers, **headers})


def path(*segments: str) -> str:
    """Path of *segments*, each encoded as a whole: neither ``a/b`` nor ``..`` reaches another address."""
    return "".join("/" + _segment(segment) for segment in segments)


def _segment(text: str) -> str:
    # Dots need no encoding as such, but a segment of dots alone would be resolved away on the way to the server.
    return text.replace(".", "%2E") if text in {".", ".."} else quote(text, safe="")


def get(at: str, params: Params | None = None) -> Request:
    """Read *at*."""
    return Request("GET", at, params or {}, safety=Safety.READ)


def send_json(method: str, at: str, value: object, *, safety: Safety | None = None) -> Request:
    """A call with *value* as its JSON body."""
    return send_bytes(method, at, orjson.dumps(value), "application/json", safety=safety)


def send_form(method: str, at: str, fields: Params, *, safety: Safety | None = None) -> Request:
    """A call with *fields* as an HTML form would send them."""
    body = urlencode(fields, doseq=True).encode()
    return send_bytes(method, at, body, "application/x-www-form-urlencoded", safety=safety)


def send_bytes(method: str, at: str, body: bytes, content_type: str, *, safety: Safety | None = None) -> Request:
    """A call with a body made already."""
    return Request(method, at, body=body, content_type=content_type, safety=safety or safety_of(method))


def send_empty(method: str, at: str, params: Params | None = None, *, safety: Safety | None = None) -> Request:
    """A call without a body, such as a DELETE."""
    return Request(method, at, params or {}, safety=safety or safety_of(method))


def safety_of(method: str) -> Safety:
    """What HTTP itself says of *method*."""
    return _BY_METHOD.get(method, Safety.ONCE)
