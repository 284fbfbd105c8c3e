"""What a running job tells: figures now and then, events at once."""

from __future__ import annotations

import time
from typing import Final

from reconciler.service.jobs import Jobs

_WRITE_EVERY_S: Final = 0.2


class JobProgress:
    """Writes the progress of one run into its jobs: the export's, and the query's that it belongs to.

    Figures are written a few times a second at most, for each is a durable write; the last of a run (*done* is *total*)
    and events always are.
    """

    def __init__(self, jobs: Jobs, *job_ids: int) -> None:
        """Report into all of *job_ids*; events go into the log of the first."""
        self._jobs = jobs
        self._job_ids = job_ids
        self._written_at = 0.0

    def __call__(self, done: int, total: int, event: str = "") -> None:
        """Say that *done* of *total* rows are through (0: not known), and what happened."""
        now = time.monotonic()
        if event or done == total or now - self._written_at >= _WRITE_EVERY_S:
            self._written_at = now
            for job_id in self._job_ids:
                self._jobs.progress(job_id, done, total)
        if event:
            self._jobs.log(self._job_ids[0], event)
