"""Activations of segments, which the vendor calls syndications. Their ids are told as ``PARENT/SEGMENT/ID``."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

from reconciler.apis.treasure_data import TreasureData
from reconciler.apis.treasure_data_cdp import CustomerData
from reconciler.diagnostics import Diagnostic
from reconciler.errors import Conflict, Permanent, ProviderError
from reconciler.model.activation import Outcome
from reconciler.model.address import Address
from reconciler.model.json import Json
from reconciler.model.kinds import ActivationSpec, AudienceSpec
from reconciler.model.mapping import Notify
from reconciler.model.marker import marker, owner_in
from reconciler.model.observation import Finding, Observation, Seen, Unreadable
from reconciler.model.probe import AccountFacts, FactName
from reconciler.model.resource import Resource
from reconciler.model.unknown import Unknown
from reconciler.ports.clock import Clock
from reconciler.ports.provider import Context, Wanted
from reconciler.providers.treasure_data import activation_checks, output, repeats, results, wire
from reconciler.providers.treasure_data.family import Attributes, Leaf, settled
from reconciler.providers.treasure_data.names import not_ours, referred
from reconciler.providers.treasure_data.segments import SEGMENT_KIND, SegmentTrees
from reconciler.providers.treasure_data.timings import Timings
from reconciler.providers.treasure_data.wire import Raw

_ID: Final = re.compile(r"[0-9]+/[0-9]+/[0-9]+")
_NOTICES: Final = {"success": "onSuccess", "failure": "onFailure"}
# Whether an update keeps what it leaves out is not documented, so these go back as they were told. Source: oas-cdp.
_KEPT: Final = (
    *("name", "description", "connectionId", "allColumns", "columns", "timezone", "notifyOn", "emailRecipients"),
    *("endOn", "activationTemplateId", "nestedWorkflowProjectName", "nestedWorkflowName", "lockEnabled"),
    *("syndicationBehaviors",),
)
_PLAIN: Final[Mapping[str, tuple[str, Callable[[Any], Json]]]] = {
    "name": ("name", str),
    "connection": ("connectionId", int),
    "all_columns": ("allColumns", bool),
    "columns": ("columns", lambda columns: cast("Json", output.sent(columns))),
    "notify_when": ("notifyOn", lambda whens: [_NOTICES[one] for one in whens]),
    "notify_users": ("emailRecipients", lambda users: [int(one) for one in users]),
}
"""Attribute -> the vendor's field, and how its value is written there."""
_SCHEDULE: Final = ("repeatUnit", "repeatFrequency", "repeatSubFrequency", "startAt")
_OLDER_SCHEDULE: Final = ("scheduleType", "scheduleOption")


def is_of_segment(remote_id: str) -> bool:
    """Whether *remote_id* names an activation of a segment, and not a saved query."""
    return _ID.fullmatch(remote_id) is not None


