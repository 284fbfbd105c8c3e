"""Ours to Pinterest's and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from reconciler.apis.pinterest_values import CUSTOMER_LIST, Audience
from reconciler.errors import Permanent
from reconciler.model.address import Address
from reconciler.model.json import Json
from reconciler.model.kinds import AudienceSpec, Identifier
from reconciler.model.observation import Observation
from reconciler.ports.clock import rfc3339
from reconciler.ports.listing import Declaration, Found, Undeclarable
from reconciler.ports.provider import Desired
from reconciler.providers.pinterest.limits import SMALLEST_SHOWN

_FIELD = {"/title": "name", "/description": "description"}
"""Pointer of a field that can be changed -> Pinterest's name of it."""

_NOTES = {
    "INITIALIZING": "filling; Pinterest takes up to 48 hours",
    "TOO_SMALL": f"too small: ads use it from {SMALLEST_SHOWN} matched people on",
}


def desired(spec: AudienceSpec) -> Desired:
    """What *spec* asks for. An undeclared description is nobody's business."""
    attributes: dict[str, Json] = {
        "title": spec.title.strip(),
        "ad_account_id": spec.ad_account_id,
        "identifier": spec.identifier.value,
    }
    if spec.description is not None:
        attributes["description"] = spec.description
    return Desired(natural_key(spec.ad_account_id, spec.title), attributes)


def natural_key(ad_account_id: str, title: str) -> str:
    """What stands for one audience, although Pinterest would let several have it."""
    return f"pinterest:{ad_account_id}/customer_list/{title.strip()}"


def observation(audience: Audience, identifier: Json) -> Observation:
    """What is there. *identifier* comes from whoever remembers it, for Pinterest never tells."""
    computed: dict[str, Json] = {
        "status": audience.status,
        "size": audience.size,
        "customer_list_id": audience.customer_list_id,
    }
    if audience.created_at is not None:
        computed["created"] = rfc3339(audience.created_at)
    if audience.updated_at is not None:
        computed["updated_at"] = rfc3339(audience.updated_at)
    return Observation(
        remote_id=audience.id,
        attributes={
            "title": audience.name.strip(),
            "description": audience.description,
            "ad_account_id": audience.ad_account_id,
            "identifier": identifier,
        },
        computed=computed,
        created_at=audience.created_at,
        note=_NOTES.get(audience.status, ""),
    )


def found(audience: Audience, through: Address, *, has_twins: bool) -> Found:
    """One of a listing. What its members are known by is taken to be what it nearly always is."""
    observed = observation(audience, Identifier.EMAIL.value)
    return Found("audience", audience.name.strip(), observed, through, has_twins=has_twins)


def declaration(seen: Found) -> Declaration | Undeclarable:
    """The inverse of `desired`."""
    attributes = seen.observation.attributes
    if seen.through is None:
        return Undeclarable("it was seen through no connection")
    spec: dict[str, Json] = {
        "connection": seen.through.name,
        "ad_account_id": attributes["ad_account_id"],
        "title": attributes["title"],
    }
    if attributes["description"]:
        spec["description"] = attributes["description"]
    if seen.has_twins:
        spec["audience_id"] = seen.remote_id
    note = "Pinterest does not tell what its members are known by; `identifier: email` is assumed"
    return Declaration(cast("dict[str, Any]", spec), (note,))


def is_managed_kind(audience: Audience) -> bool:
    """Whether it is of the kind that manifests declare, and still there."""
    return audience.audience_type == CUSTOMER_LIST and not audience.is_removed


def patch(wanted: Desired, paths: Sequence[str]) -> dict[str, str]:
    """The fields of an update that changes *paths* and nothing else.

    Raises:
        Permanent: Pinterest cannot change one of them.
    """
    fixed = sorted(path for path in paths if path not in _FIELD)
    if fixed:
        raise Permanent(
            f"Pinterest cannot change {', '.join(fixed)} of an audience", hint="declare a new audience instead"
        )
    # A description that is declared no longer goes back to none.
    return {_FIELD[path]: str(wanted.attributes.get(path[1:], "")) for path in sorted(paths)}
