"""The body of an answer, unpacked as it arrives, and never more of it in memory than an answer may have."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from reconciler.errors import UsageError

if TYPE_CHECKING:
    import httpx

VARIABLE: Final = "TDR_MAX_ANSWER_MIB"
MIB: Final = 2**20
_USUAL_MIB: Final = 256
"""Far more than any vendor sends at once to who reads in pages; a machine of a pipeline holds it."""
ASKED_FOR: Final = "gzip, deflate"
"""How a body may be packed. These grow at most a thousandfold, so that 64 KiB, which are read at once, stay below 64 MiB."""
_UNPACKED_BY_HTTPX: Final = frozenset({"gzip", "deflate", "br", "zstd"})


class NotAskedForError(Exception):
    """A body is packed twice, or in a way that was not asked for: a few bytes of it could become as many as fit nowhere."""


class TooLongError(Exception):
    """A body goes on beyond what an answer may have."""


def most_bytes(environ: Mapping[str, str] = os.environ) -> int:
    """How many bytes an answer may have that is read as a whole, unpacked.

    Raises:
        UsageError: the variable for it is no number of MiB.
    """
    text = environ.get(VARIABLE) or str(_USUAL_MIB)
    if not text.isascii() or not text.isdecimal() or int(text) == 0:
        raise UsageError(f"{VARIABLE}={text!r} is no number of MiB", hint=f"write a whole number, such as {_USUAL_MIB}")
    return int(text) * MIB


def pieces(response: httpx.Response) -> Iterator[bytes]:
    """The body as it arrives.

    Raises:
        NotAskedForError: it is packed otherwise than asked for.
        httpx.HTTPError: the connection broke on the way, or it cannot be unpacked.
    """
    packed = [one.strip().lower() for one in response.headers.get("content-encoding", "").split(",")]
    unpacked = [one for one in packed if one in _UNPACKED_BY_HTTPX]
    if len(unpacked) > 1 or not set(unpacked) <= set(ASKED_FOR.split(", ")):
        raise NotAskedForError(", ".join(unpacked))
    yield from response.iter_bytes()


def whole(response: httpx.Response, most_bytes: int) -> bytes:
    """All of the body.

    Raises:
        TooLongError: it has more than *most_bytes*; no more than that was kept, and the rest is not waited for.
        NotAskedForError, httpx.HTTPError: see `pieces`.
    """
    read, size_bytes = [], 0
    for piece in pieces(response):
        size_bytes += len(piece)
        if size_bytes > most_bytes:
            raise TooLongError
        read.append(piece)
    return b"".join(read)
