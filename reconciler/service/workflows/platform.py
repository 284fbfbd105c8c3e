"""Projects, schedules and attempts together, with the threads that carry attempts out."""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Callable
from typing import Any, Final

from reconciler.logs import logger
from reconciler.ports.clock import Clock
from reconciler.service.jobs import Jobs, NewJob
from reconciler.service.leases import Leases
from reconciler.service.ports import CronPort, Sealer
from reconciler.service.runner import Cancellation
from reconciler.service.schedules import Schedules
from reconciler.service.storage import Storage
from reconciler.service.workflows.attempts import Attempts, NewAttempt, shown
from reconciler.service.workflows.carrying_out import CarryingOut
from reconciler.service.workflows.operators import Operators
from reconciler.service.workflows.projects import Projects
from reconciler.service.workflows.schedules import WorkflowSchedules
from reconciler.service.workflows.timing import WorkflowCron

_WORKERS: Final = 2


class Workflows:
    """The workflows of one service. Threads start with the first attempt: attempts wait for jobs, so they have their own."""

    def __init__(
        self,
        storage: Storage,
        leases: Leases,
        cron: CronPort,
        sealer: Sealer,
        clock: Clock,
        jobs: Jobs,
        operators: Operators,
        issue: Callable[[NewJob], int],
        kill_job: Callable[[int], object],
    ) -> None:
        """Keep everything in *storage*; *issue* makes a job and hands it to a thread, *kill_job* ends one."""
        reading = WorkflowCron(cron)
        self._storage = storage
        self.schedules = WorkflowSchedules(storage, Schedules(reading, clock), clock)
        self.projects = Projects(storage, self.schedules, reading, sealer, clock)
        self.attempts = Attempts(storage, leases, clock)
        self._jobs = jobs
        self._operators = operators
        self._issue = issue
        self._kill_job = kill_job
        self._queue: queue.Queue[int | None] = queue.Queue()
        self._active: dict[int, Cancellation] = {}
        self._pending = 0
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._closing = threading.Event()

    def start(self, new: NewAttempt) -> dict[str, Any]:
        """Make an attempt, hand it to a thread, and tell it."""
        attempt_id = self.attempts.start(new)
        self._submit(attempt_id)
        return shown(self.attempts.row(attempt_id))

    def kill(self, attempt_id: int) -> None:
        """End an attempt with the job that it waits for."""
        self.attempts.ask_to_kill(attempt_id)
        with self._changed:
            cancellation = self._active.get(attempt_id)
        if cancellation is not None:
            cancellation.cancel()

    def tick(self, now: float) -> int:
        """Start what is due at *now*; how many attempts that made."""
        return sum(self._fire(schedule_id, now) for schedule_id in self.schedules.due(now))

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until no attempt of this process is unfinished; False when that takes longer."""
        with self._changed:
            return self._changed.wait_for(lambda: self._pending == 0, timeout_s)

    def close(self, *, cancel: bool) -> None:
        """End the threads: after the attempts at hand, or with *cancel* after asking them to stop."""
        if cancel:
            self._closing.set()
            with self._changed:
                active = list(self._active.values())
            for cancellation in active:
                cancellation.cancel()
        self.wait()
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _fire(self, schedule_id: int, now: float) -> int:
        with self._storage.transaction():
            claimed = self.schedules.claim(schedule_id, now)
            if claimed is None:
                return 0
            row, session_time = claimed
            is_busy = '"skip_on_overtime":true' in row["schedule"] and self.attempts.is_unfinished(
                row["project_id"], row["name"]
            )
            if is_busy or self._exists(row, session_time):
                return 0
            workflow = self.projects.workflow(row["workflow_id"])
            attempt_id = self.attempts.start(NewAttempt(dict(workflow), session_time))
        self._submit(attempt_id)
        logger(__name__).info("schedule fired", kind="workflows", attempt_id=attempt_id)
        return 1

    def _exists(self, row: sqlite3.Row, session_time: int) -> bool:
        """Whether somebody started that session by hand already."""
        return any(
            one["session_time"] == session_time
            for one in self._storage.all(
                "SELECT session_time FROM workflow_sessions WHERE project_id = ? AND name = ?",
                row["project_id"],
                row["name"],
            )
        )

    def _submit(self, attempt_id: int) -> None:
        with self._changed:
            self._pending += 1
            self._active[attempt_id] = Cancellation()
            if not self._threads:
                for number in range(_WORKERS):
                    thread = threading.Thread(target=self._work, name=f"tdr-attempt-{number}", daemon=True)
                    thread.start()
                    self._threads.append(thread)
        self._queue.put(attempt_id)

    def _work(self) -> None:
        while (attempt_id := self._queue.get()) is not None:
            try:
                self._carry_out(attempt_id)
            except (Exception, SystemExit):  # noqa: BLE001 - the attempt is closed, and the thread lives on for the others
                logger(__name__).exception("attempt failed", attempt_id=attempt_id)
            finally:
                with self._changed:
                    self._active.pop(attempt_id, None)
                    self._pending -= 1
                    self._changed.notify_all()

    def _carry_out(self, attempt_id: int) -> None:
        cancellation = self._active[attempt_id]
        if self._closing.is_set():
            self.attempts.finish(attempt_id, "killed")
            return
        CarryingOut(
            row=self.attempts.row(attempt_id),
            cancellation=cancellation,
            attempts=self.attempts,
            projects=self.projects,
            schedules=self.schedules,
            operators=self._operators,
            jobs=self._jobs,
            issue=self._issue,
            kill_job=self._kill_job,
        ).run()
