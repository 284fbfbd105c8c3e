"""Rows that cannot be sent: counted by reason, listed by number, their values never kept."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

from reconciler.dataplane.reasons import REASONS, Reason

if TYPE_CHECKING:
    import pyarrow as pa

LISTED_ROWS = 10_000
"""Rows that are listed at most, those with the lowest numbers; the counts are always complete."""


class Rejections:
    """Collects rejected rows, in any order, in bounded memory."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._first_by_code: dict[int, int] = {}
        self._listed: list[tuple[int, int]] = []

    def add(self, rows: pa.Array[pa.Int64Scalar], codes: pa.Array[pa.UInt8Scalar]) -> None:
        """Take row numbers (from 1) and, for each, its reason's number (from 1)."""
        import pyarrow as pa  # noqa: PLC0415 - heavy, and only runs that move rows need it

        table = pa.table({"row": rows, "code": codes})
        for group in table.group_by("code").aggregate([("row", "count"), ("row", "min")]).to_pylist():
            code = cast("int", group["code"])
            self._counts[code] = self._counts.get(code, 0) + cast("int", group["row_count"])
            lowest = cast("int", group["row_min"])
            self._first_by_code[code] = min(lowest, self._first_by_code.get(code, lowest))
        lowest_rows = table.sort_by("row").slice(0, LISTED_ROWS)
        listed = cast("list[dict[str, int]]", lowest_rows.to_pylist())
        self._listed = sorted([*self._listed, *((one["row"], one["code"]) for one in listed)])[:LISTED_ROWS]

    @property
    def total(self) -> int:
        """Rejected rows."""
        return sum(self._counts.values())

    def counts(self) -> dict[Reason, int]:
        """Reason -> rows, the first reasons of the enumeration first."""
        return {_reason(code): self._counts[code] for code in sorted(self._counts)}

    def first_invalid(self) -> tuple[int, Reason] | None:
        """The lowest row that is a mistake, with its reason."""
        found = [(row, _reason(code)) for code, row in self._first_by_code.items() if _reason(code).is_invalid]
        return min(found, default=None)

    def save(self, path: Path) -> None:
        """Write the listed rows as JSON lines: ``{"row": 3, "reason": "empty"}``; an older file of the name is replaced."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            for row, code in self._listed:
                file.write(json.dumps({"row": row, "reason": _reason(code).value}) + "\n")


def _reason(code: int) -> Reason:
    return REASONS[code - 1]
