"""What came back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from reconciler.model.json import Json

_WORTH_READING_BYTES = 65_536
_TELLING_KEYS = ("message", "error_description", "error", "detail", "title", "text", "reason", "errors")
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with its whole body. Names of *headers* are found in any case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    def json(self) -> Json:
        """The body as JSON; None when the status says that there is no body.

        Raises:
            ValueError: the body is not JSON; the message shows none of it.
        """
        if self.status in {204, 205}:
            return None
        try:
            value: Json = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise ValueError(self._unlike_json()) from None
        return value

    def _unlike_json(self) -> str:
        if not self.body.strip():
            return "an empty body"
        if is_html(self.body):
            return "an HTML page"
        return "malformed or truncated JSON"


def is_html(body: bytes) -> bool:
    """Whether a page for people came instead of data: a proxy's, a login's or a maintenance page."""
    return body[:512].lstrip().lower().startswith((b"<!doctype", b"<html", b"<head", b"<body"))


def said(answer: Answer) -> str:
    """What a failed answer says, on one line: its telling fields, a page's title, or the text. Not scrubbed yet."""
    text = answer.body[:_WORTH_READING_BYTES].decode("utf-8", errors="replace")
    if is_html(answer.body):
        title = _TITLE.search(text)
        return f"an HTML page, {title[1].strip()!r}" if title else "an HTML page"
    try:
        value: Json = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return " ".join(text.split())
    return " ".join(telling(value).split())


def telling(value: Json) -> str:
    """The fields of an error body that are meant for a reader; others may echo what was sent."""
    match value:
        case str():
            return value
        case Mapping():
            parts = [telling(value[key]) for key in _TELLING_KEYS if value.get(key)]
            return "; ".join(dict.fromkeys(part for part in parts if part))
        case list() | tuple():
            return "; ".join(part for part in map(telling, value[:5]) if part)
        case _:
            return ""
