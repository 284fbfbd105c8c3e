"""What an export to a file may say: where it goes, and how its rows are written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Final

from reconciler.diagnostics import did_you_mean
from reconciler.errors import Permanent
from reconciler.model.imports import FileFormat
from reconciler.model.json import Json

_SUFFIXES: Final[Mapping[str, FileFormat]] = {
    ".csv": FileFormat.CSV,
    ".jsonl": FileFormat.JSONL,
    ".ndjson": FileFormat.JSONL,
    ".parquet": FileFormat.PARQUET,
}
_OWN: Final = ("path", "format")
_PLACE: Final = (
    "root",
    "bucket",
    "prefix",
    "region",
    "endpoint",
    "access_key_id",
    "secret_access_key",
    "session_token",
)
_WORD: Final = re.compile(r"\{([^{}]*)\}")
_WORDS: Final = ("date", "job_id")


@dataclass(frozen=True, slots=True)
class FileSettings:
    """path: below the connection's place, words such as ``{date}`` in it. compressed: with gzip."""

    path: str
    format: FileFormat
    compressed: bool
    place: Mapping[str, Json]

    def path_of(self, job_id: str, now: float) -> str:
        """The path of a run. *now*: Unix seconds."""
        words = {"date": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d"), "job_id": job_id}
        return _WORD.sub(lambda match: words[match[1]], self.path)


def read_settings(settings: Mapping[str, Json]) -> FileSettings:
    """Settings as written, those of the connection among them.

    Raises:
        Permanent: says which one cannot be, and what to write instead.
    """
    for name in settings:
        if name not in (*_OWN, *_PLACE):
            raise Permanent(f"`{name}` is not a setting of an export to a file", hint=did_you_mean(name, _OWN))
    path = settings.get("path")
    if not isinstance(path, str) or not path.strip():
        raise Permanent(
            "`path` of the export to a file is missing",
            hint="write one such as `path: buyers/{date}.csv` in its settings",
        )
    parts = PurePosixPath(path).parts
    if path.startswith("/") or ".." in parts or "\\" in path or not path.isprintable():
        raise Permanent(
            f"path {path!r} leaves the place of the export", hint="write a path relative to the connection's"
        )
    for word in _WORD.findall(path):
        if word not in _WORDS:
            known = ", ".join(f"`{{{name}}}`" for name in _WORDS)
            raise Permanent(f"`{{{word}}}` in `path` stands for nothing", hint=f"known: {known}")
    suffixes = [suffix.lower() for suffix in PurePosixPath(path).suffixes]
    compressed = bool(suffixes) and suffixes[-1] == ".gz"
    told = _SUFFIXES.get(suffixes[-2 if compressed else -1]) if len(suffixes) > compressed else None
    # The name must say it: no export can take the place of a manifest, or of any other file that is no data.
    if told is None:
        known = ", ".join(f"`{suffix}`" for suffix in _SUFFIXES)
        raise Permanent(f"path {path!r} does not say how its rows are written", hint=f"let it end in one of {known}")
    written = settings.get("format", told.value)
    if written != told.value:
        raise Permanent(f"`format` is {written!r}, and the path ends like {told.value}", hint="leave `format` out")
    if compressed and told is FileFormat.PARQUET:
        raise Permanent("Parquet is compressed by itself", hint="let the path end in `.parquet`")
    return FileSettings(path, told, compressed, {name: settings[name] for name in _PLACE if settings.get(name)})
