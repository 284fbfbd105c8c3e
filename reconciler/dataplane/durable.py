"""Small documents that survive a kill: on disk and complete, or not there at all."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import orjson

from reconciler import durable
from reconciler.errors import Permanent, StateError
from reconciler.model.json import Json


def write_document(path: Path, document: Mapping[str, Json]) -> None:
    """Replace *path* by *document*; durable when it returns, readable by its owner only."""
    write_bytes(path, orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def write_bytes(path: Path, content: bytes) -> None:
    """Replace *path* by *content*; durable when it returns, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    durable.replace(path, content)


def read_document(path: Path) -> dict[str, Json] | None:
    """What `write_document` wrote, or None when nothing is there.

    Raises:
        StateError: the file is there and is not a document of ours.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise StateError(f"`{path.name}` is damaged", hint=f"restore {path} from a backup, or move it away") from error
    if not isinstance(document, dict):
        raise StateError(f"`{path.name}` is not a document", hint=f"restore {path} from a backup, or move it away")
    return cast("dict[str, Json]", document)


@contextmanager
def keeping(folder: Path, so_far: str) -> Iterator[None]:
    """While inside, what is to be sent is put down in *folder*. *so_far*: what was sent by then, in words.

    Raises:
        Permanent: the disk refuses.
    """
    try:
        yield
    except OSError as error:
        match error.errno:
            case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
                now = "make room there, 64 bytes a row"
            case errno.EACCES | errno.EPERM | errno.EROFS:
                now = "let this user write there"
            case _:
                now = "see what the disk has"
        raise Permanent(
            f"what is to be sent cannot be kept in {folder}: {error.strerror or type(error).__name__}",
            hint=f"{so_far}; {now}, and run it again",
        ) from error
