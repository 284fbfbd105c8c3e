"""What an export to a file may say: where it goes, and how its rows are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from reconciler.diagnostics import did_you_mean
from reconciler.errors import Permanent
from reconciler.model.files import WORD, FileFormat, PathError, form_of
from reconciler.model.json import Json

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
        return WORD.sub(lambda match: words[match[1]], self.path)


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
    try:
        form = form_of(path)
    except PathError as error:
        raise Permanent(error.what, hint=error.now) from None
    written = settings.get("format", form.format.value)
    if written != form.format.value:
        message = f"`format` is {written!r}, and the path ends like {form.format.value}"
        raise Permanent(message, hint="leave `format` out")
    place = {name: settings[name] for name in _PLACE if settings.get(name)}
    return FileSettings(path, form.format, form.compressed, place)
