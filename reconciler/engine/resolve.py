"""What an audience needs today: the vendor's verb that nobody has to write.

Pure: *(membership, what was seen of the audience, what is remembered, the destination's verbs)* -> resolution.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.activation import AudienceVerbs, Outcome, Resolution
from reconciler.model.address import Address
from reconciler.model.kinds import Membership
from reconciler.model.observation import Finding, Observation, Seen, Unreadable
from reconciler.model.record import Record
from reconciler.model.unknown import Unknown
from reconciler.ports.clock import rfc3339

NOT_MADE_HERE = "audience_not_made_here"
CREATING = frozenset({Membership.REPLACE, Membership.ADD})
"""Memberships whose first run may make the audience. Making one in order to empty it is never right."""


@dataclass(frozen=True, slots=True)
class Audience:
    """What is known of the audience an activation writes to.

    seen: the look at it, or None when there are no credentials to look with.
    chosen_id: the `audience_id` its document names, or "".
    made_by_other: another activation of this run makes it first.
    """

    address: Address
    title: str
    description: str
    seen: Seen | None
    record: Record | None = None
    chosen_id: str = ""
    made_by_other: bool = False


def resolve(membership: Membership, audience: Audience, verbs: AudienceVerbs) -> Resolution:
    """Decide the export's action.

    Bootstrap when the audience is absent and *membership* may make it; steady with the id when there is exactly one;
    refuse when it is ambiguous; unknown, which decides nothing, when it could not be read.
    """
    match audience.seen:
        case None:
            return _without_looking(membership, audience, verbs)
        case Unreadable(error):
            return Resolution(
                Outcome.UNKNOWN, why="audience_unreadable", evidence=f"{audience.address}: {error.message}"
            )
        case Finding():
            return _after_looking(membership, audience, audience.seen, verbs)


def identify(finding: Finding, chosen_id: str = "") -> Observation | tuple[Observation, ...]:
    """The one object meant, or all candidates when that is not clear; an empty tuple when there is none."""
    if chosen_id:
        known = (*finding.by_key, finding.by_id) if finding.by_id else finding.by_key
        return next((seen for seen in known if seen.remote_id == chosen_id), ())
    if finding.by_id is not None:
        return finding.by_id
    return finding.by_key[0] if len(finding.by_key) == 1 else finding.by_key


def _after_looking(membership: Membership, audience: Audience, finding: Finding, verbs: AudienceVerbs) -> Resolution:
    meant = identify(finding, audience.chosen_id)
    if isinstance(meant, Observation):
        return _steady(membership, meant.remote_id, verbs, f"audience {meant.remote_id} {audience.title!r} exists")
    if audience.chosen_id:
        return Resolution(
            Outcome.REFUSE,
            why="audience_id_not_found",
            evidence=f"no audience {audience.chosen_id} with the title {audience.title!r}",
        )
    if meant:
        return Resolution(Outcome.REFUSE, why="ambiguous_identity", evidence=candidates(meant))
    if audience.made_by_other:
        return _steady(
            membership, Unknown(audience.address), verbs, "another activation of this run makes the audience"
        )
    if membership not in CREATING:
        return Resolution(
            Outcome.NOTHING,
            why="audience_absent",
            evidence=f"no audience {audience.title!r}, so there is nothing to {membership.value}",
        )
    settings = {verbs.create_title_setting: audience.title}
    if audience.description:
        settings[verbs.create_description_setting] = audience.description
    return Resolution(
        Outcome.BOOTSTRAP,
        mode=verbs.create,
        settings=dict(settings),
        why="audience_absent",
        evidence=f"no audience {audience.title!r}; its first run makes it",
    )


def refuse_making(resolution: Resolution, audience: Address) -> Resolution:
    """*resolution* of an activation whose run nobody here can begin, such as a journey's: it cannot make *audience*."""
    if resolution.outcome is not Outcome.BOOTSTRAP:
        return resolution
    evidence = f"{audience} is not there, and a journey's activation cannot make it"
    return Resolution(Outcome.REFUSE, why=NOT_MADE_HERE, evidence=evidence)


def _without_looking(membership: Membership, audience: Audience, verbs: AudienceVerbs) -> Resolution:
    """No credentials for the destination: only what a document or the state names can be used."""
    audience_id = audience.chosen_id or (audience.record.remote_id if audience.record else "")
    if audience_id:
        return _steady(membership, audience_id, verbs, f"audience {audience_id}, not looked at for want of credentials")
    return Resolution(
        Outcome.REFUSE,
        why="audience_unknown",
        evidence=f"whether {audience.title!r} exists cannot be seen; name its `audience_id`, or give the connection credentials",
    )


def _steady(membership: Membership, audience_id: str | Unknown, verbs: AudienceVerbs, evidence: str) -> Resolution:
    verb = verbs.on_existing[membership]
    return Resolution(
        Outcome.STEADY,
        mode=verb.action,
        settings={verb.id_setting: audience_id},
        audience_id=audience_id if isinstance(audience_id, str) else "",
        why="audience_exists",
        evidence=evidence,
    )


def steady_after(membership: Membership, audience_id: str | Unknown, verbs: AudienceVerbs) -> Resolution:
    """What a bootstrap ends in: the steady action on the audience that its first run made."""
    return _steady(membership, audience_id, verbs, "made by its first run")


def candidates(observations: tuple[Observation, ...]) -> str:
    """Ids, sizes and dates of objects that share one natural key, for a person to choose from."""
    return "; ".join(
        f"{seen.remote_id}"
        + (f" size {seen.computed['size']}" if seen.computed.get("size") is not None else "")
        + (f" created {rfc3339(seen.created_at)}" if seen.created_at is not None else "")
        for seen in observations
    )
