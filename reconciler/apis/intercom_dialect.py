"""How Intercom says no.

Source: Intercom's description 2.16, schema `error`; its page of rate limiting. There is no ``Retry-After``: ``X-RateLimit-Reset``
is the Unix second in which the next window of ten seconds begins.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import orjson

from reconciler.errors import NotFound, ProviderError, Transient
from reconciler.http.answer import Answer
from reconciler.http.dialect import Dialect
from reconciler.http.retry_after import SHORTEST_WAIT_S

_WINDOW_S: Final = 10.0
_LONGEST_S: Final = 60.0
"""A reset that is farther away than a minute is a clock that goes wrong: no window is as long."""
_SCROLL_S: Final = 60.0
"""A scroll that nobody goes on with ends after a minute."""


def code_of(answer: Answer) -> str:
    """The code of an error body, or ""."""
    try:
        body = orjson.loads(answer.body)
        code = body["errors"][0]["code"]
    except (orjson.JSONDecodeError, KeyError, IndexError, TypeError):
        return ""
    return code if isinstance(code, str) else ""


def intercom_dialect(now: Callable[[], float]) -> Dialect:
    """Intercom's dialect. *now*: the time in Unix seconds, which resets are held against."""

    def wait_s(answer: Answer) -> float | None:
        if code_of(answer) == "scroll_exists":
            return _SCROLL_S
        reset = answer.headers.get("x-ratelimit-reset", "")
        if answer.status != 429 or not reset.isdecimal():
            return None
        left_s = float(reset) - now()
        return max(SHORTEST_WAIT_S, left_s) if left_s <= _LONGEST_S else _WINDOW_S

    return Dialect(name="Intercom", wait_s=wait_s, error=_error, advice=_advice)


def _error(answer: Answer) -> type[ProviderError] | None:
    """A contact that was merged away is not there; a scroll of somebody else is over in a minute."""
    if answer.status == 410:
        return NotFound
    return Transient if code_of(answer) == "scroll_exists" else None


def _advice(answer: Answer) -> str:
    match answer.status:
        case 401:
            return (
                "look whether the token is right and of this region: one of another region is refused like a wrong one"
            )
        case 402 | 403:
            return "the app needs leave to read users and contacts, conversations, and tags; and the plan has to include the API"
        case 400 if code_of(answer) == "intercom_version_invalid":
            return "the version of the API that was asked for does not know this; choose another `api_version`"
        case 429:
            return "other apps of the workspace use up its limit, too; run again later"
        case _:
            return ""
