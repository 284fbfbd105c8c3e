"""Keys on disk: 32 raw bytes each, one after the other, nothing else.

The position of a key is its offset divided by 32, so progress is a number, a batch is a slice, and the text that a vendor
wants is one call over a slice. A file is written once, made durable, and not changed afterwards.
"""

from __future__ import annotations

import os
from binascii import hexlify, unhexlify
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from reconciler.errors import StateError

if TYPE_CHECKING:
    import pyarrow as pa

    Keys: TypeAlias = pa.Array[Any]
    """Keys of `KEY_BYTES` each, without nulls."""

KEY_BYTES: Final = 32
"""Length of a SHA-256."""
KEYS_AT_ONCE: Final = 100_000
"""That are read where nothing else says how many."""


def keys_of(raw: bytes) -> Keys:
    """Raw keys, one after the other, as they are; not copied."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, and only runs that move rows need it

    return pa.Array.from_buffers(pa.binary(KEY_BYTES), len(raw) // KEY_BYTES, [None, pa.py_buffer(raw)])


def keys_from_hex(digests: pa.Array[Any]) -> Keys:
    """Keys of *digests* of 64 hexadecimal digits, without nulls."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, and only runs that move rows need it

    return keys_of(unhexlify(raw_keys(digests.cast(pa.binary()).cast(pa.binary(2 * KEY_BYTES)))))


def raw_keys(keys: Keys) -> memoryview:
    """*keys* one after the other; not copied. Also of longer ones than keys are."""
    buffer = keys.buffers()[1]
    width = keys.type.byte_width
    return memoryview(buffer or b"")[keys.offset * width : (keys.offset + len(keys)) * width]


@contextmanager
def written(path: Path) -> Iterator[Callable[[Keys], int]]:
    """What puts keys into the file *path* and says how many; durable when the context ends, and for its owner only.

    Its folder is made if need be.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        yield lambda keys: file.write(raw_keys(keys)) // KEY_BYTES
        file.flush()
        os.fsync(file.fileno())


def write_keys(path: Path, parts: Iterable[Keys]) -> int:
    """Write *parts* to *path* as `written` does; returns the number of keys."""
    with written(path) as write:
        return sum(write(part) for part in parts)


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
