"""Query results as files: whole or not at all, below one folder or in a bucket.

A file is written beside its place and takes it in one step, so that nobody ever reads half of one, and the file of an earlier
run stays until the new one is there. A run that is repeated with the same job writes the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.connectors.destinations import files_staging
from reconciler.connectors.destinations.files_settings import FileSettings, read_settings
from reconciler.connectors.destinations.files_writing import write_rows
from reconciler.dataplane.buckets import bucket_of
from reconciler.errors import Interrupted, Permanent
from reconciler.ports.buckets import OpenBucket
from reconciler.ports.clock import Clock
from reconciler.ports.exports import ExportReport, ExportRequest, Progress

if TYPE_CHECKING:
    import threading

    import duckdb


@dataclass(frozen=True, slots=True)
class FilesDestination:
    """An `Exporter` for exports of type `files`. Nothing outside *root* is written, by whatever path or link.

    open_bucket: opens buckets of object stores; None where there are none.
    """

    root: Path
    clock: Clock
    open_bucket: OpenBucket | None = None

    def check(self, request: ExportRequest, columns: Mapping[str, str]) -> None:
        """Refuse settings that cannot work, and results without columns.

        Raises:
            Permanent: with what is wrong and what to write instead.
        """
        settings = read_settings(request.settings)
        if not columns:
            raise Permanent("the query returns no columns to write")
        if bucket_of(settings.place, self.open_bucket) is None:
            self._target(settings, request)

    def export(
        self,
        request: ExportRequest,
        connection: duckdb.DuckDBPyConnection,
        progress: Progress,
        cancelled: threading.Event,
    ) -> ExportReport:
        """Write the rows of the view ``rows`` in *connection* to their file.

        Raises:
            Permanent: the file cannot be written; the one that was there stays.
            Interrupted: it was to stop; likewise.
            TdrError: the bucket cannot be reached or refuses.
        """
        settings = read_settings(request.settings)
        [(total,)] = connection.execute("SELECT count(*) FROM rows").fetchall()
        bucket = bucket_of(settings.place, self.open_bucket)
        if bucket is None:
            target, named = self._target(settings, request)
            where = f"file `{named}`"
        else:
            named = settings.path_of(request.job_id, self.clock.now())
            # What does not fit into memory goes there, too, and whoever comes next removes it when this process dies.
            [(spills,)] = connection.execute("SELECT current_setting('temp_directory')").fetchall()
            target = Path(spills) / f"export-{request.job_id}"
            where = f"file `{named}` for {bucket.where}"

        def written(rows: int) -> None:
            if cancelled.is_set():
                raise Interrupted("the export was stopped before its file was whole", hint="run it again")
            progress(rows, total)

        try:
            files_staging.make_folder(target.parent)
            if bucket is None:
                files_staging.confined(self.root, target, named)  # its folder may have become a link
            with files_staging.part_of(target, request.job_id) as part:
                rows = write_rows(connection, part.path, settings.format, written, compressed=settings.compressed)
                if bucket is None:
                    part.take_place(target)
                else:
                    bucket.store(part.path, named)
        except OSError as error:
            raise files_staging.refused(where, target.parent, error) from error
        progress(rows, total, f"wrote {rows} rows to {named}" + (f" in {bucket.where}" if bucket else ""))
        return ExportReport(rows=rows, sent=rows, requests=1)

    def _target(self, settings: FileSettings, request: ExportRequest) -> tuple[Path, str]:
        """The file, and what to call it in messages."""
        named = settings.path_of(request.job_id, self.clock.now())
        return files_staging.below(self.root, settings.place.get("root", "."), named), named
