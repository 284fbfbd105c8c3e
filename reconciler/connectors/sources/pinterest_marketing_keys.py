"""What rows of advertising are known by: they say it, no two say the same, and a table does not get rows by two keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from reconciler.connectors.sources.pinterest_marketing_settings import PinterestMarketingSettings
from reconciler.errors import Permanent, Transient
from reconciler.model.json import Json

if TYPE_CHECKING:
    import duckdb

Row: TypeAlias = Mapping[str, Json]


def known(rows: Iterable[Row], key: Sequence[str], table: str) -> Iterator[Row]:
    """*rows*, each of which says what it is known by.

    Raises:
        Transient: one does not, so that the answer cannot be believed.
    """
    for row in rows:
        if (missing := next((name for name in key if row.get(name) is None), None)) is not None:
            raise Transient(f"Pinterest: a row of {table} has no {missing}", hint="run it again later")
        yield row


def refuse_another_key(question: Row, position: Row, settings: PinterestMarketingSettings) -> None:
    """Rows that are stored would not be known again, and stay beside those that come for the same days.

    Raises:
        Permanent: the runs before knew the rows of the same table by other columns.
    """
    own = sorted(settings.source.key)
    before, now = (key if isinstance(key := place.get("key"), list) else own for place in (position, question))
    if before != now and all(position.get(name) == question[name] for name in ("table", "ad_account_id")):
        raise Permanent(
            f"Pinterest: rows of {settings.table} were known by {', '.join(map(str, before))} so far, and with another `key`"
            " they would be there twice",
            hint="let another Import bring them into another table",
        )


def refuse_twins(connection: duckdb.DuckDBPyConnection, relation: str, key: Sequence[str], table: str) -> None:
    """Each row is told once, so that of two with the same key one would be lost.

    Raises:
        Permanent: there are two. Columns that are not there, or say nothing, are for the load to refuse.
    """
    there = {name.lower() for name in connection.sql(f"SELECT * FROM {relation} LIMIT 0").columns}
    if not {name.lower() for name in key} <= there:
        return
    columns = ['"' + name.replace('"', '""') + '"' for name in key]
    is_known = " AND ".join(f"{column} IS NOT NULL" for column in columns)
    twins = f"SELECT 1 FROM {relation} WHERE {is_known} GROUP BY {', '.join(columns)} HAVING count(*) > 1 LIMIT 1"
    if connection.execute(twins).fetchall():
        raise Permanent(
            f"Pinterest: two rows of {table} have the same {', '.join(key)}, and would become one",
            hint="name in `key` all columns that rows are known by; those that are ids of objects go into `metrics`, too",
        )
