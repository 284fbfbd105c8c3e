"""Base, source and target connections."""

from __future__ import annotations

import re
from collections.abc import Mapping

from reconciler.emulators.adobe.call import Answered, Call, inner, only, text
from reconciler.emulators.adobe.paging import page
from reconciler.emulators.adobe.patching import patched
from reconciler.emulators.adobe.refusals import Refused, invalid, not_there
from reconciler.emulators.adobe.world import DATA_LAKE, Object
from reconciler.model.json import Json

_BASE, _SOURCE, _TARGET = "connections", "sourceConnections", "targetConnections"
_MASK = "**********"


def listed(call: Call) -> Answered:
    """All of the kind that the path names."""
    return page(call, list(call.sandbox.of(_kind(call)).values()), lambda one: shown(call, one))


def one(call: Call) -> Answered:
    """One of it, in a list."""
    return Answered({"items": [shown(call, call.sandbox.one(_kind(call), call.ids["id"]))]})


def tested(call: Call) -> Answered:
    """Whether a base connection's credentials work; here they do."""
    call.sandbox.one(_BASE, call.ids["id"])
    return Answered({"items": [{"status": "succeeded"}]})


def made_base(call: Call) -> Answered:
    """A new base connection."""
    told = call.told()
    text(told, "name")
    auth = inner(told, "auth")
    _known(call, told)
    _check_auth(call, told, auth)
    return _made(call, _BASE, {**told, "state": "enabled"})


def made_source(call: Call) -> Answered:
    """A new source connection: what is fetched by which base connection."""
    told = call.told()
    text(told, "name")
    base = call.sandbox.of(_BASE).get(text(told, "baseConnectionId"))
    if base is None:
        raise not_there(f"Base connection {told['baseConnectionId']}")
    spec_id = _known(call, told)
    if spec_id != inner(base, "connectionSpec").get("id"):
        raise Refused("1414-400", "The connection specification is not that of the base connection.")
    return _made(call, _SOURCE, {"params": {}, **told})


def made_target(call: Call) -> Answered:
    """A new target connection: which dataset of which schema."""
    told = call.told()
    text(told, "name")
    if _known(call, told) != DATA_LAKE:
        raise invalid("A target connection of a source has the connection specification of the data lake.")
    text(inner(told, "params"), "dataSetId")
    text(inner(inner(told, "data"), "schema"), "id")
    return _made(call, _TARGET, told)


def changed(call: Call) -> Answered:
    """A few members of any of them."""
    kind = _kind(call)
    there = call.versioned(kind)
    after = patched(there, call.body)
    if after.get("connectionSpec") != there.get("connectionSpec"):
        raise Refused("1414-400", "The connection specification of a connection cannot be changed.")
    if kind == _BASE:
        _check_auth(call, after, inner(after, "auth"))
    saved = call.world.put(call.sandbox, kind, after, call.ids["id"])
    return Answered({"id": saved["id"], "etag": saved["etag"]})


def deleted(call: Call) -> Answered:
    """Take one away that nothing uses."""
    kind, key = _kind(call), call.ids["id"]
    call.sandbox.one(kind, key)
    if kind == _BASE and any(used.get("baseConnectionId") == key for used in call.sandbox.of(_SOURCE).values()):
        raise Refused("1418-400", "The connection is used by source connections and cannot be deleted.")
    member = {_SOURCE: "sourceConnectionIds", _TARGET: "targetConnectionIds"}.get(kind, "")
    is_used = any(key in only(flow.get(member)) for flow in call.sandbox.of("flows").values())
    if member and is_used and call.world.knobs.used_parts_stay:
        raise Refused("1447-400", "The connection is used by a flow and cannot be deleted.")
    del call.sandbox.of(kind)[key]
    return Answered(status=204)


def shown(call: Call, there: Object) -> Json:
    """*there* without its secrets."""
    auth = inner(there, "auth")
    if not auth:
        return there
    secrets = _secret_names(call, there, auth)
    params = {
        name: _MASK if name in secrets else value
        for name, value in inner(auth, "params").items()
        if name not in secrets or call.world.knobs.secrets_told == "masked"
    }
    return {**there, "auth": {**auth, "params": params}}


def _kind(call: Call) -> str:
    found = re.search(r"/(connections|sourceConnections|targetConnections)(/|$)", call.path)
    return found[1] if found else ""


def _made(call: Call, kind: str, told: Object) -> Answered:
    if "id" in told or "etag" in told:
        raise invalid("id and etag are given by the service.")
    saved = call.world.put(call.sandbox, kind, told)
    return Answered({"id": saved["id"], "etag": saved["etag"]}, 201)


def _known(call: Call, told: Mapping[str, Json]) -> str:
    spec_id = text(inner(told, "connectionSpec"), "id")
    if spec_id not in call.sandbox.of("connectionSpecs"):
        raise not_there(f"Connection specification {spec_id}")
    return spec_id


def _check_auth(call: Call, told: Mapping[str, Json], auth: Mapping[str, Json]) -> None:
    entry = _entry(call, told, auth)
    required = inner(entry, "spec").get("required")
    missing = [name for name in only(required) if name not in inner(auth, "params")]
    if missing:
        raise invalid(f"The authentication needs {missing[0]}.")


def _entry(call: Call, told: Mapping[str, Json], auth: Mapping[str, Json]) -> Mapping[str, Json]:
    spec = call.sandbox.one("connectionSpecs", text(inner(told, "connectionSpec"), "id"))
    entries = spec.get("authSpec")
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and entry.get("name") == auth.get("specName"):
            return entry
    raise Refused("1415-400", "The connection specification has no authentication of this specName.")


def _secret_names(call: Call, told: Mapping[str, Json], auth: Mapping[str, Json]) -> set[str]:
    declared = inner(inner(_entry(call, told, auth), "spec"), "properties")
    return {
        name for name, schema in declared.items() if isinstance(schema, dict) and schema.get("format") == "password"
    }
