"""Telling what was sent and what came back, without bodies and parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from reconciler.logs import logger
from reconciler.model.json import Json

Trace: TypeAlias = Callable[[str, Mapping[str, Json]], None]
"""Told a constant event, such as ``request answered``, and its values."""


def log_requests() -> Trace:
    """A trace that writes debug lines."""
    log = logger("reconciler.http")

    def write(event: str, values: Mapping[str, Json]) -> None:
        log.debug(event, **dict(values))

    return write
