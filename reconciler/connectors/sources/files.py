"""Rows of files below one folder: CSV, Parquet and JSON lines.

CSV has no types and is read as text, all of it: what a sniffer makes of an id such as ``0547123`` depends on the rows that
it happens to see. Whoever puts the rows into a table casts them. Parquet and JSON keep the types they have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import orjson

from reconciler.connectors.sources.files_csv import CsvShape, csv_shape
from reconciler.connectors.sources.files_declared import DeclaredColumns, declared_columns
from reconciler.connectors.sources.files_fetched import fetch, is_meant
from reconciler.connectors.sources.files_json import json_reader
from reconciler.dataplane.buckets import SETTINGS as BUCKET_SETTINGS
from reconciler.dataplane.buckets import bucket_of
from reconciler.diagnostics import did_you_mean
from reconciler.errors import Permanent
from reconciler.model.files import FileFormat
from reconciler.model.json import Json
from reconciler.ports.buckets import Bucket, OpenBucket
from reconciler.ports.exports import Progress
from reconciler.ports.loads import LoadedRows, LoadRequest

if TYPE_CHECKING:
    import duckdb

RELATION = "files_rows"

_SETTINGS = ("type", "paths", "format", "connection", "root", "columns", "optional")
_CONNECTION = "td_authentication_id"
"""Names the connection; what it holds has been put beside it."""
_SUFFIXES: Mapping[str, FileFormat] = {
    ".csv": FileFormat.CSV,
    ".tsv": FileFormat.CSV,
    ".parquet": FileFormat.PARQUET,
    ".jsonl": FileFormat.JSONL,
    ".ndjson": FileFormat.JSONL,
}
_COMPRESSED = frozenset({".gz"})
_PARQUET = "read_parquet({files}, union_by_name = true, hive_partitioning = false)"
_CSV_LINE = re.compile(r"CSV Error on Line: (\d+)")


@dataclass(frozen=True, slots=True)
class FilesSource:
    """An `Importer` for sources of type `files`. Nothing outside *root* is read, by whatever path or link.

    open_bucket: opens buckets of object stores; None where there are none.
    """

    root: Path
    open_bucket: OpenBucket | None = None

    def read(self, request: LoadRequest, connection: duckdb.DuckDBPyConnection, progress: Progress) -> LoadedRows:
        """Make the rows of all files one relation, columns matched by name.

        Every file is read to its end once before that, so that a broken one is found before a row is loaded. The relation
        reads the files again, as a stream.

        Raises:
            Permanent: names the file, and the line where there is one; never shows what the file says.
            TdrError: the bucket that they are in cannot be reached or refuses.
        """
        bucket = bucket_of(request.source, self.open_bucket)
        if bucket is not None:
            return self._read_fetched(bucket, request, connection, progress)
        files, form = self._chosen(request.source)
        declared = declared_columns(request)
        rows = 0
        for number, file in enumerate(files, start=1):
            reader, count = self._read_through(connection, file, form, declared)
            rows += count
            declared.hold(connection, reader, self._name(file), header_lines=1 if form is FileFormat.CSV else 0)
            progress(rows, 0, f"file {number} of {len(files)} is readable: {self._name(file)}")
        parts = self._readers(connection, files, form, declared)
        readers = " UNION ALL BY NAME ".join(f"SELECT * FROM {part}" for part in parts)
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {RELATION} AS {readers}")
        return LoadedRows(RELATION)

    def _read_fetched(
        self, bucket: Bucket, request: LoadRequest, connection: duckdb.DuckDBPyConnection, progress: Progress
    ) -> LoadedRows:
        """The same of files in a bucket. What is fetched goes with the connection's own temporary files."""
        [(spills,)] = connection.execute("SELECT current_setting('temp_directory')").fetchall()
        folder = Path(spills) / "fetched"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        fetch(bucket, _patterns(request.source), folder, progress)
        source = {name: value for name, value in request.source.items() if name not in (*BUCKET_SETTINGS, _CONNECTION)}
        return FilesSource(folder).read(replace(request, source=source), connection, progress)

    def _chosen(self, source: Mapping[str, Json]) -> tuple[list[Path], FileFormat]:
        for name in source:
            if name not in _SETTINGS:
                raise Permanent(f"`{name}` is not a setting of a files source", hint=did_you_mean(name, _SETTINGS))
        folder = self._folder(source.get("root"))
        files = sorted({file for pattern in _patterns(source) for file in self._matching(folder, pattern)})
        return files, self._format(files, source.get("format"))

    def _folder(self, below: Json) -> Path:
        if below is None:
            return self.root
        if not isinstance(below, str):
            raise Permanent("`root` of a files source must be a path")
        return self._confined(self.root / below, below)

    def _matching(self, folder: Path, pattern: str) -> list[Path]:
        if PurePath(pattern).is_absolute() or ".." in PurePath(pattern).parts:
            raise Permanent(f"path {pattern!r} leaves the folder of the source", hint="write paths relative to it")
        plain = folder / pattern
        if plain.is_file():
            return [self._confined(plain, pattern)]
        if not any(sign in pattern for sign in "*?["):
            what = "is no file" if plain.exists() else "does not exist"
            raise Permanent(f"file {pattern!r} {what}", hint="paths are relative to the folder of the source")
        found = [
            self._confined(path, pattern)
            for path in folder.glob(pattern)
            if path.is_file() and is_meant(path.relative_to(folder), pattern)
        ]
        if not found:
            raise Permanent(f"no file matches {pattern!r}", hint="paths are relative to the folder of the source")
        return found

    def _confined(self, path: Path, written: str) -> Path:
        resolved = path.resolve()
        if not resolved.is_relative_to(self.root.resolve()):
            raise Permanent(f"path {written!r} leads outside the folder of the source", hint="links are followed, too")
        return resolved

    def _format(self, files: Iterable[Path], written: Json) -> FileFormat:
        if written is not None:
            if written not in {form.value for form in FileFormat}:
                known = ", ".join(f"`{form.value}`" for form in FileFormat)
                raise Permanent(f"{written!r} is not a file format", hint=f"known: {known}")
            return FileFormat(str(written))
        told = {file: _format_of(file) for file in files}
        for file, form in told.items():
            if form is None:
                raise Permanent(f"the format of `{self._name(file)}` cannot be told from its name", hint="set `format`")
        forms = {form for form in told.values() if form is not None}
        if len(forms) > 1:
            names = ", ".join(sorted(form.value for form in forms))
            raise Permanent(f"one source reads files of one format, and these are {names}", hint="make it two imports")
        return forms.pop()

    def _readers(
        self, connection: duckdb.DuckDBPyConnection, files: Sequence[Path], form: FileFormat, declared: DeclaredColumns
    ) -> list[str]:
        """SQL table functions that together read *files*; CSV files of one shape by one of them."""
        if form is FileFormat.PARQUET:
            return [_PARQUET.format(files=_literals(files))]
        if form is FileFormat.JSONL:
            return [json_reader(connection, _literals(files), declared.types)]
        by_shape: dict[CsvShape, list[Path]] = {}
        for file in files:
            by_shape.setdefault(csv_shape(file, self._name(file)), []).append(file)
        return [shape.reader(_literals(alike)) for shape, alike in by_shape.items()]

    def _read_through(
        self, connection: duckdb.DuckDBPyConnection, file: Path, form: FileFormat, declared: DeclaredColumns
    ) -> tuple[str, int]:
        """SQL that reads *file*, and the number of its rows, every value of which was read."""
        import duckdb  # noqa: PLC0415 - heavy, and only runs that move rows need it

        name = self._name(file)
        try:
            with file.open("rb"):
                pass
        except OSError as error:
            raise Permanent(f"file `{name}` cannot be read: {error.strerror}") from error
        try:
            [reader] = self._readers(connection, [file], form, declared)
            # A hash needs every value, so nothing is skipped; its result does not matter.
            found = connection.execute(f"SELECT count(*), bit_xor(hash(found)) FROM {reader} AS found").fetchone()
        except duckdb.Error as error:
            line = _json_line(file) if form is FileFormat.JSONL else _csv_line(str(error))
            where = f"`{name}`, line {line}," if line else f"`{name}`"
            raise Permanent(
                f"file {where} cannot be read as {form.value}: {type(error).__name__}",
                hint="the engine's own message is left out, for it quotes the file",
            ) from None
        return reader, int(found[0]) if found else 0

    def _name(self, file: Path) -> str:
        return file.relative_to(self.root.resolve()).as_posix()


