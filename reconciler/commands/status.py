"""`tdr status`: whether what was applied also works. Looks only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reconciler.commands.answer import DIFFERENCES, FAILED, OK, Answer
from reconciler.engine import health
from reconciler.engine.health import Problem, Watched
from reconciler.engine.refresh import refresh
from reconciler.engine.safety import guard_accounts
from reconciler.errors import ProviderError, TdrError
from reconciler.model.address import Address
from reconciler.model.observation import Finding, Seen, Unreadable
from reconciler.model.record import Record, State
from reconciler.phases import phase
from reconciler.ports.provider import RUNNABLE, Expires, Job, Runs
from reconciler.ports.readers import readers
from reconciler.reports import status as reports
from reconciler.reports.status import Seen as Shown
from reconciler.wiring import Runtime

AT_ONCE = 8
"""How many resources are asked for their runs at a time."""
_WATCHED = RUNNABLE | {"audience", "connection", "qlikconnection", "qliktask"}


def status(runtime: Runtime, address: Address | None = None) -> Answer:
    """Look at the runs, schedules, audiences and authorisations of all that is applied, or of *address* alone.

    Raises:
        TdrError: *address* is not applied, or nothing that has a status.
        Blocked: a wrong account answers.
    """
    state = runtime.store.read().state
    chosen = _chosen(state, address)
    guarded = guard_accounts(runtime.world, state)
    with phase("read", "reading what is there"):
        seen = refresh(runtime.world, state, guarded.unknown, chosen)
        expiries, untold = _expiries(runtime, guarded.unknown)
    with phase("runs", "looking at runs"), readers(AT_ONCE, "status") as pool:
        shown = list(
            pool.map(lambda one: _look(runtime, one, state.records[one], seen.get(one), expiries.get(one)), chosen)
        )
    problems = [problem for one in shown for problem in one.problems]
    is_complete = all(not one.error for one in shown) and not untold
    document = reports.document(
        shown,
        runtime.environment_name,
        dialect=runtime.world.environment.cron_dialect,
        now=runtime.clock.now(),
        in_full=address is not None,
        notes=untold,
    )
    if not is_complete:
        return Answer(document, FAILED)
    return Answer(document, DIFFERENCES if problems else OK)


def _chosen(state: State, address: Address | None) -> list[Address]:
    if address is None:
        return sorted(one for one in state.records if one.kind in _WATCHED)
    if address not in state.records:
        raise TdrError(f"{address} is not applied", hint="see `tdr state list`")
    if address.kind not in _WATCHED:
        raise TdrError(f"{address} has no status", hint=f"kinds that have one: {', '.join(sorted(_WATCHED))}")
    return [address]


def _expiries(runtime: Runtime, unknown: Iterable[str]) -> tuple[Mapping[Address, float], Sequence[str]]:
    """When authorisations end, and why that cannot be told of some."""
    told: dict[Address, float] = {}
    notes: list[str] = []
    asked = {provider.name: provider for provider in runtime.world.providers.values()}
    for name, provider in sorted(asked.items()):
        if name in unknown or not isinstance(provider, Expires):
            continue
        try:
            told.update(provider.expiries())
        except TdrError as error:
            notes.append(f"{name}: {error.message}")
    return told, notes


def _look(runtime: Runtime, address: Address, record: Record, look: Seen | None, expires_at: float | None) -> Shown:
    """One resource, its newest runs and what is wrong with it."""
    if look is None or isinstance(look, Unreadable):
        why = look.error.message if look is not None else f"no provider knows the kind {address.kind!r}"
        return Shown(address, record, None, (), (), why)
    limits = runtime.world.environment.health
    runs: Sequence[Job] = ()
    error = ""
    provider = runtime.world.providers[address.kind]
    if address.kind in RUNNABLE and isinstance(provider, Runs) and look.by_id is not None:
        try:
            runs = provider.jobs(address, record.remote_id, limits.runs)
        except ProviderError as refused:
            error = refused.message
    watched = Watched(address, record, look.by_id, runs, _creating(runtime, address), expires_at)
    found: list[Problem] = health.problems(watched, limits, runtime.clock.now())
    return Shown(address, record, look.by_id if isinstance(look, Finding) else None, tuple(runs), tuple(found), error)


def _creating(runtime: Runtime, address: Address) -> str:
    """The mode of an export that makes its audience; "" for what exports nothing."""
    if address.kind != "activation":
        return ""
    verbs = runtime.world.traits(Address("audience", "any")).verbs
    return verbs.create if verbs is not None else ""
