"""The log: for us, on stderr, one line an event. Never stdout, which belongs to the answer of a command."""

from __future__ import annotations

import sys
import traceback
from collections.abc import MutableMapping
from typing import Any


def logger(name: str) -> Any:
    """A logger for constant events with values as pairs. Imports structlog, so call it where something is to be said."""
    import structlog  # noqa: PLC0415 - 130 ms, and most runs log nothing

    if not structlog.is_configured():
        structlog.configure(
            processors=[
                structlog.stdlib.add_log_level,
                structlog.processors.TimeStamper("iso", utc=True),
                _where_only,
                structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
            ],
            logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
            cache_logger_on_first_use=False,
        )
    return structlog.get_logger(name)


def _where_only(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """An exception's kind and places instead of its text and variables: those may hold rows, secrets and members."""
    told = event.pop("exc_info", None)
    if told:
        error = told if isinstance(told, BaseException) else sys.exc_info()[1]
        if error is not None:
            event["error"] = type(error).__name__
            frames = traceback.extract_tb(error.__traceback__)
            event["at"] = " < ".join(f"{frame.filename}:{frame.lineno}" for frame in reversed(frames))
    return event
