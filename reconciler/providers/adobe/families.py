"""What the families have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from reconciler.apis.adobe import FlowService, Kind, Object
from reconciler.errors import NotFound, ProviderError, Transient
from reconciler.model.address import Address
from reconciler.model.json import Json
from reconciler.model.observation import Finding, Observation, Seen, Unreadable
from reconciler.model.resource import Resource
from reconciler.model.secret import Secret
from reconciler.model.unknown import Unknown
from reconciler.ports.provider import Wanted

Attributes: TypeAlias = Mapping[str, "Json | Secret | Unknown | Mapping[str, Json | Secret | Unknown]"]


def name_of(resource: Resource) -> str:
    """What it is called at Adobe: its `name`, or the document's."""
    name = getattr(resource.spec, "name", None)
    return str(name or resource.address.name)


def id_of(address: Address, remote_ids: Mapping[Address, str]) -> str | Unknown:
    """The vendor's id of what a document names, if it is there already."""
    return remote_ids.get(address) or Unknown(address)


def _anybodys(_told: Object) -> bool:
    return True


def looked(
    api: FlowService,
    kind: Kind,
    wanted: Sequence[Wanted],
    observed: Callable[[Object], Observation],
    may_be_ours: Callable[[Object], bool] = _anybodys,
) -> Mapping[Address, Seen]:
    """One list for all; what it lacks is asked for by itself, for lists may be late or lose a page.

    may_be_ours: whether an object of the right name could be the one that is declared.
    """
    try:
        listed = api.listed(kind)
    except ProviderError as error:
        return {question.address: Unreadable(error) for question in wanted}
    by_id = {str(told["id"]): told for told in listed}
    named: dict[str, list[Object]] = {}
    for told in listed:
        named.setdefault(str(told.get("name")), []).append(told)
    seen: dict[Address, Seen] = {}
    for question in wanted:
        try:
            mine = by_id.get(question.record.remote_id) if question.record else None
            if question.record and mine is None:
                mine = _asked(api, kind, question.record.remote_id)
            matching = named.get(name_of(question.resource), []) if question.resource else []
            if question.resource and not matching and mine is None:
                matching = api.named(kind, name_of(question.resource))
            found = sorted(map(observed, filter(may_be_ours, matching)), key=lambda one: one.remote_id)
            seen[question.address] = Finding(None if mine is None else observed(mine), tuple(found))
        except ProviderError as error:
            seen[question.address] = Unreadable(error)
    return seen


def unfinished(address: Address, error: ProviderError) -> Transient:
    """The error for something that is there but not yet as it should be: the next apply finds it and goes on."""
    return Transient(
        f"{address} was made, but not finished: {error.message}",
        hint=f"{error.hint + '; ' if error.hint else ''}run `tdr apply` again, which goes on from here",
        status=error.status,
        request_id=error.request_id,
    )


def _asked(api: FlowService, kind: Kind, object_id: str) -> Object | None:
    try:
        return api.one(kind, object_id)
    except NotFound:
        return None
