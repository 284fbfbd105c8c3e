"""Answers of Treasure Data that are a success and do not tell what they should."""

from __future__ import annotations

import orjson

from reconciler.errors import OutcomeUnknown, Permanent, ProviderError
from reconciler.http.request import Request, Safety
from reconciler.model.json import Json
from reconciler.scrubbing import Scrubber


def unexpected(request: Request, answer: Json, wanted: str, scrubber: Scrubber) -> ProviderError:
    """The error for an *answer* without what was *wanted* of it; after a write nobody knows whether it acted."""
    shown = scrubber.excerpt(orjson.dumps(answer).decode())
    kind = Permanent if request.safety is Safety.READ else OutcomeUnknown
    return kind(f"treasure_data: {request.method} {request.path} answered without {wanted}: {shown}")
