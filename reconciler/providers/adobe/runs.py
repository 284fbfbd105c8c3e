"""Runs of flows: those that Adobe began by its schedule, and those that somebody asked for.

Adobe takes no key that would make a repeated request harmless. So a run that is under way is followed rather than another one
started, and one whose answer was lost is looked for. Source: Adobe's tutorials on ad hoc runs and on monitoring dataflows, and
its API description of the Flow Service.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from reconciler.apis.adobe import FlowService, Kind, Object, letters
from reconciler.errors import NotFound, OutcomeUnknown, Permanent
from reconciler.model.address import Address
from reconciler.model.dataflows import AdobeTarget
from reconciler.model.json import Json
from reconciler.ports.clock import Clock
from reconciler.ports.provider import Job, JobStatus
from reconciler.providers.adobe import wire

_OFF: Final = frozenset({"disabled", "disabling"})
_ONCE: Final = "once"
_LISTED_S: Final = 30.0
"""Nothing is promised about when a list shows what was made."""
_LOOK_S: Final = 5.0
_MOST: Final = 100
_STATUSES: Final[Mapping[str, JobStatus]] = {
    "scheduled": JobStatus.QUEUED,
    "queued": JobStatus.QUEUED,
    "inprogress": JobStatus.RUNNING,
    "success": JobStatus.SUCCESS,
    "completed": JobStatus.SUCCESS,
    "partialsuccess": JobStatus.SUCCESS,
    "failed": JobStatus.ERROR,
    "partialfailure": JobStatus.ERROR,
}
"""By `letters` of the status."""
_MILLISECONDS: Final = 1000
_FIRST_MILLISECONDS: Final = 100_000_000_000
"""In March 1973; as seconds it would be in the year 5138."""
_ERRORS: Final = 5
_TEXT: Final = 500


class FlowRuns:
    """Starts runs and tells of them. Safe for many threads."""

    def __init__(self, api: FlowService, target: AdobeTarget, clock: Clock) -> None:
        self._api = api
        self._target = target
        self._clock = clock
        self._started: dict[str, float] = {}
        self._lock = threading.Lock()

    def run(self, address: Address, flow_id: str) -> str:
        """Id of a run that is under way already, or of a new one.

        Raises:
            NotFound: the flow is not there.
            Permanent: it is switched off, or runs by a schedule of its own.
            OutcomeUnknown: no answer came, and none is listed so far.
        """
        flow = self._api.settled(flow_id)
        _must_be_runnable(address, flow)
        before = self._newest(flow_id, _MOST)
        if (under_way := next(filter(_is_under_way, before), None)) is not None:
            return str(under_way["id"])
        try:
            made = self._api.create(Kind.RUNS, {"flowId": flow_id, **self._window(flow, before)})
        except OutcomeUnknown as error:
            made = self._appeared(flow_id, {str(one["id"]) for one in before})
            if not made:
                raise OutcomeUnknown(
                    f"{error.message}; no new run of {address} is listed",
                    hint=f"run `tdr logs {address}` in a minute; where it shows no new run, run `tdr run {address}` again",
                ) from error
        with self._lock:
            self._started[made] = self._clock.now()
        return made

    def job(self, run_id: str) -> Job:
        """How a run stands.

        Raises:
            NotFound: there is none, and none was started a moment ago.
        """
        try:
            return self._told(self._api.one(Kind.RUNS, run_id))
        except NotFound:
            with self._lock:
                started = self._started.get(run_id)
            if started is None or self._clock.now() - started > _LISTED_S:
                raise
            return Job(run_id, JobStatus.QUEUED)

    def jobs(self, flow_id: str, limit: int) -> list[Job]:
        """The newest *limit* runs, newest first."""
        return [self._told(one) for one in self._newest(flow_id, limit)]

    def _newest(self, flow_id: str, limit: int) -> list[Object]:
        told = self._api.newest(Kind.RUNS, f"flowId=={flow_id}", min(limit, _MOST))
        mine = [one for one in told if one.get("flowId") == flow_id]
        return sorted(mine, key=_made_at, reverse=True)

    def _appeared(self, flow_id: str, known: set[str]) -> str:
        """Id of a run that was not there before; "" when none shows."""
        until = self._clock.now() + _LISTED_S
        while True:
            for one in self._newest(flow_id, _MOST):
                if str(one["id"]) not in known:
                    return str(one["id"])
            if self._clock.now() >= until:
                return ""
            self._clock.sleep(_LOOK_S)

    def _window(self, flow: Object, before: Sequence[Object]) -> dict[str, Json]:
        """From where the newest run that went well ended to now, where the environment says that a run is sent a window."""
        if self._target.run_window == "none":
            return {}
        good = next((one for one in before if _job(one).status is JobStatus.SUCCESS), None)
        start = wire.text(wire.inner(flow, "scheduleParams").get("startTime"))
        start_s = int(start) if start.isdecimal() else 0
        if good is not None:
            start_s = _seconds(wire.inner(good, "metrics", "durationSummary").get("startedAtUTC")) or start_s
        scale = _MILLISECONDS if self._target.run_window == "milliseconds" else 1
        now_s = int(self._clock.now())
        return {
            "params": {"windowStartTime": str(min(start_s, now_s) * scale), "windowEndTime": str(now_s * scale)},
        }

    def _told(self, run: Object) -> Job:
        job = _job(run)
        log = self._api.scrubber.clean(job.log)
        return Job(job.job_id, job.status, job.done, job.total, log, job.created_at, job.started_at, job.ended_at)


def _must_be_runnable(address: Address, flow: Object) -> None:
    if flow.get("state") in _OFF:
        raise Permanent(
            f"{address} is switched off at Adobe, so it does not run",
            hint="write `enabled: true`, or leave it out, and apply; then run it",
        )
    schedule = wire.inner(flow, "scheduleParams")
    frequency = wire.text(schedule.get("frequency"))
    if frequency != _ONCE:
        every = f"every {wire.text(schedule.get('interval'))} {frequency}s" if frequency else "by a schedule of its own"
        raise Permanent(
            f"{address} runs {every}, and Adobe lets only flows of `frequency: once` be run by hand",
            hint=f"see its newest run with `tdr logs {address}`, or write `schedule: {{frequency: once}}` and apply",
        )


def _made_at(run: Object) -> float:
    made = run.get("createdAt")
    return float(made) if isinstance(made, int | float) else 0.0


def _is_under_way(run: Object) -> bool:
    """Whether it is known not to have ended: an old run with a word that we do not know must not stand in the way for ever."""
    word = _word(run)
    return not word or not _STATUSES.get(letters(word), JobStatus.KILLED).is_finished


def _word(run: Object) -> str:
    return wire.text(wire.inner(run, "metrics", "statusSummary").get("status"))


def _job(run: Object) -> Job:
    metrics = wire.inner(run, "metrics")
    duration, records = wire.inner(metrics, "durationSummary"), wire.inner(metrics, "recordSummary")
    summary = wire.inner(metrics, "statusSummary")
    word = _word(run)
    ended = _seconds(duration.get("completedAtUTC"))
    # A word that we do not know is something that goes on, unless it is told to have ended.
    unknown = JobStatus.RUNNING if ended is None else JobStatus.ERROR
    status = _STATUSES.get(letters(word), unknown) if word else JobStatus.QUEUED
    written = [_count(records, name) for name in ("outputRecordCount", "createdRecordCount", "updatedRecordCount")]
    failed = _count(records, "failedRecordCount")
    return Job(
        str(run["id"]),
        status,
        written[0] or written[1] + written[2],
        _count(records, "inputRecordCount"),
        "\n".join(_lines(word, failed, summary)) if status.is_finished else "",
        wire.millis_to_s(run.get("createdAt")),
        _seconds(duration.get("startedAtUTC")),
        ended if status.is_finished else None,
    )


def _lines(word: str, failed: int, summary: Object) -> Iterator[str]:
    yield f"Adobe: {word}"
    if failed:
        yield f"{failed} rows failed; their errors are with the run in the platform"
    errors = summary.get("errors")
    for one in errors[:_ERRORS] if isinstance(errors, list) else ():
        if isinstance(one, Mapping):
            yield f"{wire.text(one.get('code'))}: {wire.text(one.get('message'))}"[:_TEXT]


def _count(records: Object, name: str) -> int:
    """A count; 0 where it is not told, for which Adobe also says -1."""
    value = records.get(name)
    return value if isinstance(value, int) and value > 0 else 0


def _seconds(value: Json) -> int | None:
    """Epoch milliseconds as Unix seconds; some examples tell seconds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return None
    return int(value) if value < _FIRST_MILLISECONDS else int(value // _MILLISECONDS)
