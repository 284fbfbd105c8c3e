"""Activations that are steps of batch journeys. Their ids are told as ``PARENT/journeys/JOURNEY/STEP``.

People draw journeys in the vendor's console, and a step has its place in the drawing: so activations are read, taken over and
changed here, and never made or removed. A journey runs them, no address does. Source: oas-cdp, tag Journeys.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Final, cast

from reconciler.apis.treasure_data_cdp import CustomerData
from reconciler.diagnostics import Diagnostic
from reconciler.errors import NotFound, Permanent, ProviderError
from reconciler.model.activation import Outcome
from reconciler.model.address import Address
from reconciler.model.json import Json
from reconciler.model.kinds import ActivationSpec, JourneySource
from reconciler.model.marker import owner_in
from reconciler.model.observation import Finding, Observation, Seen, Unreadable
from reconciler.model.resource import Resource
from reconciler.ports.listing import Found
from reconciler.ports.provider import Context, Wanted
from reconciler.providers.treasure_data import wire
from reconciler.providers.treasure_data.activations import SegmentActivations
from reconciler.providers.treasure_data.family import Attributes, settled
from reconciler.providers.treasure_data.names import not_ours, parent_label
from reconciler.providers.treasure_data.wire import Raw

_ID: Final = re.compile(r"[0-9]+/journeys/[0-9]+/[0-9]+")
_KEPT_TOO: Final = ("runAfterJourneyRefresh", "activationActionsEnabled")
"""Fields that only these have; sent back as they were told."""


def is_of_journey(remote_id: str) -> bool:
    """Whether *remote_id* names an activation of a journey."""
    return _ID.fullmatch(remote_id) is not None


class JourneyActivations:
    """Activations of journeys: the verbs of a family, for documents that name a journey."""

    def __init__(self, data: CustomerData, alike: SegmentActivations) -> None:
        """Speak through *data*. What activations of segments and of journeys have in common, *alike* knows."""
        self._data = data
        self._alike = alike

    def check(self, resource: Resource, context: Context) -> Iterator[Diagnostic]:
        """As of segments: name, timing, and columns that a destination would not take."""
        yield from self._alike.problems(resource.address, _spec(resource), context)

    def attributes(self, resource: Resource, context: Context) -> Attributes:
        """What it should be.

        Raises:
            Permanent: its audience would have to be made by its first run, which only the journey begins.
        """
        spec, journey = _spec(resource), _journey(resource)
        if context.resolution is not None and context.resolution.outcome is Outcome.BOOTSTRAP:
            raise Permanent(
                f"{resource.address}: audience/{spec.to.audience} is not there, and a journey's activation cannot make it",
                hint="let an activation of a query or a segment make the audience first",
            )
        place = {"parent_segment": parent_label(journey.parent_segment, context), "name": journey.name}
        return {"journey": place, **self._alike.sending(spec, resource.address, context)}

    def observe(self, wanted: Sequence[Wanted], context: Context) -> Mapping[Address, Seen]:
        """A list of the parent segments, then of each that matters its folders, their journeys, and the steps of these."""
        try:
            labels = {wire.text(raw["id"]): wire.text(raw.get("name")) for raw in self._data.parents()}
        except ProviderError as error:
            return {question.address: Unreadable(error) for question in wanted}

        @cache
        def listed(parent: str) -> list[Observation] | ProviderError:
            try:
                return [found.observation for found in self.listing(parent, labels.get(parent, ""))]
            except ProviderError as error:
                return error

        return {question.address: self._seen(question, context, labels, listed) for question in wanted}

    def _seen(
        self,
        question: Wanted,
        context: Context,
        labels: Mapping[str, str],
        listed: Callable[[str], list[Observation] | ProviderError],
    ) -> Seen:
        remembered = question.record.remote_id if question.record else ""
        parents = {remembered.partition("/")[0]} - {""}
        place: tuple[str, str] | None = None
        if question.resource is not None:
            journey = _journey(question.resource)
            label = parent_label(journey.parent_segment, context)
            place = (label, journey.name)
            parents |= {one for one, name in labels.items() if name == label}
        by_id: Observation | None = None
        by_key: list[Observation] = []
        for parent in sorted(parents & labels.keys()):
            told = listed(parent)
            if isinstance(told, ProviderError):
                return Unreadable(told)
            for one in told:
                by_id = one if one.remote_id == remembered else by_id
                if place is not None and _place(one) == place and _is_named(one, question.resource):
                    by_key.append(one)
        if question.resource is not None and by_id is None and not by_key:
            return Unreadable(_not_there(question.resource))
        return Finding(by_id, tuple(sorted(by_key, key=lambda one: one.remote_id)))

    def listing(self, parent: str, label: str) -> Iterator[Found]:
        """All activations of all journeys of a parent segment; of a journey with versions, those of the newest.

        Raises:
            ProviderError: the vendor would not list them. NotFound is an account that has no journeys.
        """
        for journey in self._journeys(parent):
            told = cast("Raw", journey.get("attributes") or {})
            name = wire.text(told.get("journeyBundleName")) or wire.text(told.get("name"))
            for raw in self._data.journey_activations(wire.text(journey["id"])):
                one = self._observed(parent, label, wire.text(journey["id"]), name, raw)
                yield Found("activation", wire.text(one.attributes["name"]), one)

    def _journeys(self, parent: str) -> list[Raw]:
        versions: dict[str, list[Raw]] = defaultdict(list)
        for folder in self._data.folders(parent):
            try:
                journeys = self._data.journeys(wire.text(folder["id"]))
            except NotFound:
                return []  # where there are no journeys, their address is not there
            for raw in journeys:
                bundle = wire.text(cast("Raw", raw.get("attributes") or {}).get("journeyBundleId"))
                versions[f"bundle {bundle}" if bundle else wire.text(raw["id"])].append(raw)
        return [max(ones, key=_version) for ones in versions.values()]

    def _observed(self, parent: str, label: str, journey: str, name: str, raw: Raw) -> Observation:
        params = _params(raw)
        described = wire.text(params.get("description"))
        return Observation(
            f"{parent}/journeys/{journey}/{wire.text(raw['id'])}",
            {"journey": {"parent_segment": label, "name": name}, **self._alike.told(params)},
            {key: params[key] for key in (*_KEPT_TOO, "endOn", "syndicationBehaviors") if params.get(key)},
            marker=described if owner_in(described) else "",
        )

    def create(self, resource: Resource, attributes: Attributes) -> Observation:
        """Raises Permanent: a step of a journey is drawn in the console."""
        del attributes
        raise _not_there(resource)

    def update(
        self, resource: Resource, remote_id: str, attributes: Attributes, changed: frozenset[str]
    ) -> Observation:
        """Read it alone, exchange what changed, and send all that may be written. Its journey cannot be exchanged.

        Raises:
            Permanent: its settings hold secrets that nobody can read to send them back.
        """
        settled({name: attributes[name] for name in changed}, resource)
        if "journey" in changed:
            raise Permanent(
                f"{resource.address}: an activation stays with its journey", hint="give it another document and name"
            )
        raw = self._data.journey_activation(*_below(remote_id))
        body = self._alike.exchanged(_params(raw), resource, attributes, changed)
        told = self._send(remote_id, raw, body)
        place = cast("Mapping[str, str]", attributes["journey"])
        parent, _, journey, _ = remote_id.split("/")
        return self._observed(parent, place["parent_segment"], journey, place["name"], told)

    def delete(self, address: Address, remote_id: str) -> None:
        """Raises Permanent: no address removes a step of a journey."""
        del remote_id
        raise Permanent(
            f"{address}: no address of Treasure Data removes the step of a journey",
            hint="take the step out of the journey in the console; or keep it there and forget it: "
            f"`removed: [{{address: {address}, on_delete: forget}}]` in a Transitions document",
        )

    def disable(self, address: Address, remote_id: str) -> None:
        """Take its schedule off and leave all else as it is."""
        del address
        raw = self._data.journey_activation(*_below(remote_id))
        self._send(remote_id, raw, self._alike.unscheduled(_params(raw)))

    def _send(self, remote_id: str, raw: Raw, body: Mapping[str, Json]) -> Raw:
        params: dict[str, Json] = {name: _params(raw)[name] for name in _KEPT_TOO if _params(raw).get(name) is not None}
        params |= body
        # A number for activations of segments, text here.
        params["connectionId"] = wire.text(params["connectionId"])
        attributes = cast("Raw", raw["attributes"])
        sent = {"activationId": attributes.get("activationId"), "activationParams": params}
        return self._data.update_journey_activation(*_below(remote_id), sent)


def _not_there(resource: Resource) -> Permanent:
    journey = _journey(resource)
    own = _spec(resource).name or resource.address.name
    return Permanent(
        f"{resource.address}: the journey {journey.name!r} of {journey.parent_segment} has no activation {own!r}, "
        "and steps of journeys are not made here",
        hint="draw the step in the console of Treasure Data, then apply again",
    )


def _below(remote_id: str) -> tuple[str, str]:
    _, _, journey, step = remote_id.split("/")
    return journey, step


def _params(raw: Raw) -> Raw:
    told = raw.get("attributes")
    params = told.get("activationParams") if isinstance(told, dict) else None
    return params if isinstance(params, dict) else {}


def _version(raw: Raw) -> tuple[int, int]:
    told = cast("Raw", raw.get("attributes") or {})
    return wire.whole(told.get("versionNumber")), wire.whole(raw["id"])


def _place(one: Observation) -> tuple[str, str]:
    journey = cast("Mapping[str, str]", one.attributes["journey"])
    return journey["parent_segment"], journey["name"]


def _is_named(one: Observation, resource: Resource | None) -> bool:
    return resource is not None and one.attributes["name"] == (_spec(resource).name or resource.address.name)


def _journey(resource: Resource) -> JourneySource:
    journey = _spec(resource).from_.journey
    if journey is None:
        raise not_ours(resource)
    return journey


def _spec(resource: Resource) -> ActivationSpec:
    if not isinstance(resource.spec, ActivationSpec):
        raise not_ours(resource)
    return resource.spec
