"""How the embedded service hands rows to the data plane, without knowing where they go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from reconciler.model.json import Json

if TYPE_CHECKING:
    import threading

    import duckdb


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """One export of one query result.

    type: connector, such as ``pinterest``.
    settings: the result settings as written in the saved query; credentials in clear, in memory only.
    job_id: of the run; a repeated request with the same id continues instead of starting over.
    """

    type: str
    settings: Mapping[str, Json]
    job_id: str


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What came of an export. All figures count rows of the query unless said otherwise.

    rejected: reason code -> rows, such as ``{"empty": 3, "looks_like_md5": 1}``.
    sent: members sent to be added; removed: members sent to be removed.
    requests: write requests made to the vendor.
    audience_id: of the audience written to, when the destination has audiences.
    """

    rows: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    duplicates: int = 0
    sent: int = 0
    removed: int = 0
    requests: int = 0
    audience_id: str = ""


class Progress(Protocol):
    """Told now and then how far a run is."""

    def __call__(self, done: int, total: int, event: str = "") -> None:
        """*done* of *total* rows (0: not known); *event* is a line for the job's log, without members or secrets."""
        ...


class Exporter(Protocol):
    """Sends query results to vendors."""

    def check(self, request: ExportRequest, columns: Mapping[str, str]) -> None:
        """Refuse settings and columns that cannot work, before the query runs.

        columns: result column -> SQL type.

        Raises:
            Permanent: with what is wrong and what to write instead.
        """
        ...

    def export(
        self,
        request: ExportRequest,
        connection: duckdb.DuckDBPyConnection,
        progress: Progress,
        cancelled: threading.Event,
    ) -> ExportReport:
        """Send the rows of the view ``rows`` in *connection* (a connection of its own, used by this thread only).

        Raises:
            ProviderError: the export failed; what was sent is known to the ledger, so that the next run goes on rightly.
        """
        ...


@runtime_checkable
class RetriesExports(Protocol):
    """An exporter that keeps what is needed to finish a run without asking the query again."""

    def retry(self, request: ExportRequest, progress: Progress, cancelled: threading.Event) -> ExportReport:
        """Go on with the run of the request's job when it broke off, else send once more the rows that were refused in it.

        Raises:
            ProviderError: as `Exporter.export`. Permanent also when nothing is left to be done.
        """
        ...