class SegmentActivations:
    """Activations of segments: the verbs of a family, for documents whose rows come from a segment."""

    def __init__(
        self,
        api: TreasureData,
        data: CustomerData,
        trees: SegmentTrees,
        timings: Timings,
        clock: Clock,
        owner: str,
        facts: AccountFacts,
    ) -> None:
        """Speak through *data* as *facts* say; *api* knows the users of the account; sign as *owner*."""
        self._api = api
        self._data = data
        self._trees = trees
        self._timings = timings
        self._clock = clock
        self._owner = owner
        self._user_ids: Mapping[str, str] | None = None
        self._masks_known = facts.holds(FactName.ACTIVATION_SECRETS_MASKED, default=False)
        self._users_listed = facts.holds(FactName.USERS_LISTED, default=True)
        self._ways = repeats.Ways(
            in_units=facts.holds(FactName.REPEAT_UNITS_TOLD, default=True),
            sunday=7 if facts.holds(FactName.SUNDAY_IS_SEVEN, default=True) else 0,
        )

    def check(self, resource: Resource, context: Context) -> Iterator[Diagnostic]:
        """Name, timing, and columns that a destination would not take."""
        yield from self.problems(resource.address, _spec(resource), context)

    def problems(self, address: Address, spec: ActivationSpec, context: Context) -> Iterator[Diagnostic]:
        """The same, whoever the people are."""
        yield from self._timings.problems(address, spec.schedule, context)
        yield from activation_checks.problems(address, spec, context, users_listed=self._users_listed)

    def attributes(self, resource: Resource, context: Context) -> Attributes:
        """What it should be; segment and connection by their ids, which an apply may have to tell first.

        Raises:
            Permanent: an address belongs to no user of the account.
        """
        segment = _id(Address(SEGMENT_KIND, str(_spec(resource).from_.segment)), context)
        return {"segment": segment, **self.sending(_spec(resource), resource.address, context)}

    def sending(self, spec: ActivationSpec, address: Address, context: Context) -> Attributes:
        """What it should be, whoever the people are. Raises as `attributes`."""
        audience = referred(Address("audience", spec.to.audience), AudienceSpec, context)
        wanted: dict[str, Leaf | Mapping[str, Leaf]] = {
            "name": spec.name or address.name,
            "connection": _id(Address("connection", audience.connection), context),
            "all_columns": spec.all_columns,
            "columns": cast("Json", output.declared(spec.columns)),
            "export": results.config_settings(spec, audience, context.resolution),
        }
        if spec.description is not None:
            wanted["description"] = spec.description
        if spec.notify is not None:
            wanted["notify_when"] = cast("Json", sorted({one.value for one in spec.notify.when}))
            wanted["notify_users"] = cast("Json", self._users(address, spec.notify))
        resolution = context.resolution
        if resolution is not None and resolution.outcome is Outcome.BOOTSTRAP:
            wanted["cron"] = ""  # in create mode only its first run may succeed, so it must not run by itself
        else:
            told = self._timings.attributes(spec, context)
            wanted.update({name: value for name, value in told.items() if name != "delay"})
        return wanted

    def observe(self, wanted: Sequence[Wanted], context: Context) -> Mapping[Address, Seen]:
        """One list of each parent segment that matters."""
        segments = self._segments(wanted, context)
        lists: dict[str, list[Raw] | ProviderError] = {}
        return {question.address: self._seen(question, segments.get(question.address), lists) for question in wanted}

    def _segments(self, wanted: Sequence[Wanted], context: Context) -> dict[Address, str | ProviderError]:
        """Activation -> the id of its segment, ``PARENT/ID``. One that the state does not know is looked for by its name."""
        found: dict[Address, str | ProviderError] = {}
        unknown: dict[Address, list[Address]] = defaultdict(list)
        for question in wanted:
            if question.resource is None:
                continue
            segment = Address(SEGMENT_KIND, str(_spec(question.resource).from_.segment))
            if segment in context.remote_ids:
                found[question.address] = context.remote_ids[segment]
            elif segment in context.resources:
                unknown[segment].append(question.address)
        if unknown:
            looks = self._trees.observe([Wanted(one, context.resources[one], None) for one in unknown], context)
            for segment, look in looks.items():
                if isinstance(look, Unreadable):
                    found |= dict.fromkeys(unknown[segment], look.error)
                elif len(look.by_key) == 1:
                    found |= dict.fromkeys(unknown[segment], look.by_key[0].remote_id)
        return found

    def _seen(
        self, question: Wanted, segment: str | ProviderError | None, lists: dict[str, list[Raw] | ProviderError]
    ) -> Seen:
        if isinstance(segment, ProviderError):
            return Unreadable(segment)
        remembered = question.record.remote_id if question.record else ""
        by_id: Observation | None = None
        by_key: list[Observation] = []
        try:
            for parent in sorted({one.partition("/")[0] for one in (segment or "", remembered) if one}):
                for raw in self._listed(parent, lists):
                    place = f"{parent}/{wire.text(raw.get('segmentId'))}"
                    is_own = f"{place}/{wire.text(raw['id'])}" == remembered
                    is_named = question.resource is not None and place == segment and _is_named(raw, question.resource)
                    if is_own or is_named:
                        one = self.observed(parent, raw)
                        by_id = one if is_own else by_id
                        by_key += [one] if is_named else []
        except ProviderError as error:
            return Unreadable(error)
        return Finding(by_id, tuple(sorted(by_key, key=lambda one: one.remote_id)))

    def _listed(self, parent: str, lists: dict[str, list[Raw] | ProviderError]) -> list[Raw]:
        """The activations of a parent segment, listed once; a refusal, 404 included, says nothing of what is there."""
        if parent not in lists:
            try:
                lists[parent] = self._data.syndications(parent)
            except ProviderError as error:
                lists[parent] = error
        told = lists[parent]
        if isinstance(told, ProviderError):
            raise told
        return told

    def observed(self, parent: str, raw: Raw) -> Observation:
        """An activation as the vendor tells it; one listed without settings or columns is asked for once more, alone."""
        segment, own = wire.text(raw.get("segmentId")), wire.text(raw["id"])
        if not raw.get("connectorConfig") or not (raw.get("columns") or raw.get("allColumns")):
            raw = self._data.syndication(parent, segment, own)
        described = wire.text(raw.get("description"))
        names = ("valid", "runStatus", "endOn", "syndicationBehaviors", "nestedWorkflowName")
        computed = {name: raw[name] for name in names if raw.get(name) not in (None, "", [])}
        return Observation(
            f"{parent}/{segment}/{own}",
            {"segment": f"{parent}/{segment}", **self.told(raw)},
            computed,
            wire.unix_seconds(raw.get("createdAt")),
            note="" if raw.get("valid") is not False else "not valid at the vendor",
            marker=described if owner_in(described) else "",
        )

    def told(self, raw: Raw) -> dict[str, Json]:
        """What an activation is, whoever its people are."""
        config, described = raw.get("connectorConfig"), wire.text(raw.get("description"))
        cron, zone = self._timings.comparable(repeats.told(raw), wire.text(raw.get("timezone")))
        whens, users = (raw.get(name) for name in ("notifyOn", "emailRecipients"))
        return {
            "name": wire.text(raw.get("name")),
            "connection": wire.text(raw.get("connectionId")),
            "description": "" if owner_in(described) else described,
            "all_columns": raw.get("allColumns") is True,
            "columns": cast("Json", output.told(raw.get("columns"))),
            "export": results.readable(config) if isinstance(config, dict) else {},
            "notify_when": cast(
                "Json", sorted(ours for ours, theirs in _NOTICES.items() if isinstance(whens, list) and theirs in whens)
            ),
            "notify_users": cast("Json", sorted(map(wire.text, users)) if isinstance(users, list) else []),
            "cron": cron,
            "timezone": zone,
        }

    def create(self, resource: Resource, attributes: Attributes) -> Observation:
        """Make it, unless somebody has made one of that name meanwhile: the vendor would keep both."""
        settled(attributes, resource)
        parent, _, segment = str(attributes["segment"]).partition("/")
        for raw in self._data.syndications(parent):
            if wire.text(raw.get("segmentId")) == segment and _is_named(raw, resource):
                raise Conflict(f"{resource.address}: its segment has an activation {attributes['name']!r} already")
        body = self._body(resource, attributes, frozenset(attributes) | {"description"})
        return self.observed(parent, {"segmentId": segment, **self._data.create_syndication(parent, segment, body)})

    def update(
        self, resource: Resource, remote_id: str, attributes: Attributes, changed: frozenset[str]
    ) -> Observation:
        """Read it alone, exchange what changed, and send all that may be written. A segment cannot be exchanged.

        Raises:
            Permanent: its settings hold secrets that nobody can read to send them back.
        """
        settled({name: attributes[name] for name in changed}, resource)
        parent, segment, own = remote_id.split("/")
        if "segment" in changed and attributes["segment"] != f"{parent}/{segment}":
            raise Permanent(
                f"{resource.address}: an activation stays with its segment", hint="give it another document and name"
            )
        raw = self._data.syndication(parent, segment, own)
        told = self._data.update_syndication(parent, segment, own, self.exchanged(raw, resource, attributes, changed))
        return self.observed(parent, {"segmentId": segment, **told})

    def exchanged(
        self, raw: Raw, resource: Resource, attributes: Attributes, changed: frozenset[str]
    ) -> dict[str, Json]:
        """All that may be written of an activation that is told as *raw*, with the fields *changed* as they are wanted.

        Raises:
            Permanent: its settings hold secrets that nobody can read to send them back.
        """
        kept: dict[str, Json] = {name: raw[name] for name in _KEPT if raw.get(name) is not None}
        if not changed & {"cron", "timezone"}:
            schedule = _SCHEDULE if raw.get("repeatUnit") else _OLDER_SCHEDULE
            kept |= {name: raw[name] for name in schedule if name in raw}
        config = raw.get("connectorConfig")
        if isinstance(config, dict) and results.is_readable(config, masks_known=self._masks_known):
            kept["connectorConfig"] = config
        elif "export" in changed:
            raise Permanent(
                f"{resource.address}: its settings at Treasure Data hold secrets, which nobody can read to send them back",
                hint="change it in the console, or let tdr make it anew under another name",
            )
        body = kept | self._body(resource, attributes, changed)
        described = wire.text(raw.get("description"))
        if "description" not in changed and (not described or owner_in(described)):
            body["description"] = marker(self._owner, resource.address) or described
        return body

    def delete(self, address: Address, remote_id: str) -> None:
        """Remove it."""
        del address
        parent, segment, own = remote_id.split("/")
        self._data.delete_syndication(parent, segment, own)

    def disable(self, address: Address, remote_id: str) -> None:
        """Take its schedule off and leave all else as it is."""
        del address
        parent, segment, own = remote_id.split("/")
        self._data.update_syndication(
            parent, segment, own, self.unscheduled(self._data.syndication(parent, segment, own))
        )

    def unscheduled(self, raw: Raw) -> dict[str, Json]:
        """All that may be written of an activation that is told as *raw*, without its schedule."""
        body: dict[str, Json] = {name: raw[name] for name in _KEPT if raw.get(name) is not None}
        config = raw.get("connectorConfig")
        if isinstance(config, dict) and results.is_readable(config, masks_known=self._masks_known):
            body["connectorConfig"] = config
        return body | self._schedule("", "UTC")

    def _body(self, resource: Resource, attributes: Attributes, names: frozenset[str]) -> dict[str, Json]:
        """The vendor's fields for the attributes *names*.

        Raises:
            Permanent: the export has no action yet.
        """
        told = cast("Mapping[str, Any]", attributes)
        body = {theirs: read(told[ours]) for ours, (theirs, read) in _PLAIN.items() if ours in names}
        if "description" in names:
            body["description"] = told.get("description") or marker(self._owner, resource.address)
        if "export" in names:
            if "action" not in told["export"]:
                raise Permanent(
                    f"{resource.address} has no export action yet", hint="its audience must be looked at first"
                )
            body["connectorConfig"] = results.revealed(told["export"], self._api.scrubber)
        if names & {"cron", "timezone"}:
            body |= self._schedule(told.get("cron", ""), told.get("timezone", "UTC"))
        return body

    def _schedule(self, cron: str, zone: str) -> dict[str, Json]:
        return {**repeats.sent(cron, zone, self._timings.dialect, self._clock.now(), self._ways), "timezone": zone}

    def _users(self, address: Address, notify: Notify) -> list[str]:
        """The ids of users by their addresses, which go no further than here."""
        if self._user_ids is None:
            self._user_ids = {wire.text(raw.get("email")).casefold(): wire.text(raw["id"]) for raw in self._api.users()}
        ids = []
        for place, email in enumerate(notify.emails):
            user_id = self._user_ids.get(email.casefold())
            if user_id is None:
                raise Permanent(
                    f"{address}: `notify.emails[{place}]` is the address of no user of the Treasure Data account",
                    hint="write the address of somebody who has a user there",
                )
            ids.append(user_id)
        return sorted(set(ids))


def _is_named(raw: Raw, resource: Resource) -> bool:
    return wire.text(raw.get("name")) == (_spec(resource).name or resource.address.name)


def _id(address: Address, context: Context) -> str | Unknown:
    return context.remote_ids.get(address) or Unknown(address)


def _spec(resource: Resource) -> ActivationSpec:
    if not isinstance(resource.spec, ActivationSpec) or resource.spec.from_.segment is None:
        raise not_ours(resource)
    return resource.spec
