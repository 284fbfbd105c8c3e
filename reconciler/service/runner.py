"""Works off jobs in a few threads, by priority, and kills them on request, even when another process asks."""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Final, Protocol

from reconciler.errors import Interrupted, StateError, TdrError, Transient
from reconciler.logs import logger
from reconciler.scrubbing import everything
from reconciler.service.answers import ApiError
from reconciler.service.jobs import CONFIGURATION, Jobs

_WORKERS: Final = 2
_LOOK_FOR_KILLS_EVERY_S: Final = 0.5
_LAST: Final = 1_000_000


class Stopped(Exception):
    """The job was asked to stop before it came to what it would do next."""


class Cancellation:
    """A request to stop. *event* is for those who look now and then, `reaching` for those who must be interrupted."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []

    @contextmanager
    def reaching(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """While inside, a request to stop calls *interrupt*.

        Raises:
            Stopped: the request is there already.
        """
        with self._lock:
            if self.event.is_set():
                raise Stopped
            self._callbacks.append(interrupt)
        try:
            yield
        finally:
            with self._lock:
                self._callbacks.remove(interrupt)

    def cancel(self) -> None:
        """Ask to stop."""
        with self._lock:
            self.event.set()
            for interrupt in self._callbacks:
                interrupt()


class Running(Protocol):
    """A job at work, as the one who carries it out sees it."""

    job_id: int
    cancellation: Cancellation

    def covering(self, job_id: int) -> AbstractContextManager[None]:
        """While inside, a kill of *job_id* reaches this job's cancellation: the export inside a query's job."""
        ...


class Execution(Protocol):
    """How jobs are carried out."""

    def __call__(self, running: Running) -> None:
        """Carry out a job that is marked as running, and close it when all went well.

        Raises:
            Exception: it failed; the message goes to the job's log.
        """
        ...


class Runner:
    """The threads of one process. They start with the first job."""

    def __init__(self, jobs: Jobs, execute: Execution) -> None:
        """Carry out jobs of *jobs* by *execute*."""
        self._jobs = jobs
        self._execute = execute
        self._queue: queue.PriorityQueue[tuple[int, int]] = queue.PriorityQueue()
        self._active: dict[int, Cancellation] = {}
        self._pending: set[int] = set()
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._closing = threading.Event()

    def submit(self, job_id: int, priority: int = 0) -> None:
        """Run a queued job when its turn comes: higher priority first, then first come."""
        with self._changed:
            self._pending.add(job_id)
            if not self._threads:
                self._start()
        self._queue.put((-priority, job_id))

    def kill(self, job_id: int) -> str:
        """Kill a job and return the status it had."""
        former = self._jobs.ask_to_kill(job_id)
        self._cancel(job_id)
        return former

    @contextmanager
    def reaching(self, job_id: int, cancellation: Cancellation) -> Iterator[None]:
        """While inside, a kill of *job_id* reaches *cancellation*."""
        with self._changed:
            self._active[job_id] = cancellation
        try:
            yield
        finally:
            with self._changed:
                self._active.pop(job_id, None)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until no job is queued or running here; False when that takes longer than *timeout_s*."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._pending, timeout_s)

    def wait_for(self, job_id: int, timeout_s: float) -> None:
        """Wait until a job is neither queued nor running here, at most *timeout_s*."""
        with self._changed:
            self._changed.wait_for(lambda: job_id not in self._pending, timeout_s)

    def close(self, *, cancel: bool) -> None:
        """End the threads: after the jobs at hand, or with *cancel* after asking them to stop."""
        if cancel:
            self._closing.set()
            with self._changed:
                active = list(self._active.values())
            for cancellation in active:
                cancellation.cancel()
        self.wait()
        self._closing.set()
        for _ in self._threads:
            self._queue.put((_LAST, 0))
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _start(self) -> None:
        names = {f"tdr-job-{number}": self._work for number in range(_WORKERS)} | {"tdr-kills": self._look_for_kills}
        for name, target in names.items():
            thread = threading.Thread(target=target, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def _work(self) -> None:
        while True:
            _, job_id = self._queue.get()
            if not job_id:
                return
            try:
                self._run(job_id)
            finally:
                with self._changed:
                    self._pending.discard(job_id)
                    self._changed.notify_all()

    def _run(self, job_id: int) -> None:
        running = _Running(self, job_id)
        with self.reaching(job_id, running.cancellation):
            try:
                if self._closing.is_set():
                    self._jobs.finish(job_id, "killed", "the process ended before it ran")
                elif self._jobs.start(job_id):
                    self._execute(running)
            # What a job dies of belongs into its log, and the thread lives on; some libraries end the program instead.
            except (Exception, SystemExit) as error:  # noqa: BLE001 - as said above
                self._close_failed(job_id, running.cancellation, error)

    def _close_failed(self, job_id: int, cancellation: Cancellation, error: BaseException) -> None:
        if cancellation.event.is_set():
            self._jobs.finish_somehow(job_id, "killed", "killed")
            return
        self._jobs.finish_somehow(job_id, "error", reason(error), fault(error))
        logger(__name__).warning("job failed", job_id=job_id, error=type(error).__name__)

    def _look_for_kills(self) -> None:
        while not self._closing.wait(_LOOK_FOR_KILLS_EVERY_S):
            with self._changed:
                busy = bool(self._active)
            if busy:
                # What cannot be read now is read half a second later; the job itself tells what is wrong with the file.
                with suppress(sqlite3.Error):
                    for job_id in self._jobs.asked_to_kill():
                        self._cancel(job_id)

    def _cancel(self, job_id: int) -> None:
        with self._changed:
            cancellation = self._active.get(job_id)
        if cancellation is not None:
            cancellation.cancel()


class _Running:
    def __init__(self, runner: Runner, job_id: int) -> None:
        self._runner = runner
        self.job_id = job_id
        self.cancellation = Cancellation()

    def covering(self, job_id: int) -> AbstractContextManager[None]:
        return self._runner.reaching(job_id, self.cancellation)


def fault(error: BaseException) -> str:
    """What is to blame for *error*: the job's settings, or "" for anything that may be otherwise next time."""
    if isinstance(error, Transient | StateError | Interrupted):
        return ""
    return CONFIGURATION if isinstance(error, TdrError | ApiError) else ""


def reason(error: BaseException) -> str:
    """What to say of *error* in a job's log: message and hint of ours, message and kind of anything else."""
    if isinstance(error, TdrError):
        return f"{error.message}; {error.hint}" if error.hint else error.message
    if isinstance(error, ApiError):
        return error.message
    return everything().clean(f"{type(error).__name__}: {error}")
