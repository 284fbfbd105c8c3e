"""`tdr preview activation/NAME`: what would be sent, and what would not, without sending any of it."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

from reconciler.commands.answer import Answer
from reconciler.commands.interruption import Interruption, ended
from reconciler.dataplane.identifiers import Judged, judge
from reconciler.dataplane.reasons import EXPLANATIONS
from reconciler.engine.feeding import audience_of
from reconciler.engine.following import follow
from reconciler.engine.pauses import WATCHED_AT_MOST_S
from reconciler.errors import ProviderError, TdrError
from reconciler.model.address import Address
from reconciler.model.json import Json
from reconciler.model.kinds import ActivationSpec, AudienceSpec, Identifier
from reconciler.model.resource import Resource
from reconciler.model.row_activations import FileActivationSpec, ObjectActivationSpec
from reconciler.phases import phase
from reconciler.ports.clock import rfc3339
from reconciler.ports.provider import Asks, Context, GivesRows, JobStatus, Rows, Runs
from reconciler.reports import rows
from reconciler.reports.documents import heading
from reconciler.scrubbing import MASK
from reconciler.wiring import Runtime

_MOST_ROWS = 100_000
"""Of a query that is looked at. What it would give beyond them is not counted, and the page says so."""
_SHOWN_DIGITS = 8
"""Of a digest: enough to compare with a log, and too few to find somebody by."""


def sending(
    runtime: Runtime, resource: Resource, context: Context, most_rows: int, interruption: Interruption
) -> Answer:
    """Run the query of the activation *resource* once, without its export, and look at the rows as its destination would.

    Raises:
        TdrError: its rows come from no query, or the query failed.
        Transient: the query was not finished within `job_timeout`.
        Ended: *interruption* was asked to end it.
    """
    spec = resource.spec
    if not isinstance(spec, ActivationSpec | ObjectActivationSpec | FileActivationSpec) or spec.sql is None:
        raise TdrError(
            f"{resource.address}: who is sent is chosen at the vendor, not by a query",
            hint="`tdr preview` shows activations `from: {query: …}`; of a segment see `tdr status`",
        )
    given = _asked(runtime, resource, context, interruption)
    told: dict[str, Json] = {"rows": len(given.values), "is_whole": len(given.values) < _MOST_ROWS}
    identifier = _identifier(runtime, resource)
    if identifier is None:
        shown = rows.masked(given.columns, given.values[:most_rows])
    else:
        judged = judge(_values(resource.address, given, identifier), identifier)
        told |= _counts(judged)
        shown = {
            "columns": [identifier.value, "is", "becomes"],
            "first_rows": [_shown(one, identifier) for one in judged[:most_rows]],
        }
    schema: list[Json] = []
    document = heading("preview", rfc3339(runtime.clock.now())) | {"address": str(resource.address), "schema": schema}
    return Answer(document | {"sending": told} | shown)


def _asked(runtime: Runtime, resource: Resource, context: Context, interruption: Interruption) -> Rows:
    address = resource.address
    provider = runtime.world.providers[address.kind]
    if not isinstance(provider, Asks) or not isinstance(provider, Runs) or not isinstance(provider, GivesRows):
        raise TdrError(f"{address} cannot be looked at beforehand", hint="apply it, and look with `tdr run`")
    interruption.begin()  # a query that was started and is not looked at would go on for nobody
    job_id = provider.ask(resource, context, _MOST_ROWS, f"tdr-preview-{uuid.uuid4().hex}")
    is_over = False
    try:
        with phase("preview", f"running the query of {address} as job {job_id}"):
            job = follow(
                runtime.world,
                f"{address}: job {job_id} of its query",
                lambda: provider.job(job_id),
                stop=interruption.event,
                hint="let it find fewer rows, or give it longer by `job_timeout` of the environment",
                at_most_s=WATCHED_AT_MOST_S,
            )
        is_over = job.status.is_finished
    finally:
        if not is_over:
            with suppress(ProviderError):
                provider.withdraw(job_id)
    if not is_over:
        raise ended(interruption.number, "interrupted before anything was shown")
    if job.status is not JobStatus.SUCCESS:
        raise TdrError(f"{address}: its query ended as {job.status}, as job {job_id}", hint=job.log.rstrip())
    given = provider.rows(job_id, _MOST_ROWS)
    if given is None:
        raise TdrError(f"{address}: the rows of job {job_id} are not there any more", hint="run the same command again")
    return given


def _identifier(runtime: Runtime, resource: Resource) -> Identifier | None:
    """What members of the activation's audience are known by; None where rows go out as they are."""
    target = audience_of(resource)
    audience = runtime.world.resources[target].spec if target is not None else None
    return audience.identifier if isinstance(audience, AudienceSpec) else None


def _values(address: Address, given: Rows, identifier: Identifier) -> list[str | None]:
    names = [name.lower() for name in given.columns]
    if identifier.value not in names:
        raise TdrError(
            f"{address}: its query has no column {identifier.value!r}", hint=f"it has {', '.join(given.columns)}"
        )
    place = names.index(identifier.value)
    return [None if row[place] is None else str(row[place]) for row in given.values]


def _counts(judged: Sequence[Judged]) -> dict[str, Json]:
    """Rows by what becomes of them; those of the same key are sent once."""
    valid = [one.key for one in judged if one.reason is None]
    left_out = Counter(one.reason.value for one in judged if one.reason is not None)
    return {
        "sent": len(set(valid)),
        "duplicates": len(valid) - len(set(valid)),
        "already_hashed": sum(one.was_digest for one in judged),
        "left_out": dict(sorted(left_out.items())),
    }


def _shown(one: Judged, identifier: Identifier) -> list[Json]:
    if one.reason is not None:
        return [MASK, one.reason.value, f"left out: {EXPLANATIONS[one.reason]}"]
    kind = "sha256" if one.was_digest else identifier.value
    return [MASK, kind, f"{one.key[:_SHOWN_DIGITS]}…"]
