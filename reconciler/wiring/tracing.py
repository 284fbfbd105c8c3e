"""Whether requests are written to the log."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.errors import UsageError
from reconciler.http.trace import Trace, log_requests

VARIABLE = "TDR_LOG"


def trace_of(environ: Mapping[str, str]) -> Trace | None:
    """With `TDR_LOG=debug`, a line on stderr for every request: method, path, status and duration; no bodies.

    Raises:
        UsageError: `TDR_LOG` is something else.
    """
    level = environ.get(VARIABLE, "")
    if level not in {"", "debug"}:
        raise UsageError(f"{VARIABLE}={level!r} is no level", hint="write debug, or nothing")
    return log_requests() if level else None
