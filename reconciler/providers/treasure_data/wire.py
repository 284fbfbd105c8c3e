"""What Treasure Data tells, as attributes to compare: pure, and lenient where its answers are known to vary.

Two forms of time, ids as text or numbers, `presto` for `trino`, null for an empty cron, a zone at the end of a cron.
Normalising runs on both sides and never on what is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import orjson

from reconciler.errors import Permanent
from reconciler.model.json import Json
from reconciler.model.queries import Engine

Raw = Mapping[str, Json]
"""One object of an answer."""

_ENGINES: Final = {"presto": Engine.TRINO.value}
_SQL_END: Final = "; \t\r\n\f\v"


def text(value: object) -> str:
    """A value of an answer as text; "" for null."""
    return value if isinstance(value, str) else "" if value is None else str(value)


def whole(value: object) -> int:
    """A number of an answer, told as a number or as text; 0 for null and for what is no number."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return int(value)
    return int(value) if isinstance(value, str) and value.removeprefix("-").isdecimal() else 0


def unix_seconds(value: object) -> int | None:
    """``2025-03-01 09:00:00 UTC``, ``2025-03-01T09:00:00Z`` or a number, as Unix seconds; None for none."""
    if isinstance(value, int):
        return value
    if not isinstance(value, str) or not value:
        return None
    try:
        moment = datetime.fromisoformat(value.removesuffix(" UTC"))
    except ValueError:
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def comparable_sql(sql: str) -> str:
    """*sql* as it is compared: line ends as LF, nothing around it, no final semicolon. Blanks inside are meaning."""
    return sql.replace("\r\n", "\n").rstrip(_SQL_END).lstrip()


def engine(told: object) -> str:
    """The engine in our words; `presto` is Trino's old name."""
    return _ENGINES.get(name := text(told), name)


def columns(schema: object) -> list[Json]:
    """The columns in a table's `schema` (JSON text) as ``[name, type]`` or ``[name, type, alias]``.

    An alias equal to the name is none; `time` and `v` are the vendor's own.

    Raises:
        Permanent: it is not what the vendor documents.
    """
    if schema is None or schema == "":
        return []
    try:
        listed = orjson.loads(schema) if isinstance(schema, str) else schema
    except orjson.JSONDecodeError:
        listed = None
    if not isinstance(listed, list) or not all(isinstance(parts, list) and len(parts) > 1 for parts in listed):
        raise Permanent(f"treasure_data: the schema {schema!r} of a table is not a list of names and types")
    return [column(*parts[:3]) for parts in listed if parts[0] not in {"time", "v"}]


def column(name: str, kind: str, alias: str | None = None) -> list[Json]:
    """One column as it is compared and sent."""
    return [name, kind, alias] if alias and alias != name else [name, kind]


def schema(listed: Json) -> str:
    """Columns as the `schema` field wants them: JSON text."""
    return orjson.dumps(listed).decode()
