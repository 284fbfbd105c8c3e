"""Columns of nested objects, such as ``owner.name``, in tables whose documents can declare ``owner_name`` only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.errors import TdrError


def declared_names(columns: Iterable[str], declared: Mapping[str, str]) -> dict[str, str]:
    """Column of the rows -> declared column that it goes to, for those that have the same name but for their dots.

    Rows that have a column of the declared name themselves fill that one, and the one with dots stays beside it.

    Raises:
        TdrError: two columns would go to one.
    """
    there = {name.lower() for name in columns}
    found: dict[str, str] = {}
    for name in columns:
        plain = name.lower().replace(".", "_")
        if "." not in name or plain not in declared or plain in there:
            continue
        others = [other for other, taken in found.items() if taken == plain]
        if others:
            raise TdrError(
                f"columns `{others[0]}` and `{name}` of the rows are both `{plain}` of the table",
                hint="declare neither, then each keeps its name",
            )
        found[name] = plain
    return found
