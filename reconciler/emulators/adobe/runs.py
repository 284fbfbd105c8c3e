"""Runs of flows. How far one is follows from the time that passed since it was asked for, and from the knobs of then."""

from __future__ import annotations

from reconciler.emulators.adobe.call import Answered, Call, inner, text
from reconciler.emulators.adobe.flows import must_be_settled
from reconciler.emulators.adobe.paging import page
from reconciler.emulators.adobe.refusals import Refused, invalid
from reconciler.emulators.adobe.world import Object
from reconciler.model.json import Json

_COURSE = "course"
"""What becomes of a run: ``[begins at, ends at, how, rows, rows that fail]``, never told."""


def listed(call: Call) -> Answered:
    """All runs, or those of a flow."""
    return page(call, list(call.sandbox.of("runs").values()), lambda run: _shown(call, run))


def one(call: Call) -> Answered:
    """One of them, in a list."""
    return Answered({"items": [_shown(call, call.sandbox.one("runs", call.ids["id"]))]})


def started(call: Call) -> Answered:
    """Run a flow now, which only those can that are scheduled once. That it must be enabled is assumed."""
    told, knobs = call.told(), call.world.knobs
    if not knobs.starts_runs:
        raise Refused("1427-400", "The user token is unauthorized to create/update flow runs.")
    flow = call.sandbox.one("flows", text(told, "flowId"))
    must_be_settled(call, flow)
    if inner(flow, "scheduleParams").get("frequency") != "once":
        raise invalid("Only flows of frequency once can be run.")
    if flow["state"] != "enabled":
        raise Refused("1444-400", f"Flow {flow['id']} is not in expected state enabled.")
    if knobs.run_needs_window and not inner(told, "params").get("windowEndTime"):
        raise invalid("params.windowStartTime and params.windowEndTime are required.")
    now = call.world.timeline.now()
    course: Json = [now + knobs.run_s / 2, now + knobs.run_s, knobs.run_ends, knobs.run_rows, knobs.run_failed_rows]
    saved = call.world.put(call.sandbox, "runs", {**told, _COURSE: course})
    return Answered({"id": saved["id"], "etag": saved["etag"]}, 201)


def again(call: Call) -> Answered:
    """Repeat a run."""
    there = call.sandbox.one("runs", call.ids["id"])
    if call.query.get("op") != "RE_TRIGGER":
        raise invalid("The only action of a run is RE_TRIGGER.")
    saved = call.world.put(call.sandbox, "runs", there, call.ids["id"])
    return Answered({"id": saved["id"], "etag": saved["etag"]})


def _shown(call: Call, run: Object) -> Json:
    told: Object = {name: value for name, value in run.items() if name != _COURSE}
    course = run.get(_COURSE)
    if not isinstance(course, list):  # somebody made it at the console
        return told
    begins, ends, how, rows, failed = course
    now = call.world.timeline.now()
    if not isinstance(begins, int | float) or not isinstance(ends, int | float):
        return told
    if now < begins:
        return {**told, "metrics": {"statusSummary": {"status": "scheduled"}}, "activities": []}
    duration: Object = {"startedAtUTC": int(begins * 1000)}
    if now < ends:
        return {**told, "metrics": {"durationSummary": duration, "statusSummary": {"status": "inProgress"}}}
    duration["completedAtUTC"] = int(ends * 1000)
    if how == "failed":
        status: Json = {
            "status": how,
            "errors": [{"code": "CONNECTOR-1001-500", "message": "Error in copying the data."}],
        }
        return {
            **told,
            "metrics": {"durationSummary": duration, "sizeSummary": {"inputBytes": -1}, "statusSummary": status},
        }
    records: Object = {"inputRecordCount": rows, "outputRecordCount": rows, "failedRecordCount": failed}
    if isinstance(rows, int) and isinstance(failed, int):
        records["outputRecordCount"] = rows - failed
    metrics: Object = {"durationSummary": duration, "recordSummary": records, "statusSummary": {"status": how}}
    return {**told, "metrics": metrics}
