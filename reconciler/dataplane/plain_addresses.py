"""Nearly every row of a usual result is a plain address, and an engine that is made for such work hashes those in less time.

What it takes on is only what leaves no doubt: visible ASCII, one `@`, nothing but spaces around it. All other rows, and all
rows where the engine (the extra `datafusion`) is not installed, are for `identifiers`, which comes to the same keys.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeAlias

from reconciler.dataplane.keyfile import KEY_BYTES

if TYPE_CHECKING:
    import pyarrow as pa

PlainKeys: TypeAlias = "Callable[[pa.Array[Any]], pa.Array[Any]]"
"""From values to the key of each that is a plain address, null for every other. For any number of threads."""

# From `!` to `~` without the comma, the semicolon, the colon, angle brackets and `@`.
_VISIBLE = r"[!-+\-.-9=?A-~]"
_QUERY = f"""
    SELECT CASE WHEN regexp_like(text, '^{_VISIBLE}+@{_VISIBLE}+$') THEN sha256(text) END AS key
    FROM (SELECT lower(trim(value)) AS text FROM given)
"""


def plain_keys() -> PlainKeys | None:
    """What finds the keys of plain addresses; None where the engine is not installed."""
    return _plain_keys if find_spec("datafusion") else None


def _plain_keys(values: pa.Array[Any]) -> pa.Array[Any]:
    import pyarrow as pa  # noqa: PLC0415 - heavy, and only runs that move rows need it
    from datafusion import SessionConfig, SessionContext  # noqa: PLC0415 - as above

    # One partition, so that rows keep their order. A context of its own for each call costs less than a millisecond.
    engine = SessionContext(SessionConfig().with_target_partitions(1).with_batch_size(max(len(values), 1)))
    engine.register_record_batches("given", [[pa.record_batch({"value": values})]])
    table = pa.Table.from_batches(engine.sql(_QUERY).collect())
    return table.column(0).combine_chunks().cast(pa.binary(KEY_BYTES))