def _patterns(source: Mapping[str, Json]) -> list[str]:
    paths = source.get("paths")
    patterns = [paths] if isinstance(paths, str) else paths
    if not isinstance(patterns, list | tuple) or not patterns or not all(isinstance(one, str) for one in patterns):
        raise Permanent("`paths` of a files source must be a list of paths or globs")
    return [str(one) for one in patterns]


def _format_of(file: Path) -> FileFormat | None:
    suffixes = [suffix.lower() for suffix in file.suffixes]
    if suffixes and suffixes[-1] in _COMPRESSED:
        suffixes.pop()
    return _SUFFIXES.get(suffixes[-1]) if suffixes else None


def _csv_line(message: str) -> int:
    found = _CSV_LINE.search(message)
    return int(found[1]) if found else 0


def _json_line(file: Path) -> int:
    """The first line that is no JSON, or 0. Asked only after a failure; the engine's own count is off by one (DuckDB 2.0)."""
    if file.suffix.lower() == ".gz":
        return 0
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                if line.strip():
                    orjson.loads(line)
            except orjson.JSONDecodeError:
                return number
    return 0


def _literals(files: Iterable[Path]) -> str:
    """*files* as an SQL list. The engine expands globs, so that signs of a glob inside a name stand in brackets."""
    quoted = (re.sub(r"[\[*?]", r"[\g<0>]", str(file)).replace("'", "''") for file in files)
    return "[" + ", ".join(f"'{name}'" for name in quoted) + "]"
