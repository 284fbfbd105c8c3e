"""Flows, and what switches them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from reconciler.emulators.adobe.call import Answered, Call, inner, only, text
from reconciler.emulators.adobe.paging import page
from reconciler.emulators.adobe.patching import patched
from reconciler.emulators.adobe.refusals import Refused, invalid, not_there, passing
from reconciler.emulators.adobe.world import Object
from reconciler.model.json import Json

_FREQUENCIES: Final = {"once": 0, "minute": 15, "hour": 1, "day": 1, "week": 1}
"""Frequency -> least interval."""
_ON_THE_WAY: Final = "passing until"


def listed(call: Call) -> Answered:
    """All flows."""
    return page(call, list(call.sandbox.of("flows").values()), lambda one: _shown(call, one))


def one(call: Call) -> Answered:
    """One of them, in a list."""
    return Answered({"items": [_shown(call, call.sandbox.one("flows", call.ids["id"]))]})


def made(call: Call) -> Answered:
    """A new flow, which is enabled."""
    told = call.told()
    text(told, "name")
    if "state" in told:
        raise Refused("1410-400", "state is not allowed when a flow is created.")
    spec = call.sandbox.of("flowSpecs").get(text(inner(told, "flowSpec"), "id"))
    if spec is None:
        raise not_there("Flow specification")
    for member, kind, allowed in (
        ("sourceConnectionIds", "sourceConnections", "sourceConnectionSpecIds"),
        ("targetConnectionIds", "targetConnections", "targetConnectionSpecIds"),
    ):
        ids = only(told.get(member))
        if len(ids) != 1:
            raise invalid(f"{member} has one entry.")
        part = call.sandbox.of(kind).get(ids[0])
        if part is None:
            raise not_there(f"{kind} {ids[0]}")
        if inner(part, "connectionSpec").get("id") not in only(spec.get(allowed)):
            raise invalid(f"The flow specification does not list the connection specification of {member}.")
    _check_schedule(inner(told, "scheduleParams"))
    saved = call.world.put(call.sandbox, "flows", {**told, **_now(call, "enabled", "initializing")})
    return Answered({"id": saved["id"], "etag": saved["etag"]}, 201)


def changed(call: Call) -> Answered:
    """A few members of a flow."""
    there = call.versioned("flows")
    must_be_settled(call, there)
    after = patched(there, call.body)
    for name in ("sourceConnectionIds", "targetConnectionIds", "flowSpec", "state"):
        if after.get(name) != there.get(name):
            raise invalid(f"{name} cannot be changed.")
    before, schedule = inner(there, "scheduleParams"), inner(after, "scheduleParams")
    if before.get("startTime") != schedule.get("startTime") and _seconds(before) <= call.world.timeline.now():
        raise invalid("startTime cannot be changed once it has passed.")
    _check_schedule(schedule)
    saved = call.world.put(call.sandbox, "flows", after, call.ids["id"])
    return Answered({"id": saved["id"], "etag": saved["etag"]})


def acted(call: Call) -> Answered:
    """Enable or disable a flow."""
    there = call.sandbox.one("flows", call.ids["id"])
    must_be_settled(call, there)
    op, case = call.query.get("op", ""), call.world.knobs.action_case
    if op.lower() not in {"enable", "disable"} or (case != "any" and op != getattr(op, case)()):
        raise invalid(f"There is no action {op!r}.")
    if call.world.knobs.sub_op_required and "subOp" not in call.query:
        raise invalid("subOp is required.")
    state = f"{op.lower()}d"
    saved = call.world.put(
        call.sandbox,
        "flows",
        {**there, **_now(call, state, "disabling" if state == "disabled" else "updating")},
        call.ids["id"],
    )
    return Answered({"id": saved["id"], "etag": saved["etag"]}, 202)


def deleted(call: Call) -> Answered:
    """Take a flow away; its connections stay."""
    must_be_settled(call, call.sandbox.one("flows", call.ids["id"]))
    del call.sandbox.of("flows")[call.ids["id"]]
    return Answered(status=204)


def _now(call: Call, state: str, meanwhile: str) -> Object:
    until = call.world.timeline.now() + call.world.knobs.passing_s
    return {"state": state, _ON_THE_WAY: [until, meanwhile]}


def must_be_settled(call: Call, there: Mapping[str, Json]) -> None:
    """Refuse what is asked of a flow on its way to another state.

    Raises:
        Refused: 400.
    """
    if _is_passing(call, there):
        raise passing(_state(call, there))


def _is_passing(call: Call, there: Mapping[str, Json]) -> bool:
    way = there.get(_ON_THE_WAY)
    return isinstance(way, list) and isinstance(way[0], int | float) and call.world.timeline.now() < way[0]


def _state(call: Call, there: Mapping[str, Json]) -> str:
    way = there.get(_ON_THE_WAY)
    is_told = call.world.knobs.passing_told == "by_state" and _is_passing(call, there)
    return str(way[1]) if is_told and isinstance(way, list) else str(there["state"])


def _shown(call: Call, there: Object) -> Json:
    told: Object = {name: value for name, value in there.items() if name != _ON_THE_WAY}
    operation: Object = {"started": there["createdAt"], "updated": 0, "operation": "create"}
    ways = {"camel": ("inProgress", "success"), "capitals": ("IN_PROGRESS", "SUCCESS")}
    if (spelled := call.world.knobs.operation_status) != "absent":
        meanwhile, afterwards = ways[spelled]
        operation["status"] = {"value": meanwhile if _is_passing(call, there) else afterwards, "errors": []}
    return {**told, "state": _state(call, there), "lastOperation": operation}


def _check_schedule(told: Mapping[str, Json]) -> None:
    frequency = told.get("frequency")
    if frequency not in _FREQUENCIES:
        raise invalid("frequency is once, minute, hour, day or week.")
    if not math.isfinite(_seconds(told)):
        raise invalid("startTime is required, in seconds.")
    interval = told.get("interval")
    if frequency == "once":
        if interval is not None or "backfill" in told:
            raise invalid("interval and backfill do not go with frequency once.")
        return
    least = _FREQUENCIES[str(frequency)]
    if not str(interval).isdecimal() or int(str(interval)) < least:
        raise invalid(f"interval is a number from {least} on.")


def _seconds(told: Mapping[str, Json]) -> float:
    try:
        return float(str(told.get("startTime")))
    except ValueError:
        return math.inf
