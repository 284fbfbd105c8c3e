"""Makes it so: executes the changes of a plan, journalled, as many at a time as do not need one another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum

from reconciler import logs, spans
from reconciler.engine import feeding
from reconciler.engine.bootstrap import Bootstrap
from reconciler.engine.execution import Execution
from reconciler.engine.planning import Prepared
from reconciler.engine.resolve import steady_after
from reconciler.engine.session import Session
from reconciler.engine.world import World
from reconciler.errors import Ended, Interrupted, OutcomeUnknown, StateError, TdrError
from reconciler.model.activation import Outcome, Resolution
from reconciler.model.address import Address
from reconciler.model.change import Adopt, Change, Create, Keep, Replace, Undecided, Update, action
from reconciler.model.kinds import ActivationSpec
from reconciler.model.observation import Finding
from reconciler.model.unknown import Unknown
from reconciler.phases import Progress
from reconciler.ports.clock import rfc3339
from reconciler.ports.provider import Desired, Runs
from reconciler.ports.readers import ContextPool

PARALLEL = 4


class Status(StrEnum):
    """What became of one change."""

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"
    """It may have acted; the next run looks before it does anything."""


@dataclass(frozen=True, slots=True)
class Result:
    """One change and what became of it. *message* is for the user: the error, why it was skipped, or what is to be done now."""

    address: Address
    action: str
    status: Status
    message: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Applied:
    """What a run did, in plan order. *unsettled* names fields that came back otherwise than sent."""

    results: tuple[Result, ...]
    unsettled: tuple[str, ...] = ()
    interrupted: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether everything planned was done."""
        return all(result.status is Status.DONE for result in self.results)

    def count(self, status: Status) -> int:
        """How many changes ended as *status*."""
        return sum(result.status is status for result in self.results)


Listener = Callable[[Address, str, str], None]
"""Told (address, event, message) as things happen; events are `start`, `progress`, `done`, `failed`, `skipped`, `unknown`."""


@contextmanager
def _hands(count: int) -> Iterator[ContextPool]:
    """*count* threads that write. All that they have begun is waited for, unless the run is ended at once."""
    pool = ContextPool(max_workers=count, thread_name_prefix="apply")
    is_waited_for = True
    try:
        yield pool
    except Ended:
        is_waited_for = False
        raise
    finally:
        pool.shutdown(wait=is_waited_for, cancel_futures=not is_waited_for)


