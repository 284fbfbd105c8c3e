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

from reconciler.connectors.destinations.salesforce_ahead import look_ahead
from reconciler.connectors.destinations.salesforce_desk import Desk
from reconciler.connectors.destinations.salesforce_journal import Journal
from reconciler.connectors.destinations.salesforce_others import alone, readable_siblings
from reconciler.connectors.destinations.salesforce_run import Run, begin, begin_again, judge, staged_by
from reconciler.connectors.destinations.salesforce_settings import (
    SalesforceSettings,
    check_columns,
    read_settings,
    spelled_as_key,
)
from reconciler.dataplane.exporter import columns_of_rows
from reconciler.dataplane.workspace import open_workspace
from reconciler.errors import Denied, Permanent
from reconciler.ports.clock import Clock, SystemClock
from reconciler.ports.exports import ExportReport, ExportRequest, Progress

if TYPE_CHECKING:
    import duckdb

    from reconciler.apis.salesforce import Salesforce

_NO_KINDS: Mapping[str, str] = {}


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
        columns = spelled_as_key(settings, columns)
        journal = self._journal(request.job_id)
        if (finished := journal.finished) is not None:
            return finished
        with open_workspace() as workspace, alone(journal):
            desk = Desk(settings, journal, workspace, self._clock, progress, cancelled)
            if not journal.is_known:
                shutil.rmtree(journal.folder, ignore_errors=True)
                begin(desk, connection, columns)
                self._close_earlier(desk)
            return self._finished(desk, columns)

    def retry(self, request: ExportRequest, progress: Progress, cancelled: threading.Event) -> ExportReport:
        """Go on with the job's run when it broke off, else send the rows once more that Salesforce refused in it.

        Raises:
            ProviderError: see `Exporter.export`. Permanent also when nothing is left to be done.
        """
        settings, former = read_settings(request.settings), self._journal(request.job_id)
        if not former.is_known:
            raise Permanent("nothing is kept of this run", hint="run it anew")
        number = 1
        while (following := self._journal(f"{request.job_id}/retry-{number}")).is_known:
            former, number = following, number + 1
        if not former.is_open and former.kept is None:
            raise Permanent("no refused row is left to be sent again", hint="run it anew to send all rows")
        journal = former if former.is_open else following
        with open_workspace() as workspace, alone(journal):
            desk = Desk(settings, journal, workspace, self._clock, progress, cancelled)
            if not journal.is_known:
                begin_again(desk, former)
            return self._finished(desk)

    def _close_earlier(self, desk: Desk) -> None:
        """Only the newest run is retried: take away what earlier ones kept for it, and tell of one that broke off."""
        journal = desk.journal
        for other in readable_siblings(journal):
            if other.purpose != journal.purpose:
                continue
            if other.kept is not None:
                other.let_go()
            if other.is_open and other.asked_anything and desk.settings.operation == "insert":
                told = "an earlier run broke off after it had begun to send; what it sent stays, and is sent again by this one"
                desk.progress(0, journal.rows, f"notice: {told}; `tdr retry` instead of a new run finishes it")

    def _journal(self, job_id: str) -> Journal:
        return Journal(self._folder / "work" / hashlib.sha256(job_id.encode()).hexdigest()[:32])

    def _finished(self, desk: Desk, kinds: Mapping[str, str] = _NO_KINDS) -> ExportReport:
        """Carry the run out, and write down how it ended. kinds: column -> SQL type, as far as it is known."""
        journal = desk.journal
        try:
            judge(desk, journal.rejected)
            report = self._carried_out(desk, kinds)
        except Permanent as error:
            if not journal.asked_anything:
                shutil.rmtree(journal.folder, ignore_errors=True)
            elif not isinstance(error, Denied):  # once somebody is let in again, the same job goes on
                journal.end_with(error)
            raise
        journal.finish(report)
        return report

    def _carried_out(self, desk: Desk, kinds: Mapping[str, str]) -> ExportReport:
        api = self._connect(desk.settings)
        try:
            if not desk.journal.asked_anything and desk.journal.retries is None:
                columns = {name: kinds.get(name, "") for name in desk.journal.columns}
                look_ahead(api.descriptions, desk, columns, staged_by(desk))
            run = Run(api, desk)
            try:
                return run.carry_out()
            finally:
                if self._quarantine is not None:
                    run.list_refused(self._quarantine / f"{desk.folder.name}.jsonl")
        finally:
            api.close()
