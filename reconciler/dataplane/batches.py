"""Request bodies of exactly the size asked for, and one writer that sends them in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from reconciler.dataplane.keyfile import KEY_BYTES, joined_hex, key_slices

RECORD_BYTES = 65
"""A SHA-256 in hex and the comma before the next one."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Members of one request. *records* is their digests, joined by commas."""

    count: int
    records: bytes

    def halves(self) -> tuple[Batch, Batch]:
        """This batch as two; it must hold at least two members."""
        middle = self.count // 2
        cut = middle * RECORD_BYTES
        return Batch(middle, self.records[: cut - 1]), Batch(self.count - middle, self.records[cut:])


def batches(parts: Iterable[tuple[Path, int, int]], size: int) -> Iterator[Batch]:
    """Batches of *size* keys over the slices *parts* (file, first, after the last); only the last may be smaller."""
    full = size * KEY_BYTES
    gathered = b""
    for path, start, stop in parts:
        for keys in key_slices(path, start, stop, size):
            gathered += keys
            if len(gathered) >= full:
                yield _batch(gathered[:full])
                gathered = gathered[full:]
    if gathered:
        yield _batch(gathered)


def _batch(keys: bytes) -> Batch:
    return Batch(len(keys) // KEY_BYTES, joined_hex(keys))


def send_in_turn(source: Iterable[Batch], send: Callable[[Batch], None]) -> None:
    """Call *send* for one batch after the other, while the next one is made.

    The first error ends it, and is raised once the call in flight has returned; no batch after it is sent.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="upload") as sender:
        in_flight: Future[None] | None = None
        for batch in source:
            if in_flight is not None:
                in_flight.result()
            in_flight = sender.submit(send, batch)
        if in_flight is not None:
            in_flight.result()
