"""Following a run at its vendor: until it is finished, somebody asks for an end, or its time is over."""

from __future__ import annotations

import threading
from collections.abc import Callable

from reconciler.engine.pauses import AT_MOST_S, pauses
from reconciler.engine.world import World
from reconciler.errors import Transient
from reconciler.ports.provider import Job


def follow(
    world: World,
    run: str,
    look: Callable[[], Job],
    *,
    stop: threading.Event,
    hint: str,
    watch: Callable[[Job], None] = lambda _: None,
    at_most_s: float = AT_MOST_S,
) -> Job:
    """Look at a run until it is finished, or *stop* is set; returns it as it was last seen.

    run: what it is called in an error, such as ``query/buyers: job 17``.
    hint: what to do when `job_timeout` of the environment is over.
    watch: is told of every look.
    at_most_s: the longest pause between two looks.

    Raises:
        Transient: it was not finished within `job_timeout`, and goes on.
    """
    limit_s = world.environment.job_timeout
    deadline = world.clock.now() + limit_s
    until_next_look_s = pauses(at_most_s)
    while True:
        job = look()
        watch(job)
        if job.status.is_finished or stop.is_set():
            return job
        if world.clock.now() > deadline:
            raise Transient(f"{run} is not finished after {limit_s} s", hint=hint)
        world.clock.sleep(next(until_next_look_s))
