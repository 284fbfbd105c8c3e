"""Whether what was applied also works: runs, schedules, audiences and authorisations, judged over values alone.

Enters what was looked at (`Watched`) and the environment's limits; findings leave, each with a stable rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from reconciler.model.address import Address
from reconciler.model.environment import HealthSpec
from reconciler.model.observation import Observation
from reconciler.model.record import Record
from reconciler.ports.clock import rfc3339
from reconciler.ports.provider import Job, JobStatus
from reconciler.schedule.words import duration

USUAL_FROM = 3
"""So many runs that went well tell how long one usually takes."""

_FAILED = (JobStatus.ERROR, JobStatus.KILLED)


@dataclass(frozen=True, slots=True)
class Watched:
    """One remembered resource and what was seen of it.

    found: the object as it is; None when it is not there.
    runs: newest first, as many as were asked for.
    creating: the export's mode that makes an audience, for an activation; "" for everything else.
    expires_at: Unix seconds at which its authorisation ends, for a connection.
    """

    address: Address
    record: Record
    found: Observation | None
    runs: Sequence[Job] = ()
    creating: str = ""
    expires_at: float | None = None


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something a person should look at. *rule* is a stable id in kebab case."""

    address: Address
    rule: str
    message: str = field(compare=False)
    hint: str = field(compare=False, default="")


def problems(watched: Watched, limits: HealthSpec, now: float) -> list[Problem]:
    """Everything wrong with one resource, sorted by rule. *now*: Unix seconds."""
    found = [
        *_missing(watched),
        *_runs(watched, limits, now),
        *_schedule(watched),
        *_audience(watched, limits, now),
        *_authorisation(watched, limits, now),
        *_consent(watched),
        *_last_run(watched),
    ]
    return sorted(found)


def seconds(job: Job, now: float) -> float | None:
    """How long a run took, or has taken up to *now*; None when it has not begun or nobody tells."""
    if job.started_at is None:
        return None
    end = job.ended_at if job.ended_at is not None else None if job.status.is_finished else now
    return None if end is None else max(0.0, end - job.started_at)


def _missing(watched: Watched) -> Iterator[Problem]:
    if watched.found is None:
        yield Problem(watched.address, "missing", "is not there any more", "run `tdr plan`")


def _runs(watched: Watched, limits: HealthSpec, now: float) -> Iterator[Problem]:
    address = watched.address
    if watched.record.phase:
        yield Problem(
            address,
            "first-run-unfinished",
            f"its first run is not finished ({watched.record.phase})",
            "run `tdr apply`",
        )
    finished = [run for run in watched.runs if run.status.is_finished]
    failures = _failures(finished)
    if failures >= limits.failures:
        times = "run failed" if failures == 1 else f"{failures} runs failed"
        yield Problem(
            address,
            "failing",
            f"the newest {times}, last job {finished[0].job_id}{_last_line(finished[0].log)}",
            f"see its log with `tdr logs {address}`",
        )
    good = [run for run in finished if run.status is JobStatus.SUCCESS]
    if len(good) > USUAL_FROM and good[0] is finished[0] and not good[0].done and median(_rows(good[1:])):
        message = f"job {good[0].job_id} had no rows; {median(_rows(good[1:])):,.0f} are usual"
        yield Problem(address, "no-rows", message, "look at its query and at the tables it reads")
    usual = [took for run in good if (took := seconds(run, now)) is not None]
    for run in watched.runs:
        took = seconds(run, now)
        if run.status.is_finished or took is None or len(usual) < USUAL_FROM:
            continue
        if took > max(limits.stuck_after, limits.stuck_factor * median(usual)):
            message = f"job {run.job_id} runs for {duration(int(took))}; {duration(int(median(usual)))} are usual"
            yield Problem(address, "stuck", message, "look at it in the console, and kill it if it hangs")


def _failures(finished: Sequence[Job]) -> int:
    """How many of the newest runs failed in a row."""
    count = 0
    for run in finished:
        if run.status not in _FAILED:
            break
        count += 1
    return count


def _rows(runs: Sequence[Job]) -> list[int]:
    return [run.done for run in runs]


def _last_line(log: str) -> str:
    lines = log.strip().splitlines()
    return f": {lines[-1]}" if lines else ""


def _schedule(watched: Watched) -> Iterator[Problem]:
    if watched.found is None:
        return
    address, found = watched.address, watched.found.attributes
    if watched.record.applied.get("cron") and not found.get("cron") and not watched.record.phase:
        failures = _failures([run for run in watched.runs if run.status.is_finished])
        after = f" after {failures} failure{'s' if failures > 1 else ''} in a row" if failures else ""
        message = f"its schedule {watched.record.applied['cron']!r} is not there any more{after}"
        hint = "`tdr apply` brings it back; `tdr drift --accept` keeps it off"
        yield Problem(address, "schedule-gone", message, hint)
    export = found.get("export")
    mode = export.get("action") if isinstance(export, dict) else None
    if watched.creating and mode == watched.creating and not watched.record.phase:
        message = f"its export is in the mode {mode}, which fails as soon as the audience exists"
        yield Problem(address, "create-mode", message, "run `tdr apply`")


def _audience(watched: Watched, limits: HealthSpec, now: float) -> Iterator[Problem]:
    if watched.found is None or watched.address.kind != "audience":
        return
    told = watched.found.computed
    status, size, made = told.get("status"), told.get("size"), watched.found.created_at
    if status == "TOO_SMALL":
        known = f" ({size} matched)" if size is not None else ""
        message = f"is too small to be used in ads{known}"
        yield Problem(watched.address, "too-small", message, "see how many rows its activations send, and reject")
    if status == "INITIALIZING" and made is not None and now - made > limits.filled_within:
        message = f"has been filling since {rfc3339(made)}, longer than {duration(limits.filled_within)}"
        yield Problem(watched.address, "not-filling", message, "look at it in the vendor's ads manager")


def _authorisation(watched: Watched, limits: HealthSpec, now: float) -> Iterator[Problem]:
    at = watched.expires_at
    if at is None or at - now > limits.token_warning:
        return
    is_over = at <= now
    message = f"its authorisation {'ended' if is_over else 'ends'} at {rfc3339(at)}"
    yield Problem(
        watched.address,
        "authorisation-over" if is_over else "authorisation-ends",
        message,
        "authorise the app again and put the new refresh token in place of the old",
    )


def _consent(watched: Watched) -> Iterator[Problem]:
    told = watched.found.computed.get("waits_for_consent") if watched.found is not None else None
    if told:
        message = "reads nothing before a person has let it in"
        yield Problem(watched.address, "waits-for-consent", message, str(told))


def _last_run(watched: Watched) -> Iterator[Problem]:
    """Of what runs at its vendor without telling of each run."""
    if watched.found is not None and watched.found.computed.get("last_run") == "FAILED":
        yield Problem(watched.address, "failing", "its last run failed", "see it in the vendor's console")
