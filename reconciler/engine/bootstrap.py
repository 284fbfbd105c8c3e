"""An audience's first run, when only an export can make the audience.

Schedule off and create mode -> run once -> wait -> find the audience -> verify -> update mode and schedule on. Every write
is journalled and every proven step is remembered in the activation's record (`phase`, `resolved`), so that a run killed
between any two goes on at the last proven one. Looking always comes before running: nothing is ever made twice.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from reconciler.engine.following import follow
from reconciler.engine.pauses import pauses
from reconciler.engine.resolve import candidates, identify, steady_after
from reconciler.engine.session import Session
from reconciler.engine.world import World
from reconciler.errors import Interrupted, Permanent, ProviderError, Transient
from reconciler.model.activation import AudienceVerbs, Outcome, Resolution
from reconciler.model.address import Address
from reconciler.model.json import Json
from reconciler.model.kinds import ActivationSpec, AudienceSpec
from reconciler.model.observation import Observation, Unreadable
from reconciler.model.record import Record
from reconciler.model.resource import Resource
from reconciler.model.unknown import Unknown
from reconciler.ports.provider import FIRST_RUN_KEY, Context, Desired, Job, JobStatus, Provider, Runs, Wanted

CREATE_MODE = "create_mode"
RUNNING = "running"
FILLING = "filling"
STEADY = "steady"

FIRST_RUN = "first"
FILL_RUN = "fill"

_KEYS = {FIRST_RUN: FIRST_RUN_KEY, FILL_RUN: "tdr-fill-"}

CLOCK_SKEW_S = 300

_KEPT = ("bootstrap_id", "bootstrap_since", "attempt")
"""What a bootstrap carries from one step to the next."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """One activation, the audience it makes, and everything needed to take it there."""

    world: World
    session: Session
    resource: Resource
    audience: Resource
    verbs: AudienceVerbs
    provider: Provider
    runs: Runs
    stop: threading.Event
    tell: Tell

    def go(self, existing_id: str) -> None:
        """Take the activation to its steady state. *existing_id* is the object's id at its vendor, "" when there is none.

        Raises:
            ProviderError: a step failed; what was proven is remembered, and the next apply goes on from there.
        """
        record = self.session.record(self.address)
        if record is not None and not record.phase:
            record = replace(record, resolved={})
        elif record is None and existing_id:
            record = Record(existing_id, {})
        found = self._find()
        if found is not None and (record is None or not record.phase):
            raise Permanent(
                f"{self.audience.address}: audience {found.remote_id} appeared after the plan was made",
                hint="plan again",
            )
        existing = record if existing_id else None
        if found is None:
            record, found = self._make(record, existing)
            existing = record
        is_filled = self._first_run_succeeded(record)
        self._remember_audience(found)
        record = self._write_steady(record, existing, found, phase="" if is_filled else FILLING)
        if not is_filled:
            self._fill(record, found)

    # -- steps ---------------------------------------------------------------------------------------------------

    def _make(self, record: Record | None, existing: Record | None) -> tuple[Record, Observation]:
        """Run the export in create mode until it has made the audience. *existing* is the export that is there."""
        cut_off = self.session.reopened.get(self.address)
        is_inherited = record is not None and bool(record.resolved.get("job_id") or (cut_off and cut_off.step == "run"))
        if record is None or not record.resolved.get("job_id"):
            record = self._start(self._write_create_mode(record, existing), FIRST_RUN)
        job = self._wait(record)
        found = self._look_until_found() if job.status is JobStatus.SUCCESS else self._find()
        if found is not None:
            return record, found
        if job.status is JobStatus.SUCCESS:
            raise Transient(
                f"{self.address}: run {job.job_id} succeeded, but audience {self.title!r} does not show yet",
                hint="run `tdr apply` again later; it goes on from here and makes no second one",
            )
        left = {key: value for key, value in record.resolved.items() if key != "job_id"}
        record = replace(record, phase=CREATE_MODE, resolved={**left, "attempt": _attempt(record) + 1})
        self.session.remember(self.address, record, "run_failed")
        if is_inherited:
            # It failed because the process that ran it ended, or long ago: that says nothing about a run of today.
            return self._make(record, record)
        raise Permanent(
            f"{self.address}: its first run {job.job_id} ended as {job.status}: {_last_line(job.log)}",
            hint="correct what the log names and run `tdr apply` again; it looks first and makes no second audience",
        )

    def _write_create_mode(self, record: Record | None, existing: Record | None) -> Record:
        settings: dict[str, str | Unknown] = {self.verbs.create_title_setting: self.title}
        if self.audience_spec.description:
            settings[self.verbs.create_description_setting] = self.audience_spec.description
        resolution = Resolution(Outcome.BOOTSTRAP, self.verbs.create, settings, why="audience_absent")
        desired = self._desired(resolution)
        self.tell("writing the export in create mode, schedule off")
        before = record.resolved if record else {}
        resolved: dict[str, Json] = {
            "bootstrap_id": before.get("bootstrap_id") or uuid.uuid4().hex[:12],
            "bootstrap_since": before.get("bootstrap_since", self.world.clock.now()),
            "attempt": before.get("attempt", 0),
            "mode": self.verbs.create,
        }
        return self._write(desired, existing, resolved, CREATE_MODE)

    def _start(self, record: Record, purpose: str) -> Record:
        """Start a run under a key that never starts a second one."""
        lineage = self.session.state.lineage[:8]
        # Of this bootstrap alone: an export may go through a second one within the same second, and its run is another.
        key = f"{_KEYS[purpose]}{lineage}-{self.address.name}-{_id(record)}-{_attempt(record)}"
        begun = self.session.begin(self.address, "run", details={"domain_key": key, "purpose": purpose})
        job_id = self.runs.run(self.address, record.remote_id, key)
        phase = RUNNING if purpose == FIRST_RUN else FILLING
        after = replace(record, phase=phase, resolved={**record.resolved, "job_id": job_id})
        self.session.end(begun, after)
        return after

    def _wait(self, record: Record) -> Job:
        """The run that *record* names, once it is finished."""
        run = f"{self.address}: run {record.resolved['job_id']}"
        told = ""

        def watch(job: Job) -> None:
            nonlocal told
            news = f"run {job.job_id} {job.status}" + (f", {job.done:,} rows found" if job.done else "")
            if news != told:
                self.tell(news)
            told = news

        hint = "run `tdr apply` again later; it goes on from here"
        job = follow(self.world, run, lambda: self._job_of(record), watch=watch, stop=self.stop, hint=hint)
        if not job.status.is_finished:
            raise Interrupted(
                f"{run} goes on, but this command was asked to end",
                hint="run the same command again; it goes on from there",
            )
        return job

    def _remember_audience(self, found: Observation) -> None:
        remembered = self.session.record(self.audience.address)
        if remembered is not None and remembered.remote_id == found.remote_id:
            return
        self.tell(f"found audience {found.remote_id}")
        provider = self.world.providers[self.audience.address.kind]
        desired = provider.desired(self.audience, self._context(None))
        record = self.session.record_of(self.audience, found.remote_id, desired.attributes)
        # What its first run set is what was applied, so that a description changed since then still shows as a change.
        self.session.remember(
            self.audience.address, replace(record, applied={**record.applied, **found.attributes}), "find"
        )

    def _write_steady(
        self, record: Record | None, existing: Record | None, found: Observation, *, phase: str
    ) -> Record:
        resolution = steady_after(self.spec.membership, found.remote_id, self.verbs)
        desired = self._desired(resolution)
        self.tell(f"writing the export as {resolution.mode}, schedule on")
        resolved: dict[str, Json] = {"mode": resolution.mode, "audience_id": found.remote_id}
        if phase and record is not None:
            resolved |= {key: record.resolved[key] for key in _KEPT if key in record.resolved}
        return self._write(desired, existing, resolved, phase)

    def _write(self, desired: Desired, existing: Record | None, resolved: dict[str, Json], phase: str) -> Record:
        """Write the export, over *existing* if it is there, and remember how far this got."""
        step = "update" if existing else "create"
        begun = self.session.begin(self.address, step, desired.natural_key, {"bootstrap": phase or STEADY})
        try:
            if existing:
                observed = self.provider.update(self.resource, existing.remote_id, desired, _paths(desired))
            else:
                observed = self.provider.create(self.resource, desired)
        except Permanent as error:
            self.session.fail(begun, error.message)
            raise
        after = self.session.record_of(
            self.resource, observed.remote_id, desired.attributes, resolved=resolved, phase=phase
        )
        self.session.end(begun, after)
        return after

    def _fill(self, record: Record, found: Observation) -> None:
        """The first run was cut off after the audience existed: run once more, now that repeating is harmless."""
        record = self._start(replace(record, resolved={**record.resolved, "attempt": _attempt(record) + 1}), FILL_RUN)
        job = self._wait(record)
        if job.status is not JobStatus.SUCCESS:
            raise Permanent(
                f"{self.address}: run {job.job_id} ended as {job.status}: {_last_line(job.log)}",
                hint="correct what the log names and run `tdr apply` again; the audience exists and is filled then",
            )
        resolution = steady_after(self.spec.membership, found.remote_id, self.verbs)
        self.session.remember(
            self.address,
            replace(record, phase="", resolved={"mode": resolution.mode, "audience_id": found.remote_id}),
            "filled",
        )

    # -- looking -------------------------------------------------------------------------------------------------

    def _find(self) -> Observation | None:
        provider = self.world.providers[self.audience.address.kind]
        wanted = Wanted(self.audience.address, self.audience, None)
        look = provider.observe([wanted], self._context(None))[self.audience.address]
        if isinstance(look, Unreadable):
            raise look.error
        meant = identify(look, self.audience_spec.audience_id or "")
        if isinstance(meant, Observation):
            return self._verified(meant)
        if meant:
            raise Permanent(
                f"{self.audience.address}: {len(meant)} audiences have the title {self.title!r}: {candidates(meant)}",
                hint="name the one meant as `audience_id`, or remove the others in the vendor's console",
            )
        return None

    def _verified(self, found: Observation) -> Observation:
        """Only an audience that came after this bootstrap began, or that is ours already, is taken for its result."""
        remembered = self.session.record(self.audience.address)
        record = self.session.record(self.address)
        since = record.resolved.get("bootstrap_since") if record else None
        is_ours = remembered is not None and remembered.remote_id == found.remote_id
        if is_ours or self.audience_spec.audience_id or not isinstance(since, int | float) or found.created_at is None:
            return found
        if found.created_at < since - CLOCK_SKEW_S:
            raise Permanent(
                f"{self.audience.address}: audience {found.remote_id} has its title, but is older than this run",
                hint="add `lifecycle: {adopt: always}` to take it over, or choose another title; "
                "if nobody else made it, see that the clock of this machine is right",
            )
        return found

    def _look_until_found(self) -> Observation | None:
        deadline = self.world.clock.now() + self.world.traits(self.audience.address).visible_within_s
        until_next_look_s = pauses()
        while (found := self._find()) is None and self.world.clock.now() < deadline and not self.stop.is_set():
            self.world.clock.sleep(next(until_next_look_s))
        return found

    def _job_of(self, record: Record) -> Job:
        return self.runs.job(str(record.resolved["job_id"]))

    def _first_run_succeeded(self, record: Record | None) -> bool:
        """Whether the members are known to be complete. A job that cannot be read counts as not complete."""
        if record is None or record.phase != RUNNING:
            return False
        try:
            self._job_of(record)
        except ProviderError:
            return False
        return self._wait(record).status is JobStatus.SUCCESS

    # -- names ---------------------------------------------------------------------------------------------------

    @property
    def address(self) -> Address:
        """Of the activation."""
        return self.resource.address

    @property
    def spec(self) -> ActivationSpec:
        """Of the activation."""
        if not isinstance(self.resource.spec, ActivationSpec):
            raise TypeError(type(self.resource.spec).__name__)
        return self.resource.spec

    @property
    def audience_spec(self) -> AudienceSpec:
        """Of the audience."""
        if not isinstance(self.audience.spec, AudienceSpec):
            raise TypeError(type(self.audience.spec).__name__)
        return self.audience.spec

    @property
    def title(self) -> str:
        """What the audience is called at its vendor."""
        return self.audience_spec.title

    def _context(self, resolution: Resolution | None) -> Context:
        return replace(self.world.context(self.session.remote_ids()), resolution=resolution)

    def _desired(self, resolution: Resolution) -> Desired:
        return self.provider.desired(self.resource, self._context(resolution))


def _paths(desired: Desired) -> tuple[str, ...]:
    return tuple(f"/{name}" for name in sorted(desired.attributes))


def _id(record: Record) -> str:
    return str(record.resolved.get("bootstrap_id") or record.resolved.get("bootstrap_since") or "")


def _attempt(record: Record) -> int:
    attempt = record.resolved.get("attempt")
    return attempt if isinstance(attempt, int) else 0


def _last_line(log: str) -> str:
    lines = [line for line in log.splitlines() if line.strip()]
    return lines[-1] if lines else "no log"
