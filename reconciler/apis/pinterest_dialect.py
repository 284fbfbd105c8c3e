"""How Pinterest says no.

Source: Pinterest API v5, schema Error and its examples; rate-limit headers as recorded in July 2026.
"""

from __future__ import annotations

import re

import orjson

from reconciler.errors import Denied, ProviderError, Transient
from reconciler.http.answer import Answer, said
from reconciler.http.dialect import Dialect

MISSING_SCOPE = 3
NOT_PERMITTED = 29

_RETRY_IN_TEXT = re.compile(r"retry after (\d+(?:\.\d+)?) s", re.IGNORECASE)


def code_of(answer: Answer) -> int | None:
    """The code of an error body. One code has several meanings, so it only refines what the status says."""
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return None
    code = body.get("code") if isinstance(body, dict) else None
    return code if isinstance(code, int) else None


def wait_s(answer: Answer) -> float | None:
    """Seconds until the limit opens again: from the message, else from ``x-ratelimit-reset``.

    That header stands on every answer, but only on a 429 is it something to wait for.
    """
    if answer.status != 429:
        return None
    told = _RETRY_IN_TEXT.search(answer.body[:2000].decode("utf-8", errors="replace"))
    if told:
        return float(told[1])
    # Only the window nearest to exhaustion; more windows may follow after a comma.
    first = answer.headers.get("x-ratelimit-reset", "").partition(",")[0].strip()
    return float(first) if first.isdigit() else None


def error(answer: Answer) -> type[ProviderError] | None:
    """Denied for a missing role or scope, whatever the status; not found only in Pinterest's own words.

    A 404 in the words of something in between, or torn on its way, is no proof of absence.
    """
    if not 400 <= answer.status < 500:
        return None
    code = code_of(answer)
    if code in {MISSING_SCOPE, NOT_PERMITTED}:
        return Denied
    return Transient if answer.status == 404 and code is None else None


def advice(answer: Answer) -> str:
    """What the user can do about a refusal."""
    code = code_of(answer)
    if answer.status in {401, 403} and code == MISSING_SCOPE:
        return "authorise the app again with the scopes ads:read and ads:write"
    if answer.status in {401, 403} and code == NOT_PERMITTED:
        return "ask for the role Admin or Audience manager on the ad account"
    if answer.status == 401:
        return "authorise the app again and put the new refresh token in place of the old"
    if answer.status == 429:
        return "Pinterest limits requests per minute, and per day for trial apps; run again later"
    return ""


def is_expired(answer: Answer) -> bool:
    """Whether a fresh access token could help; it does not bring scopes or roles."""
    return answer.status == 401 and code_of(answer) not in {MISSING_SCOPE, NOT_PERMITTED}


PINTEREST = Dialect(
    name="Pinterest",
    request_id_header="x-pinterest-rid",
    said=said,
    wait_s=wait_s,
    error=error,
    advice=advice,
    is_expired=is_expired,
)
