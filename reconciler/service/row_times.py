"""Whether a column of loaded rows may say when they were: the partition time is a whole number of seconds or a timestamp.

Source: documentation of bulk loads, whose time column must be of the type long or timestamp.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reconciler.errors import TdrError
from reconciler.service.columns import TIME, told

_WHOLE: Final = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"})
_DECLARED_WHOLE: Final = frozenset({"int", "long"})


def check(time_column: str, rows: Mapping[str, str], declared: Mapping[str, str]) -> None:
    """Refuse a *time_column* that rows do not have, or that is neither long nor timestamp.

    rows: column -> DuckDB type. declared: columns that somebody declared for the table -> Treasure Data type. Files such as
    CSV have no types, so a column of text is a long where the table says so. `time` itself is one by its name.

    Raises:
        TdrError: names the columns that could be it.
    """
    wanted = time_column.lower()
    if not wanted or (wanted == TIME and TIME in map(str.lower, rows)):
        return
    found = {name.lower(): type_ for name, type_ in rows.items()}
    fitting = [name for name, type_ in rows.items() if _is_time(name.lower(), type_, declared)]
    hint = (
        f"of type long or timestamp are {', '.join(f'`{name}`' for name in fitting)}"
        if fitting
        else "none of their columns is a long or timestamp; without `time_column` the time is that of the import"
    )
    if wanted not in found:
        raise TdrError(f"`time_column` is `{time_column}`, and the rows have no such column", hint=hint)
    if not _is_time(wanted, found[wanted], declared):
        raise TdrError(
            f"`time_column` is `{time_column}`, which holds {told(found[wanted])}: the time of a row is a long or a timestamp",
            hint=hint,
        )


def _is_time(name: str, type_: str, declared: Mapping[str, str]) -> bool:
    if type_ in _WHOLE or type_.startswith(("TIMESTAMP", "DATE")):
        return True
    return type_ == "VARCHAR" and declared.get(name) in _DECLARED_WHOLE
