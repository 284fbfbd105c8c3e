"""Keys on disk: 32 raw bytes each, one after the other, nothing else.

The position of a key is its offset divided by 32, so progress is a number, a batch is a slice, and the text that a vendor
wants is one call over a slice. A file is written once, made durable, and not changed afterwards.
"""

from __future__ import annotations

import os
from binascii import hexlify
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from reconciler.dataplane.workspace import ROWS_PER_BATCH
from reconciler.errors import StateError

if TYPE_CHECKING:
    from typing import TypeAlias

    import pyarrow as pa

    BinaryColumn: TypeAlias = pa.Array[pa.BinaryScalar]

KEY_BYTES = 32
"""Length of a SHA-256."""


class KeyWriter:
    """Writes a key file, and counts."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file: BinaryIO = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
        self.count = 0

    def write(self, column: BinaryColumn) -> None:
        """Append a binary Arrow column without nulls, every value 32 bytes long."""
        buffer = column.buffers()[-1]
        if buffer is None or not len(column):
            return
        start = _first_byte(column)
        self._file.write(memoryview(buffer)[start : start + len(column) * KEY_BYTES])
        self.count += len(column)

    def close(self) -> None:
        """Durable when it returns."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def discard(self) -> None:
        """Close without waiting for the disk."""
        self._file.close()


def _first_byte(column: BinaryColumn) -> int:
    """Where in the data buffer of a binary column its first value begins: 32-bit offsets, a slice may start anywhere."""
    offsets = column.buffers()[1]
    if offsets is None:
        return 0
    position = column.offset * 4
    return int.from_bytes(memoryview(offsets)[position : position + 4], "little")


def write_keys(path: Path, columns: Iterable[BinaryColumn]) -> int:
    """Write *columns* to *path*, durable; returns the number of keys."""
    writer = KeyWriter(path)
    try:
        for column in columns:
            writer.write(column)
    except BaseException:
        writer.discard()
        raise
    writer.close()
    return writer.count


def count_keys(path: Path) -> int:
    """Number of keys in *path*; 0 when there is no such file.

    Raises:
        StateError: the file was cut in the middle of a key.
    """
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return 0
    if size % KEY_BYTES:
        raise StateError(f"key file `{path.name}` is damaged", hint=f"restore {path} from a backup")
    return size // KEY_BYTES


def key_table(parts: Iterable[tuple[Path, int, int]]) -> pa.RecordBatchReader:
    """Keys of several files as one stream with the column `key`.

    parts: file, first key, key after the last one.

    Raises:
        StateError: a file is shorter than that; said now, because DuckDB would wrap what is raised while it reads.
    """
    parts = tuple(parts)
    for path, start, stop in parts:
        if start < stop and count_keys(path) < stop:
            raise _shorter(path)
    import pyarrow as pa  # noqa: PLC0415 - heavy, and only runs that move rows need it

    schema = pa.schema([("key", pa.binary(KEY_BYTES))])

    def stream() -> Iterator[pa.RecordBatch]:
        for path, start, stop in parts:
            for chunk in key_slices(path, start, stop, ROWS_PER_BATCH):
                column = pa.Array.from_buffers(
                    schema.field(0).type, len(chunk) // KEY_BYTES, [None, pa.py_buffer(chunk)]
                )
                yield pa.RecordBatch.from_arrays([column], schema=schema)

    return pa.RecordBatchReader.from_batches(schema, stream())


def key_slices(path: Path, start: int, stop: int, size: int) -> Iterator[bytes]:
    """Raw keys of *path* from *start* to before *stop*, *size* keys at a time; only the last slice may be shorter."""
    if stop <= start:
        return
    with path.open("rb") as file:
        file.seek(start * KEY_BYTES)
        for position in range(start, stop, size):
            wanted = min(size, stop - position) * KEY_BYTES
            chunk = file.read(wanted)
            if len(chunk) != wanted:
                raise _shorter(path)
            yield chunk


def _shorter(path: Path) -> StateError:
    return StateError(f"key file `{path.name}` is shorter than it was", hint=f"restore {path} from a backup")


def joined_hex(keys: bytes) -> bytes:
    """Raw keys as lower-case hex digests joined by commas: 65 bytes a key, less one."""
    return hexlify(keys, b",", KEY_BYTES)
