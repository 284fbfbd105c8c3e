"""Spaces, data sources and connections. Source: the API of data-connections and data-sources, forms B and PATCH."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from reconciler.emulators.qlik.call import Call, Told
from reconciler.emulators.qlik.paging import page
from reconciler.emulators.qlik.refusals import Refused, bad_code, invalid, not_found, taken
from reconciler.emulators.qlik.world import GATEWAY, PINTEREST, Connection, World
from reconciler.model.json import Json

_CODE: Final = "qlik-auth-code"
_MOST_TAGS: Final = 32
_NAMES: Final = ("clientId", "clientSecret", "startTime", "endTime", "gateway")


def spaces(call: Call) -> Told:
    """Spaces, those of a name when one is asked for."""
    named = call.query.get("name")
    return 200, page(call, [one for one in call.world.spaces.values() if named in {None, one["name"]}])


def sources(call: Call) -> Told:
    """Data sources; other vendors' stand among them."""
    told: list[Json] = [
        _source("snowflake", "Snowflake", "QvOdbcConnectorPackage.exe"),
        _source(PINTEREST, "Pinterest Marketing", "DIRepSource"),
        _source("qdi-pinterest-organic", "Pinterest Organic", "DIRepSource"),
        *call.world.more_sources,
    ]
    return 200, {"data": told}


def _source(source_id: str, name: str, provider: str) -> Json:
    return {"dataSourceId": source_id, "name": name, "provider": provider, "disabled": False, "capabilities": []}


def api_specs(call: Call) -> Told:
    """The properties of a data source, in the form that the knob says."""
    if call.ids["source_id"] != PINTEREST:
        raise not_found("the data source")
    world = call.world
    named: dict[str, Json] = {
        world.property_name(ours): {"type": "string", "required": ours in {"clientId", "clientSecret"}}
        for ours in _NAMES
    }
    match world.knobs.api_specs:
        case "mapping":
            told: Json = named
        case "list":
            told = [{"name": name, **told} for name, told in named.items() if isinstance(told, dict)]
        case _:
            told = {"type": "object", "properties": named}
    return 200, {"connectionProperties": told, "connectorProvider": "DIRepSource", "connectorVersion": "1.0"}


def gateways(call: Call) -> Told:
    """The gateways that a data source can be reached through."""
    return 200, {"data": [dict(GATEWAY), *call.world.more_gateways]}


def listed(call: Call) -> Told:
    """Connections, without what only a single one tells."""
    space = call.query.get("spaceId")
    found = [one for one in call.world.connections.values() if space in {None, one.space}]
    return 200, page(call, [_shown(call, one) for one in sorted(found, key=lambda one: (one.created, one.id))])


def one(call: Call) -> Told:
    """One connection; its properties only when they are asked for, and its secret never."""
    found = _found(call)
    told = _shown(call, found)
    if call.query.get("parseConnection") == "true":
        told["connectionProperties"] = {name: value for name, value in found.properties.items() if value != ""}
    return 200, told


def create(call: Call) -> Told:
    """Make one, or only tell where a person consents.

    Raises:
        Refused: 400, 404 or 409.
    """
    world, asked = call.world, call.object()
    source, name = call.text("datasourceID"), call.text("qName")
    if source != PINTEREST:
        raise invalid(f"there is no data source {source!r}")
    properties = asked.get("connectionProperties")
    if not isinstance(properties, dict):
        raise invalid("connectionProperties is required")
    client_id, secret = _checked(world, properties)
    if asked.get("authUrlOnly") is True and world.knobs.heeds_auth_url_only:
        opened = world.open_page(client_id)
        return 201, {"authUrl": f"{call.base}/oauth-page/{opened.id}?client_id={client_id}&response_type=code"}
    space, tags = _place(call, asked)
    if any(other.name == name and other.space == space for other in world.connections.values()):
        raise taken(name)
    code, is_authorised = call.headers.get(_CODE, ""), False
    if world.knobs.code_on_post == "needed" and not code:
        raise Refused(400, "DCERROR-0030", "OAuth authentication code required", f"header {_CODE} is missing")
    if world.knobs.code_on_post != "ignored" and code:
        if not world.use_code(code, client_id):
            raise bad_code()
        is_authorised = True
    public = {key: value for key, value in properties.items() if key != world.property_name("clientSecret")}
    made = Connection(world.new_id(), name, source, space, public, world.now(), world.now(), tags, secret)
    world.connections[made.id] = made
    if is_authorised:
        world.authorise(made.id)
    return 201, _shown(call, made)


def _place(call: Call, asked: Mapping[str, Json]) -> tuple[str, list[Json]]:
    space, tags = str(asked.get("space") or ""), asked.get("tags") or []
    if space and space not in call.world.spaces:
        raise not_found("the space")
    if not isinstance(tags, list) or len(tags) > _MOST_TAGS:
        raise invalid("tags are not valid")
    return space, tags


