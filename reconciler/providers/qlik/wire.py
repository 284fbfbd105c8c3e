"""Ours to Qlik's and back, of connections."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from reconciler.apis.qlik_values import Connection
from reconciler.errors import Permanent
from reconciler.model.json import Json
from reconciler.model.qlik import PropertyField, QlikConnectionSpec
from reconciler.model.resource import Resource
from reconciler.model.secret import Secret
from reconciler.ports.provider import Desired
from reconciler.providers.qlik.sources import Sources

Attribute = Json | Secret | Mapping[str, Json | Secret]

AUTHORISED: Final = "authorised"
PLAIN: Final[tuple[PropertyField, ...]] = ("client_id", "start_time", "end_time", "gateway")
"""Fields that are properties, and that everybody may read."""
_MIDNIGHT: Final = re.compile(r"(\d{4}-\d{2}-\d{2})T00:00:00(\.0+)?(Z|\+00:00)?")


def spec_of(resource: Resource) -> QlikConnectionSpec:
    """The spec of a connection."""
    if not isinstance(resource.spec, QlikConnectionSpec):
        raise TypeError(str(resource.address))
    return resource.spec


def name_of(resource: Resource) -> str:
    """What it is called there."""
    return spec_of(resource).name or resource.address.name


def desired(resource: Resource, tenant: str) -> Desired:
    """What *resource* asks for. Without a code nobody asks whether a person has let it in."""
    spec = spec_of(resource)
    name, space = name_of(resource), spec.space or ""
    told: dict[str, Attribute] = {
        "name": name,
        "space": space,
        "source": spec.source,
        "client_id": spec.client_id,
        "start_time": spec.start_time.isoformat() if spec.start_time else "",
        "end_time": spec.end_time.isoformat() if spec.end_time else "",
        "gateway": spec.gateway or "",
    }
    if spec.client_secret is not None:
        told["client_secret"] = spec.client_secret
    if spec.other_properties:
        told["other_properties"] = {name: _plain(value) for name, value in spec.other_properties.items()}
    if spec.code is not None:
        told[AUTHORISED] = True
    return Desired(f"qlik:{tenant}/connection/{space}/{name}", told)


def attributes(
    found: Connection, sources: Sources, written: QlikConnectionSpec | None, authorised_by: str
) -> dict[str, Json]:
    """What is there, in the words of *written* where it says the same as the tenant by other words."""
    source = sources.by_id(found.source_id)
    names = sources.names(found.source_id, written.property_names if written else {})
    properties = found.properties or {}
    told: dict[str, Json] = {
        "name": found.name,
        "space": _as_written(written.space if written else None, found.space_id, sources.space_name(found.space_id)),
        "source": _as_written(written.source if written else None, source.id, source.name),
        AUTHORISED: is_authorised(found, authorised_by),
    }
    for field in PLAIN:
        told[field] = _plain(properties.get(names.get(field, ""), ""))
    if gateway := str(told["gateway"]):
        named = sources.gateway_name(found.source_id, gateway)
        told["gateway"] = _as_written(written.gateway if written else None, gateway, named)
    known = set(names.values())
    told["other_properties"] = {name: _plain(value) for name, value in properties.items() if name not in known}
    return told


def is_authorised(found: Connection, authorised_by: str) -> bool:
    """Whether a person has let it in, as far as the member *authorised_by* tells."""
    value: Json = found.raw
    for step in authorised_by.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return bool(value)


def properties_sent(spec: QlikConnectionSpec, source_id: str, sources: Sources) -> dict[str, Json]:
    """The properties of a new connection, its secret among them.

    Raises:
        Permanent: a property has no place, or there is no secret.
    """
    if spec.client_secret is None:
        raise Permanent(
            "Qlik Cloud: a new connection needs the secret of its app",
            hint="write `client_secret: ${secret:env:NAME}`; it is left out only of connections that exist already",
        )
    told: dict[str, Json] = {**spec.other_properties}
    fields: dict[PropertyField, str] = {
        "client_id": spec.client_id,
        "client_secret": spec.client_secret.reveal(),
        "start_time": spec.start_time.isoformat() if spec.start_time else "",
        "end_time": spec.end_time.isoformat() if spec.end_time else "",
        "gateway": sources.gateway_id(source_id, spec.gateway) if spec.gateway else "",
    }
    for field, value in fields.items():
        if value:
            told[place(field, source_id, sources, spec)] = value
    return told


def at_property(name: str) -> str:
    """Where the property *name* is, as JSON Patch writes places: ``~`` and ``/`` of a name are escaped (RFC 6901)."""
    return "/connectionProperties/" + name.replace("~", "~0").replace("/", "~1")


def place(field: PropertyField, source_id: str, sources: Sources, spec: QlikConnectionSpec) -> str:
    """The property that a field of ours is.

    Raises:
        Permanent: none is known.
    """
    name = sources.names(source_id, spec.property_names).get(field)
    if name is None:
        raise Permanent(
            f"Qlik Cloud: nothing tells which property of data source {source_id!r} `{field}` is",
            hint=f"write `property_names: {{{field}: NAME}}`, with a name that /api/v1/data-sources/{source_id}/api-specs tells",
        )
    return name


def _as_written(written: str | None, vendor_id: str, name: str) -> str:
    return (
        written
        if written is not None and (written in {vendor_id, name} or written.casefold() == name.casefold())
        else name
    )


def _plain(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = "" if value is None else str(value)
    midnight = _MIDNIGHT.fullmatch(text)
    return midnight[1] if midnight else text
