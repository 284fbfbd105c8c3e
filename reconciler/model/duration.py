"""How long something lasts, as people write it."""

from __future__ import annotations

import re

_WRITTEN = re.compile(r"(?P<number>\d{1,12})\s*(?P<unit>[smhd]?)", re.ASCII)
_UNITS_S = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def whole_seconds(text: str) -> int | None:
    """``90``, ``90s``, ``10m``, ``1h`` and ``2d`` in seconds; None for anything else."""
    match = _WRITTEN.fullmatch(text.strip())
    return int(match["number"]) * _UNITS_S[match["unit"]] if match else None
