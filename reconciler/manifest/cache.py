"""Keeps parsed trees between runs, so that files that did not change are not parsed again.

Trees are kept as they were written, before variables and secrets are put in, so the cache holds no secret. It is one file,
replaced as a whole; a damaged or missing one only costs time.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from reconciler.manifest.tree import Document

# Grows whenever the same text would give another tree or another layout.
FORMAT = 2
FILE_NAME = "trees.json"

_HEADER = b"tdr-trees %d %08x\n"
_HEADER_LENGTH = len(_HEADER % (FORMAT, 0))


class TreeCache:
    """Documents by the digest of their file's bytes; only files without any problem are kept."""

    def __init__(self, folder: Path | None) -> None:
        """Read what an earlier run left in *folder*; None keeps nothing."""
        self._file = folder / FILE_NAME if folder else None
        self._stored: Mapping[str, Any] = _read(self._file) if self._file else {}
        self._current: dict[str, Any] = {}

    def get(self, digest: str) -> tuple[Document, ...] | None:
        """The documents of the file with *digest*, if they are known."""
        stored = self._stored.get(digest)
        if stored is None:
            return None
        self._current[digest] = stored
        return tuple(Document(*kept) for kept in stored)

    def put(self, digest: str, documents: tuple[Document, ...]) -> None:
        """Keep the documents of a file."""
        self._current[digest] = [[document.text, document.line, document.interpolated] for document in documents]

    def save(self) -> None:
        """Replace what is stored by what this run used, if that differs. Failing to write is no failure."""
        if self._file is None or self._current.keys() == self._stored.keys():
            return
        body = orjson.dumps(self._current)
        with contextlib.suppress(OSError):
            replace_file(self._file, _HEADER % (FORMAT, zlib.crc32(body)) + body)


def _read(file: Path) -> Mapping[str, Any]:
    try:
        data = file.read_bytes()
    except OSError:
        return {}
    body = data[_HEADER_LENGTH:]
    if data[:_HEADER_LENGTH] != _HEADER % (FORMAT, zlib.crc32(body)):
        return {}
    try:
        stored = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return stored if isinstance(stored, dict) else {}


def replace_file(file: Path, data: bytes) -> None:
    """Put *data* in the place of *file* at once; a reader sees the old or the new.

    Not `durable.replace`: what is kept here can be worked out again, and every plan would wait for the disk. After a power
    cut the file may be empty or torn, so that whoever reads it has to notice.

    Raises:
        OSError: it cannot be written; what was there stays.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=file.name, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as temporary:
            temporary.write(data)
        Path(name).replace(file)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
