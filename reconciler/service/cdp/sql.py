"""Pieces of SQL."""

from __future__ import annotations

from reconciler.service.columns import quoted


def text(value: object) -> str:
    """*value* as a text of SQL."""
    plain = "true" if value is True else "false" if value is False else str(value)
    return "'" + plain.replace("'", "''") + "'"


def quoted_path(*names: object) -> str:
    """``"database"."table"``."""
    return ".".join(quoted(str(name)) for name in names)
