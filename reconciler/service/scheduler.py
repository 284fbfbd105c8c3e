"""Fires saved queries, bulk loads, activations of segments and workflows when they are due, each scheduled time once.

A scheduled time is claimed and its job made in one transaction, so two processes never both run it. Of the times missed
while nobody was there, only the latest is made up for: earlier ones would deliver what is out of date.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from typing import Final

from reconciler.logs import logger
from reconciler.ports.clock import Clock
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
        run_of_syndication: _RunOf,
        workflows: Workflows,
    ) -> None:
        """Fire what *storage* holds, by giving jobs to *runner*, and what *workflows* do."""
        self._run_of_syndication = run_of_syndication
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
        fired = self._fire_due("queries", run_of_query, now)
        fired += self._fire_due("bulk_loads", run_of_load, now)
        fired += self._fire_due("syndications", self._run_of_syndication, now)
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

    def _fire_due(self, kind: str, run_of: _RunOf, now: float) -> int:
        due = self._storage.all(f"SELECT id FROM {kind} WHERE due_at <= ? ORDER BY due_at", now)
        return sum(self._fire(kind, row["id"], run_of, now) for row in due)

    def _fire(self, kind: str, row_id: int, run_of: _RunOf, now: float) -> int:
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
            job = run_of(row, int(moment), "")
            if job is None:
                return 0
            job_id = self._jobs.issue(job)
        self._runner.submit(job_id, job.priority)
        logger(__name__).info("schedule fired", kind=kind, job_id=job_id)
        return 1
