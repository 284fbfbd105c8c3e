"""How Qlik Cloud says no: ``{"errors": [{"code", "title", "detail", "status"}], "traceId"}``. Source: its API reference."""

from __future__ import annotations

from typing import Final

import orjson

from reconciler.http.answer import Answer
from reconciler.http.dialect import Dialect


def code_of(answer: Answer) -> str:
    """The code of an error body, or ""."""
    try:
        code = orjson.loads(answer.body)["errors"][0]["code"]
    except (orjson.JSONDecodeError, KeyError, IndexError, TypeError):
        return ""
    return code if isinstance(code, str) else ""


def _advice(answer: Answer) -> str:
    match answer.status:
        case 401:
            return "the API key is wrong, has ended, or is another tenant's: make a new one in the profile settings of Qlik Cloud"
        case 403:
            return "whose key it is needs leave to edit in the space, and a role that may edit connections and data projects there"
        case 429:
            return "the tenant's limit of requests a minute is used up; run again in a minute"
        case _:
            return ""


QLIK: Final = Dialect(name="Qlik Cloud", request_id_header="traceparent", advice=_advice)
