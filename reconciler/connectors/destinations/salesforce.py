"""Exports to objects of Salesforce, by the result settings of Treasure Data's connector `sfdc_v2`.

What has been asked of Salesforce is on disk before its rows leave: a run that was killed finds its jobs again. `salesforce_run`
says what happens in which order, `salesforce_sending` how rows travel, `salesforce_journal` what is written down.
"""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.connectors.destinations.salesforce_desk import Desk
from reconciler.connectors.destinations.salesforce_journal import Journal
from reconciler.connectors.destinations.salesforce_run import Run, begin, judge
from reconciler.connectors.destinations.salesforce_settings import SalesforceSettings, check_columns, read_settings
from reconciler.dataplane.exporter import columns_of_rows
from reconciler.dataplane.workspace import open_workspace
from reconciler.errors import Denied, Permanent
from reconciler.ports.clock import Clock, SystemClock
from reconciler.ports.exports import ExportReport, ExportRequest, Progress

if TYPE_CHECKING:
    import duckdb

    from reconciler.apis.salesforce import Salesforce


class SalesforceDestination:
    """An `Exporter` for settings of type `sfdc_v2`.

    connect: opens the API for settings. folder: where runs under way are kept; it holds their rows until they are over.
    quarantine: folder for lists of rejected rows, one file a job; None for counts only.
    """

    def __init__(
        self,
        connect: Callable[[SalesforceSettings], Salesforce],
        folder: Path,
        *,
        quarantine: Path | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._connect = connect
        self._folder = folder
        self._quarantine = quarantine
        self._clock = clock or SystemClock()

    def check(self, request: ExportRequest, columns: Mapping[str, str]) -> None:
        """Refuse settings and columns that cannot work.

        Raises:
            Permanent: with what is wrong and what to write instead.
        """
        check_columns(read_settings(request.settings), columns)

    def export(
        self,
        request: ExportRequest,
        connection: duckdb.DuckDBPyConnection,
        progress: Progress,
        cancelled: threading.Event,
    ) -> ExportReport:
        """Send the rows of the view ``rows``, or go on with a run of the same job.

        Raises:
            ProviderError: see `Exporter.export`.
        """
        settings, columns = read_settings(request.settings), columns_of_rows(connection)
        check_columns(settings, columns)
        name = hashlib.sha256(request.job_id.encode()).hexdigest()[:32]
        journal = Journal(self._folder / "work" / name)
        if (finished := journal.finished) is not None:
            return finished
        with open_workspace() as workspace:
            desk = Desk(settings, journal, workspace, self._clock, progress, cancelled)
            if not journal.is_known:
                shutil.rmtree(journal.folder, ignore_errors=True)
                begin(desk, connection, columns)
            try:
                judge(desk, journal.rejected)
                return self._carried_out(desk, list(columns), name)
            except Permanent as error:
                if not journal.asked_anything:
                    shutil.rmtree(journal.folder, ignore_errors=True)
                elif not isinstance(error, Denied):  # once somebody is let in again, the same job goes on
                    journal.end_with(error)
                raise

    def _carried_out(self, desk: Desk, columns: list[str], name: str) -> ExportReport:
        api = self._connect(desk.settings)
        try:
            run = Run(api, desk, columns)
            try:
                report = run.carry_out()
            finally:
                if self._quarantine is not None:
                    run.list_refused(self._quarantine / f"{name}.jsonl")
        finally:
            api.close()
        desk.journal.finish(report)
        return report