@dataclass(slots=True)
class Applier:
    """Executes one prepared plan.

    stop: nothing new is begun once it is set; *why_stopped* then tells of what is skipped why.
    fail_fast: nothing new is begun after the first failure.
    """

    world: World
    session: Session
    prepared: Prepared
    listener: Listener
    stop: threading.Event
    parallel: int = PARALLEL
    fail_fast: bool = False
    why_stopped: Callable[[], str] = lambda: "interrupted"
    _results: dict[Address, Result] = field(default_factory=dict)
    _notes: dict[Address, str] = field(default_factory=dict)
    _under_way: dict[Future[Result], Address] = field(default_factory=dict)
    _total: int = 0

    def go(self) -> Applied:
        """Do all that can be done; a failed change stops only those that need it.

        Raises:
            StateError: what was done could not be written down; nothing new was started after that.
            Ended: somebody does not even wait for what is under way, of which the journal has the beginning only.
        """
        plan = self.prepared.plan
        changes = {change.address: change for change in plan.changes}
        self._tidy(plan.changes)
        todo = [change for change in plan.changes if not isinstance(change, Keep)]
        waiting = {change.address: set(self._needs(change, changes)) for change in todo}
        earlier = {change.address: self._earlier(change.address, changes) for change in todo}
        self._total, running = len(todo), self._under_way
        failure: StateError | None = None
        with _hands(self.parallel) as pool:
            while waiting or running:
                for address in [
                    address for address, needs in waiting.items() if not (needs | earlier[address]) - set(self._results)
                ]:
                    # What waits in the pool would be begun whatever happens meanwhile.
                    if len(running) == self.parallel:
                        break
                    needs = waiting.pop(address)
                    blocked = self._blocked_by(needs) or (
                        "the state cannot be written" if failure else self._ended_by()
                    )
                    if blocked:
                        self._skip(changes[address], blocked)
                    else:
                        running[pool.submit(self._one, changes[address])] = address
                if not running:
                    continue
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    address = running.pop(future)
                    try:
                        self._results[address] = future.result()
                    except StateError as error:
                        failure = failure or error
                        self._results[address] = Result(
                            address, action(changes[address]), Status.UNKNOWN, error.message
                        )
        if failure is not None:
            raise failure
        results = tuple(self._results[change.address] for change in todo)
        return Applied(results, interrupted=self.stop.is_set())

    def progress(self) -> Progress:
        """Where it stands, told to any thread."""
        under_way = list(self._under_way.values())
        first = f" {under_way[0]}" if under_way else ""
        more = f" and {len(under_way) - 1} more" if len(under_way) > 1 else ""
        return Progress(f"applying{first}{more}", len(self._results), self._total)

    def _needs(self, change: Change, changes: Mapping[Address, Change]) -> list[Address]:
        needs = self.prepared.plan.depends_on.get(change.address, ())
        return [need for need in needs if need in changes and not isinstance(changes[need], Keep)]

    def _earlier(self, address: Address, changes: Mapping[Address, Change]) -> set[Address]:
        """What goes before *address* though only something that stays stands between them.

        A flow reads by an account that stays, of a source that changes: the source goes first. It is not needed, so where it
        fails, the flow is tried all the same.
        """
        found: set[Address] = set()
        through = [address]
        while through:
            for need in self.prepared.plan.depends_on.get(through.pop(), ()):
                if need in found or need not in changes:
                    continue
                found.add(need)
                if isinstance(changes[need], Keep):
                    through.append(need)
        return {need for need in found if not isinstance(changes[need], Keep)}

    def _blocked_by(self, needs: set[Address]) -> str:
        bad = sorted(need for need in needs if self._results[need].status is not Status.DONE)
        return f"needs {bad[0]}, which {self._results[bad[0]].status}" if bad else ""

    def _ended_by(self) -> str:
        """Why nothing new is begun; "" while things are."""
        if self.stop.is_set():
            return self.why_stopped()
        if not self.fail_fast:
            return ""
        failed = next((one for one in self._results.values() if one.status in (Status.FAILED, Status.UNKNOWN)), None)
        return f"{failed.address} {failed.status}, and nothing is begun after a failure" if failed else ""

    def _skip(self, change: Change, why: str) -> None:
        self._results[change.address] = Result(change.address, action(change), Status.SKIPPED, why)
        self.listener(change.address, "skipped", why)

    def _one(self, change: Change) -> Result:
        about = {"tdr.address": str(change.address)}
        with logs.about(address=str(change.address)), spans.span(action(change), about):
            result = self._carried_out(change)
            if result.status is not Status.DONE:
                spans.fail()
                spans.tell({"tdr.status": str(result.status)})
            return result

    def _carried_out(self, change: Change) -> Result:
        address = change.address
        if isinstance(change, Undecided):
            self.listener(address, "skipped", change.why)
            return Result(address, action(change), Status.SKIPPED, change.why)
        self.listener(address, "start", action(change))
        try:
            self._execute(change)
        except OutcomeUnknown as error:
            self.listener(address, "unknown", error.message)
            return Result(address, action(change), Status.UNKNOWN, error.message, error.hint)
        except Interrupted as error:
            self.listener(address, "skipped", error.message)
            return Result(address, action(change), Status.SKIPPED, error.message)
        except StateError:
            raise
        except TdrError as error:
            self.listener(address, "failed", error.message)
            return Result(address, action(change), Status.FAILED, error.message, error.hint)
        self.listener(address, "done", action(change))
        return Result(address, action(change), Status.DONE, self._notes.get(address, ""))

    def _execute(self, change: Change) -> None:
        if isinstance(change, Create | Update | Adopt | Replace) and self._is_bootstrap(change.address):
            self._bootstrap(change)
            return

        def tell(note: str) -> None:
            self._notes[change.address] = note
            self.listener(change.address, "progress", note)

        Execution(self.world, self.session, self._desired, self._resolved, tell).run(change)

    # -- activations ----------------------------------------------------------------------------------------------

    def _is_bootstrap(self, address: Address) -> bool:
        """Whether an audience has to be made, or its making was begun and not proven."""
        record = self.session.record(address)
        resolution = self.prepared.resolutions.get(address)
        if resolution is None:
            return False
        return resolution.outcome is Outcome.BOOTSTRAP or (record is not None and bool(record.phase))

    def _bootstrap(self, change: Create | Update | Adopt | Replace) -> None:
        resource = self.world.resources[change.address]
        target = feeding.audience_of(resource)
        provider = self.world.providers[change.address.kind]
        verbs = self.world.traits(target).verbs if target else None
        if target is None or verbs is None or not isinstance(provider, Runs):
            raise TdrError(
                f"{change.address}: its vendor cannot run exports",
                hint="name an audience that exists by its `audience_id`, so that nothing has to be made",
            )
        Bootstrap(
            world=self.world,
            session=self.session,
            resource=resource,
            audience=self.world.resources[target],
            verbs=verbs,
            provider=provider,
            runs=provider,
            stop=self.stop,
            tell=lambda message: self.listener(change.address, "progress", message),
        ).go(existing_id="" if isinstance(change, Create) else change.remote_id)

    def _resolved(self, address: Address) -> Resolution | None:
        """The resolution with ids that became known in this run."""
        resolution = self.prepared.resolutions.get(address)
        resource = self.world.resources.get(address)
        if resolution is None or resource is None or not isinstance(resource.spec, ActivationSpec):
            return resolution
        target = feeding.audience_of(resource)
        verbs = self.world.traits(target).verbs if target else None
        if (
            target is None
            or verbs is None
            or not any(isinstance(value, Unknown) for value in resolution.settings.values())
        ):
            return resolution
        record = self.session.record(target)
        if record is None:
            raise TdrError(
                f"{address}: the id of {target} is not known", hint=f"apply {target} first, or name its `audience_id`"
            )
        return steady_after(resource.spec.membership, record.remote_id, verbs)

    def _desired(self, address: Address) -> Desired:
        resource = self.world.resources[address]
        context = replace(self.world.context(self.session.remote_ids()), resolution=self._resolved(address))
        return self.world.providers[address.kind].desired(resource, context)

    # -- what is remembered of what needs no write ----------------------------------------------------------------

    def _tidy(self, changes: tuple[Change, ...]) -> None:
        """Remember quietly what a look has shown to be so, and close what a killed run left open and nobody needs."""
        for change in changes:
            if not isinstance(change, Keep):
                self._note_absence(change)
                continue
            self.session.close_settled(change.address)
            resource = self.world.resources.get(change.address)
            before = self.session.record(change.address)
            desired = self.prepared.desired.get(change.address)
            if (
                resource is None
                or before is None
                or desired is None
                or before.phase
                or not self._is_seen(change.address)
            ):
                continue
            after = self.session.record_of(resource, before.remote_id, desired.attributes, resolved=before.resolved)
            if before.made_of:
                # Another release that changes nothing is nothing to remember.
                after = replace(after, written_by=before.written_by)
            if after != before:
                self.session.remember(change.address, after)

    def _note_absence(self, change: Change) -> None:
        """Write down when a remembered object was first missed, unless an operation was left open there, which looks itself."""
        address = change.address
        record = self.session.record(address)
        look = self.prepared.seen.get(address)
        is_missed = isinstance(look, Finding) and look.by_id is None
        if record is None or not is_missed or record.absent_since or address in self.session.reopened:
            return
        self.session.remember(address, replace(record, absent_since=rfc3339(self.world.clock.now())), "missed")

    def _is_seen(self, address: Address) -> bool:
        look = self.prepared.seen.get(address)
        return isinstance(look, Finding) and look.by_id is not None
