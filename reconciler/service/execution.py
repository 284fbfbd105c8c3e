"""What a job does: a query, the export of a kept result, an activation of a segment, a bulk load, or something small."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from reconciler.service.jobs import RETRY, Jobs
from reconciler.service.runner import Running

if TYPE_CHECKING:
    from reconciler.service.cdp.activating import Statement
    from reconciler.service.loading import Loading
    from reconciler.service.querying import Querying


class Executor:
    """Carries out jobs. What it needs of SQL and rows is made with the first job that needs it."""

    def __init__(
        self,
        jobs: Jobs,
        querying: Callable[[], Querying],
        loading: Callable[[], Loading],
        statement: Callable[[int], Statement],
        others: Mapping[str, Callable[[sqlite3.Row], None]],
    ) -> None:
        """Report to *jobs*. *querying* and *loading* are called for each job anew, so that they may load late.

        statement: what a run of the activation with that id does.
        others: type of a job -> what carries out one of it and closes it.
        """
        self._jobs = jobs
        self._statement = statement
        self._querying = querying
        self._loading = loading
        self._others = others

    def __call__(self, running: Running) -> None:
        """Carry out one job and close it; raises when it fails."""
        row = self._jobs.row(running.job_id)
        if row["type"] == "bulkload":
            self._loading().run(row, running)
        elif row["type"] in self._others:
            self._others[row["type"]](row)
        elif row["type"] == RETRY:
            self._querying().retry_export(row, running)
        elif row["type"] == "export":
            self._querying().export_kept(row, running)
        elif row["syndication_id"] is not None:
            told = self._statement(row["syndication_id"])
            self._jobs.prepare(row["id"], told.database, told.sql, told.target)
            self._querying().run(self._jobs.row(row["id"]), running)
        else:
            self._querying().run(row, running)
