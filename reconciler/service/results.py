"""Rows that queries gave, kept for a while: sealed chunks of gzipped msgpack, one file a job.

A gzip file may consist of several, so the chunks in order are the vendor's `msgpack.gz`, whose size clients are told
beforehand and which they fetch in ranges; every other format is made from it while it is sent.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import re
import sqlite3
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import orjson
from starlette.responses import Response, StreamingResponse

from reconciler import durable
from reconciler.errors import TdrError
from reconciler.ports.clock import Clock
from reconciler.service.answers import ApiError
from reconciler.service.ports import Sealer
from reconciler.service.requests import Call

_LENGTH: Final = struct.Struct(">Q")
_MEDIA_TYPES: Final = {
    "json": "application/json",
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "msgpack": "application/x-msgpack",
    "msgpack.gz": "application/octet-stream",
}
_RANGE: Final = re.compile(r"bytes=(\d+)-(\d*)")
_TRUE: Final = frozenset({"true", "True", "1"})


class Results:
    """Kept results below one folder, each for *retention_s* seconds after its job ended."""

    def __init__(self, folder: Path, sealer: Sealer, clock: Clock, retention_s: float) -> None:
        """Keep them in *folder*."""
        folder.mkdir(mode=0o700, exist_ok=True)
        self._folder = folder
        self._sealer = sealer
        self._clock = clock
        self._retention_s = retention_s

    def write(self, job_id: int, batches: Iterator[Sequence[Sequence[Any]]]) -> tuple[int, int]:
        """Keep rows batch by batch and return how many rows and how many bytes of `msgpack.gz` they are."""
        import msgpack  # noqa: PLC0415 - only when a query gives rows

        rows = size = 0
        partial = self._path(job_id).with_suffix(".partial")
        try:
            # Not "xb": a killed process may have left the file, and a job has one writer, who holds its lease.
            with partial.open("wb") as file:
                partial.chmod(0o600)
                for batch in batches:
                    packed = b"".join(msgpack.packb(row, default=str) for row in batch)
                    chunk = gzip.compress(packed, 6, mtime=0)
                    sealed = self._sealer.seal(chunk)
                    file.write(_LENGTH.pack(len(sealed)) + sealed)
                    rows += len(batch)
                    size += len(chunk)
                # A job that succeeded has all its rows, after a power cut too: fewer of them could be exported.
                file.flush()
                os.fsync(file.fileno())
            now = self._clock.now()
            os.utime(partial, (now, now))
            durable.rename(partial, self._path(job_id))
        finally:
            partial.unlink(missing_ok=True)
        return rows, size

    def require(self, row: sqlite3.Row) -> None:
        """Refuse with 404 when nothing is kept of a job, and say why."""
        if row["export_job"] is not None and row["result_size"] is None:
            raise ApiError(404, f"The result of job {row['id']} was exported and is not kept")
        if row["status"] != "success":
            raise ApiError(404, f"Job {row['id']} has no result: its status is {row['status']}")
        if not self._path(row["id"]).exists():
            raise ApiError(404, f"Job {row['id']} has no result, or it is kept no longer")

    def batch(self, job_id: int, number: int) -> list[list[Any]] | None:
        """The kept rows' batch *number*, counted from 0; None behind the last."""
        return next(self.rows(job_id, number), None)

    def rows(self, job_id: int, first: int = 0) -> Iterator[list[list[Any]]]:
        """The kept rows, batch by batch, from batch *first* on."""
        import msgpack  # noqa: PLC0415 - only when rows are read

        for chunk in self._chunks(job_id, first):
            # Not a size limit of ours: the chunk is in memory already.
            unpacker = msgpack.Unpacker(raw=False, strict_map_key=False, max_buffer_size=0)
            unpacker.feed(gzip.decompress(chunk))
            yield list(unpacker)

    def response(self, row: sqlite3.Row, call: Call) -> Response:
        """The rows of a job in the format that the request asks for.

        Raises:
            ApiError: 404 when nothing is kept, 400 for an unknown format.
        """
        self.require(row)
        wanted = call.query.get("format") or "tsv"
        if wanted not in _MEDIA_TYPES:
            raise ApiError(400, f"Unknown format: {wanted!r}; use one of {', '.join(_MEDIA_TYPES)}")
        media_type = _MEDIA_TYPES[wanted]
        if wanted == "msgpack.gz":
            return self._ranged(row, call.headers.get("range", ""), media_type)
        if wanted == "msgpack":
            return StreamingResponse(
                (gzip.decompress(chunk) for chunk in self._chunks(row["id"])), media_type=media_type
            )
        names = (
            [column[0] for column in orjson.loads(row["result_schema"])] if call.query.get("header") in _TRUE else []
        )
        if wanted == "json":
            return StreamingResponse(self._json(row["id"], names), media_type=media_type)
        nullify = call.query.get("nullify_special") in _TRUE
        delimiter = "\t" if wanted == "tsv" else ","
        return StreamingResponse(self._separated(row["id"], names, delimiter, nullify), media_type=media_type)

    def remove(self, job_id: int) -> None:
        """Forget the rows of a job."""
        self._path(job_id).unlink(missing_ok=True)

    def remove_expired(self) -> None:
        """Forget every result that was kept long enough, and what killed processes left of theirs."""
        oldest = self._clock.now() - self._retention_s
        for path in (*self._folder.glob("*.rows"), *self._folder.glob("*.partial")):
            # Another process may forget it at the same time, or be done with writing it.
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < oldest:
                    path.unlink()

    def _ranged(self, row: sqlite3.Row, wanted: str, media_type: str) -> Response:
        size = row["result_size"]
        match = _RANGE.fullmatch(wanted)
        if match is None:
            headers = {"accept-ranges": "bytes", "content-length": str(size)}
            return StreamingResponse(self._chunks(row["id"]), media_type=media_type, headers=headers)
        first = int(match[1])
        last = min(int(match[2]) if match[2] else size - 1, size - 1)
        if first > last:
            raise ApiError(416, f"Range {wanted!r} is outside of {size} bytes")
        headers = {"content-range": f"bytes {first}-{last}/{size}", "content-length": str(last - first + 1)}
        return StreamingResponse(
            _slice(self._chunks(row["id"]), first, last), 206, media_type=media_type, headers=headers
        )

    def _chunks(self, job_id: int, first: int = 0) -> Iterator[bytes]:
        with self._path(job_id).open("rb") as file:
            for _ in range(first):
                header = file.read(_LENGTH.size)
                if len(header) < _LENGTH.size:
                    return
                file.seek(int.from_bytes(header, "big"), os.SEEK_CUR)
            while header := file.read(_LENGTH.size):
                length = int.from_bytes(header, "big")
                sealed = file.read(length)
                if len(header) < _LENGTH.size or len(sealed) < length:
                    raise incomplete(job_id)
                yield self._sealer.open(sealed)

    def _json(self, job_id: int, names: list[str]) -> Iterator[bytes]:
        if names:
            yield orjson.dumps(names) + b"\n"
        for batch in self.rows(job_id):
            yield b"".join(orjson.dumps(row, default=repr) + b"\n" for row in batch)

    def _separated(self, job_id: int, names: list[str], delimiter: str, nullify: bool) -> Iterator[bytes]:  # noqa: FBT001 - a request's option
        text = io.StringIO()
        writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
        if names:
            writer.writerow(names)
        for batch in self.rows(job_id):
            writer.writerows([[_cell(value, nullify) for value in row] for row in batch])
            yield _taken(text)
        yield _taken(text)

    def _path(self, job_id: int) -> Path:
        return self._folder / f"{job_id}.rows"


def incomplete(job_id: int) -> TdrError:
    """The error for rows of which some are missing."""
    return TdrError(f"the kept rows of job {job_id} are not all there", hint="run its query again")


def _taken(text: io.StringIO) -> bytes:
    taken = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return taken


def _cell(value: Any, nullify: bool) -> Any:  # noqa: FBT001 - a request's option
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, dict)):
        return orjson.dumps(value).decode()
    if isinstance(value, float) and nullify and value - value != 0:  # not a number, or infinite
        return None
    return value


def _slice(chunks: Iterator[bytes], first: int, last: int) -> Iterator[bytes]:
    position = 0
    for chunk in chunks:
        start, end = max(first - position, 0), min(last + 1 - position, len(chunk))
        if start < end:
            yield chunk[start:end]
        position += len(chunk)
        if position > last:
            return