def _checked(world: World, properties: Mapping[str, Json]) -> tuple[str, str]:
    _known(world, properties)
    told = [properties.get(world.property_name(ours)) for ours in ("clientId", "clientSecret")]
    client_id, secret = (value if isinstance(value, str) else "" for value in told)
    if not client_id or not secret:
        raise invalid("client id and client secret are required")
    return client_id, secret


def _known(world: World, names: Iterable[str]) -> None:
    told = {world.property_name(ours) for ours in _NAMES}
    if world.knobs.refuses_other_properties and (unknown := sorted(set(names) - told)):
        raise invalid(f"there is no property {unknown[0]!r}")


def patch(call: Call) -> Told:
    """Change single members; a code in the header authorises it.

    Raises:
        Refused: 400, 404 or 409; nothing is changed then.
    """
    found, world = _found(call), call.world
    if not isinstance(call.body, list) or not call.body:
        raise invalid("the body is not a list of operations")
    after = Connection(
        found.id,
        found.name,
        found.source,
        found.space,
        dict(found.properties),
        found.created,
        world.now(),
        list(found.tags),
        found.client_secret,
        found.credentials_id,
    )
    for operation in call.body:
        _operate(world, after, operation)
    is_renamed = (after.name, after.space) != (found.name, found.space)
    if is_renamed and any(
        other.id != after.id and (other.name, other.space) == (after.name, after.space)
        for other in world.connections.values()
    ):
        raise taken(after.name)
    identity = [world.property_name(ours) for ours in ("clientId", "gateway")]
    if after.client_secret != found.client_secret or any(
        after.properties.get(name) != found.properties.get(name) for name in identity
    ):
        after.credentials_id = ""  # consent was given to another app, or on another machine
    if code := call.headers.get(_CODE, ""):
        if not world.use_code(code, str(after.properties.get(world.property_name("clientId")))):
            raise bad_code()
        after.credentials_id = world.new_id()
    world.connections[found.id] = after
    return 204, None


def _operate(world: World, after: Connection, operation: Json) -> None:
    if not isinstance(operation, dict) or operation.get("op") not in {"add", "replace", "remove"}:
        raise invalid("an operation is none of add, replace and remove")
    path, value = str(operation.get("path")), operation.get("value")
    head, _, escaped = path.removeprefix("/").partition("/")
    if "/" in escaped or re.search("~(?![01])", escaped):
        raise invalid(f"{path} leads nowhere")
    name = escaped.replace("~1", "/").replace("~0", "~")
    if isinstance(value, dict):
        raise invalid("a value is an object")
    match head, name:
        case "qName", "" if isinstance(value, str) and value:
            after.name = value
        case "space", "" if value in world.spaces or value in {"", None}:
            after.space = str(value or "")
        case "tags", "" if isinstance(value, list):
            after.tags = value
        case "connectionProperties", _ if name and world.knobs.patches_properties:
            _set_property(world, after, name, None if operation["op"] == "remove" else value)
        case _:
            raise invalid(f"{path} cannot be patched")


def _set_property(world: World, after: Connection, name: str, value: Json) -> None:
    """Set a property; a *value* of None takes it away."""
    _known(world, [name])
    if name == world.property_name("clientSecret"):
        after.client_secret = str(value)
    elif value is not None:
        after.properties[name] = value
    elif name in after.properties:
        del after.properties[name]
    else:
        raise invalid(f"there is no property {name!r} to remove")


def remove(call: Call) -> Told:
    """Take it away, for good."""
    del call.world.connections[_found(call).id]
    return 204, None


def _found(call: Call) -> Connection:
    found = call.world.connections.get(call.ids["connection_id"])
    if found is None:
        raise not_found("the data connection")
    return found


def _shown(call: Call, connection: Connection) -> dict[str, Json]:
    told: dict[str, Json] = {
        "qID": connection.id,
        "qEngineObjectID": connection.id,
        "qName": connection.name,
        "qType": "DIRepSource",
        "qConnectStatement": 'CUSTOM CONNECT TO "provider=DIRepSource;sourceType=pinterest;"',
        "qLogOn": 0,
        "qArchitecture": 0,
        "qSeparateCredentials": False,
        "datasourceID": connection.source,
        "created": connection.created,
        "updated": connection.updated,
        "tags": connection.tags,
        "privileges": ["list", "read", "update", "delete"],
        "tenant": "sandbox-tenant",
        "user": "sandbox-user",
        "links": {"self": {"href": f"{call.base}/api/v1/data-connections/{connection.id}"}},
    }
    if connection.space:
        told["space"] = connection.space
    if connection.credentials_id and call.world.knobs.tells_credentials:
        told["qCredentialsID"] = connection.credentials_id
    return told
