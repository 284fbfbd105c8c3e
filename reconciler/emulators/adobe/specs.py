"""Connection and flow specifications: read, made and put, never deleted, and without etags."""

from __future__ import annotations

import copy

from reconciler.emulators.adobe.call import Answered, Call, only, text
from reconciler.emulators.adobe.paging import page
from reconciler.emulators.adobe.refusals import Refused, invalid
from reconciler.emulators.adobe.world import Object
from reconciler.model.json import Json

_TRANSFORMATIONS = ("transformationSpecs", "transformationSpec", "transformationSpecDTOS")
_TOLD_AS = "transformationSpecs"


def listed(call: Call) -> Answered:
    """All connection specifications."""
    return page(call, list(call.sandbox.of("connectionSpecs").values()), lambda one: _shown(call, one))


def one(call: Call) -> Answered:
    """One of them, in a list."""
    return Answered({"items": [_shown(call, call.sandbox.one("connectionSpecs", call.ids["id"]))]})


def made(call: Call) -> Answered:
    """A new one."""
    told = _writable(call)
    names = [there["name"] for there in call.sandbox.of("connectionSpecs").values()]
    if call.world.knobs.names_unique and told["name"] in names:
        raise invalid("A connection specification of this name exists already.")
    return Answered(_shown(call, call.world.put(call.sandbox, "connectionSpecs", told)), 201)


def put(call: Call) -> Answered:
    """Everything that is sent takes the place of everything that was there."""
    told = _writable(call)
    call.sandbox.one("connectionSpecs", call.ids["id"])
    return Answered(_shown(call, call.world.put(call.sandbox, "connectionSpecs", told, call.ids["id"])))


def flow_specs(call: Call) -> Answered:
    """All flow specifications."""
    return page(call, list(call.sandbox.of("flowSpecs").values()), lambda one: one)


def flow_spec(call: Call) -> Answered:
    """One of them, in a list."""
    return Answered({"items": [call.sandbox.one("flowSpecs", call.ids["id"])]})


def put_flow_spec(call: Call) -> Answered:
    """It is replaced as a whole, so whoever leaves sources out removes those of others."""
    _may_write(call)
    call.sandbox.one("flowSpecs", call.ids["id"])
    told = call.told()
    text(told, "name")
    unknown = [
        spec for spec in only(told.get("sourceConnectionSpecIds")) if spec not in call.sandbox.of("connectionSpecs")
    ]
    if unknown:
        raise invalid(f"There is no connection specification {unknown[0]}.")
    wanted = call.world.knobs.transformations_member
    sent = next((told[name] for name in _TRANSFORMATIONS if name in told and wanted in {"any", name}), None)
    kept: Object = {name: value for name, value in told.items() if name not in _TRANSFORMATIONS}
    kept[_TOLD_AS] = sent if sent is not None else []
    return Answered(call.world.put(call.sandbox, "flowSpecs", kept, call.ids["id"]))


def _writable(call: Call) -> Object:
    _may_write(call)
    told = call.told()
    for name in ("name", "providerId"):
        text(told, name)
    # Sent in examples and never told.
    return {name: value for name, value in told.items() if name != "description"}


def _may_write(call: Call) -> None:
    if not call.world.knobs.writes_specifications:
        raise Refused("1426-400", "The token may not write connection specifications.")


def _shown(call: Call, there: Object) -> Json:
    told: Object = copy.deepcopy(there)
    if call.world.knobs.adds_members:
        told = {"permissionsInfo": {"view": [], "manage": []}, "settings": {}, **told}
    return _as_text(told) if call.world.knobs.numbers_told == "text" else told


def _as_text(value: Json) -> Json:
    match value:
        case dict():
            return {
                name: below if name in {"createdAt", "updatedAt"} else _as_text(below) for name, below in value.items()
            }
        case list():
            return [_as_text(below) for below in value]
        case int() | float() if not isinstance(value, bool):
            return str(value)
        case _:
            return value
