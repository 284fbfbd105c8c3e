"""Fires saved queries, bulk loads, builds, activations of segments and workflows when due, each scheduled time once.

A scheduled time is claimed and its job made in one transaction, so two processes never both run it. Of the times missed
while nobody was there, only the latest is made up for: earlier ones would deliver what is out of date.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from typing import Final

from reconciler.logs import logger
from reconciler.ports.clock import Clock
from reconciler.service.cdp.platform import Platform
from reconciler.service.jobs import Jobs, NewJob
from reconciler.service.loads import run_of as run_of_load
from reconciler.service.results import Results
from reconciler.service.runner import Runner
from reconciler.service.runs import run_of as run_of_query
from reconciler.service.schedules import Schedules, Timing
from reconciler.service.storage import Storage
from reconciler.service.workflows.platform import Workflows

_LOOK_EVERY_S: Final = 1.0
_RunOf = Callable[[sqlite3.Row, int, str], NewJob | None]
"""The job of a run; None when it is not to run any more."""
_Begin = Callable[[sqlite3.Row, int], Sequence[int]]
"""Queues the jobs of what is due at a time, and returns their ids."""


class Scheduler:
    """The one who fires. `tick` does it; `start` makes a thread that ticks."""

    def __init__(
        self,
        storage: Storage,
        schedules: Schedules,
        jobs: Jobs,
        runner: Runner,
        results: Results,
        clock: Clock,
        cdp: Platform,
        workflows: Workflows,
    ) -> None:
        """Fire what *storage* holds, by giving jobs to *runner*, and what *workflows* do. *cdp* knows the runs of what it has."""
        self._cdp = cdp
        self._workflows = workflows
        self._storage = storage
        self._schedules = schedules
        self._jobs = jobs
        self._runner = runner
        self._results = results
        self._clock = clock
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def tick(self, now: float) -> int:
        """Fire everything due at *now* and return how many jobs and attempts that made."""
        self._results.remove_expired()
        fired = self._fire_due("queries", self._issuing(run_of_query), now)
        fired += self._fire_due("bulk_loads", self._issuing(run_of_load), now)
        fired += self._fire_due("audiences", lambda row, _moment: self._cdp.builds.begin_due(row), now)
        fired += self._fire_due("syndications", self._issuing(self._cdp.syndications.due_run_of), now)
        return fired + self._workflows.tick(now)

    def start(self) -> None:
        """Tick by the clock, about once a second, until `stop`."""
        self._thread = threading.Thread(target=self._run, name="tdr-scheduler", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop ticking."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while not self._stopping.wait(_LOOK_EVERY_S):
            try:
                self.tick(self._clock.now())
            except Exception:  # noqa: BLE001 - the next tick may succeed, and nobody else would schedule
                logger(__name__).exception("scheduler tick failed")

    def _issuing(self, run_of: _RunOf) -> _Begin:
        def begin(row: sqlite3.Row, moment: int) -> Sequence[int]:
            job = run_of(row, moment, "")
            return [] if job is None else [self._jobs.issue(job)]

        return begin

    def _fire_due(self, kind: str, begin: _Begin, now: float) -> int:
        due = self._storage.all(f"SELECT id FROM {kind} WHERE due_at <= ? ORDER BY due_at", now)
        return sum(self._fire(kind, row["id"], begin, now) for row in due)

    def _fire(self, kind: str, row_id: int, begin: _Begin, now: float) -> int:
        with self._storage.transaction():
            row = self._storage.one(f"SELECT * FROM {kind} WHERE id = ? AND due_at <= ?", row_id, now)
            if row is None:  # another process was faster, or it was just rescheduled
                return 0
            timing = Timing(row["cron"], row["timezone"], row["delay"])
            moment = self._schedules.latest_until(timing, row["next_time"], now - timing.delay)
            following = self._schedules.next_after(timing, moment)
            due_at = None if following is None else following + timing.delay
            self._storage.run(
                f"UPDATE {kind} SET next_time = ?, due_at = ? WHERE id = ?",
                *(following, due_at, row_id),
            )
            job_ids = begin(row, int(moment))
        for job_id in job_ids:
            self._runner.submit(job_id, self._jobs.row(job_id)["priority"])
            logger(__name__).info("schedule fired", kind=kind, job_id=job_id)
        return len(job_ids)
