"""From the rows of a query to the distinct keys that may travel, in a file, and what is told of all the others."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.dataplane.durable import keeping
from reconciler.dataplane.identifiers import MOST_ROWS, Screener, Verdicts, screener
from reconciler.dataplane.keyset import KeySet
from reconciler.dataplane.ordered import in_order, threads
from reconciler.dataplane.quarantine import Rejections
from reconciler.dataplane.reading import reading, unreadable
from reconciler.errors import Transient
from reconciler.model.kinds import Identifier

if TYPE_CHECKING:
    import threading

    import duckdb
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Screening:
    """What came of looking at all rows.

    rows: read. keys: distinct keys written to the key file. rejections: the rows that are not sent, with reasons.
    """

    rows: int
    keys: int
    rejections: Rejections

    @property
    def duplicates(self) -> int:
        """Valid rows beyond the first of their key."""
        return self.rows - self.keys - self.rejections.total


def screen(
    rows: duckdb.DuckDBPyConnection,
    identifier: Identifier,
    target: Path,
    cancelled: threading.Event,
    *,
    quick: bool = True,
) -> Screening:
    """Read the view ``rows`` once and write the distinct keys of its valid rows to *target*, in an order that means nothing.

    rows: connection with a view ``rows`` that has a text column named like *identifier*.
    target: in a folder for keys on their way, where a second file is made when they are many.
    quick: see `screener`.

    Raises:
        Permanent: the query behind the view failed, of which the engine's own message may quote values and is left out; or the
            disk is full.
        Transient: the run was cancelled while rows were read.
    """
    import duckdb  # noqa: PLC0415 - heavy, and only runs that move rows need it

    try:
        with (
            keeping(target.parent, "nothing was sent"),
            reading(rows, f'SELECT "{identifier.value}" AS value FROM rows', MOST_ROWS) as result,
            KeySet(target.with_suffix(".spill")) as found,
            screener(identifier, quick=quick) as looking,
            threads() as pool,
        ):
            count, rejections = _sorted_out(result.batches(), looking, found, cancelled, pool)
            if cancelled.is_set():
                raise Transient("the run was cancelled while its rows were read; nothing was sent")
            return Screening(count, found.save(target, pool), rejections)
    except duckdb.Error as error:
        raise unreadable(type(error).__name__) from None


def _sorted_out(
    batches: Iterator[pa.RecordBatch], looking: Screener, found: KeySet, cancelled: threading.Event, pool: Executor
) -> tuple[int, Rejections]:
    """Put the keys into *found*. Returns the rows that were read, and what becomes of those without a key."""
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    def look(batch: pa.RecordBatch) -> Verdicts:
        one = looking.verdicts(batch.column(0))
        for keys in one.keys:
            found.add(keys)
        return one

    count = 0
    rejections = Rejections()
    for one in in_order(pool, look, takewhile(lambda _: not cancelled.is_set(), batches)):
        if one.rejected is not None and one.codes is not None:
            rejections.add(pc.add(one.rejected, count + 1), one.codes)
        count += one.rows
    return count, rejections
