"""Nearly every value of a usual result leaves no doubt, and an engine that is made for such work takes those on in less time.

It takes on addresses of visible ASCII with one `@`, and digests, with nothing but spaces around them. All other rows, and all
rows where the engine (the extra `datafusion`) is not installed, are for `identifiers`, which comes to the same keys.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeAlias

from reconciler.dataplane.keyfile import KEY_BYTES, keys_from_hex

if TYPE_CHECKING:
    import pyarrow as pa

    from reconciler.dataplane.keyfile import Keys

PlainKeys: TypeAlias = "Callable[[pa.Array[Any]], tuple[list[Keys], pa.Array[Any]]]"
"""From values to the keys of those that leave no doubt, and the places of all others, from 0. For any number of threads."""

# From `!` to `~` without the comma, the semicolon, the colon, angle brackets and `@`.
_VISIBLE = r"[!-+\-.-9=?A-~]"
_ADDRESS = f"^{_VISIBLE}+@{_VISIBLE}+$"


def plain_keys(*, addresses: bool, doubtful: Collection[str]) -> PlainKeys | None:
    """What finds the keys of plain values; None where the engine is not installed.

    addresses: whether addresses are taken on, or digests only.
    doubtful: digests that are not.
    """
    if find_spec("datafusion") is None:
        return None
    left_alone = ", ".join(f"'{digest}'" for digest in doubtful)
    query = f"""
        SELECT CASE WHEN is_address THEN sha256(text) END AS hashed,
            CASE WHEN is_address THEN NULL
                 WHEN regexp_like(text, '^[0-9a-f]{{64}}$') AND text NOT IN ({left_alone}) THEN text END AS digest
        FROM (SELECT text, {f"regexp_like(text, '{_ADDRESS}')" if addresses else "FALSE"} AS is_address
              FROM (SELECT lower(trim(value)) AS text FROM given))
    """
    return partial(_plain_keys, query)


def _plain_keys(query: str, values: pa.Array[Any]) -> tuple[list[Keys], pa.Array[Any]]:
    import pyarrow as pa  # noqa: PLC0415 - heavy, and only runs that move rows need it
    import pyarrow.compute as pc  # noqa: PLC0415 - as above
    from datafusion import SessionConfig, SessionContext  # noqa: PLC0415 - as above

    # One partition, so that rows keep their order. A context of its own for each call costs less than a millisecond.
    engine = SessionContext(SessionConfig().with_target_partitions(1).with_batch_size(max(len(values), 1)))
    engine.register_record_batches("given", [[pa.record_batch({"value": values})]])
    hashed, digests = (column.combine_chunks() for column in pa.Table.from_batches(engine.sql(query).collect()).columns)
    keys: list[Keys] = [hashed.drop_null().cast(pa.binary(KEY_BYTES)), keys_from_hex(digests.drop_null())]
    return keys, pc.indices_nonzero(pc.and_(hashed.is_null(), digests.is_null()))
