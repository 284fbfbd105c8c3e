"""Data projects and their tasks. Source: the API of di-projects."""

from __future__ import annotations

import copy
from typing import Final

import yaml

from reconciler.emulators.qlik.archive import packed, unpack, uploaded
from reconciler.emulators.qlik.call import Archive, Call, Told
from reconciler.emulators.qlik.refusals import Refused, invalid, not_found
from reconciler.emulators.qlik.world import Action, Project, Run, Task
from reconciler.model.json import Json

_RUNNING: Final = {"STARTING", "RUNNING"}
_TYPES: Final = {"DATA_PIPELINE", "DATA_MOVEMENT"}


def listed(call: Call) -> Told:
    """Projects, those of a space when one is asked for."""
    space = call.query.get("spaceId")
    return 200, {"projects": [_project(one) for one in call.world.projects.values() if space in {None, one.space}]}


def create(call: Call) -> Told:
    """Make an empty one."""
    asked = call.object()
    if asked.get("type") not in _TYPES:
        raise invalid("type is none of DATA_PIPELINE and DATA_MOVEMENT")
    return 201, _project(call.world.put_project(call.text("name"), asked))


def one(call: Call) -> Told:
    """One project."""
    return 200, _project(call.project())


def export(call: Call) -> Told:
    """Its zip."""
    asked = call.body if isinstance(call.body, dict) else {}
    return 200, Archive(
        packed(call.project(), with_bindings=bool(asked.get("includeBindings")), in_full=asked.get("mode") == "ALL")
    )


def import_(call: Call) -> Told:
    """Take over the zip that is the field ``zip`` of a form. A task that runs is not changed under its feet."""
    project, after = call.project(), copy.deepcopy(call.project())
    unpack(after, uploaded(call.headers.get("content-type", ""), call.raw))
    for one in project.tasks.values():
        if one.run is not None and one.run.state in _RUNNING and after.tasks[one.id].files != one.files:
            raise Refused(409, "DI-0412", "Running", "a task that runs cannot be changed")
    call.world.projects[project.id] = after
    return 200, {}


def bindings(call: Call) -> Told:
    """Values of the variables."""
    return 200, {"variables": dict(call.project().bindings), "nameToIdMap": {}}


def set_bindings(call: Call) -> Told:
    """Set them."""
    told = call.object().get("variables")
    if not isinstance(told, dict):
        raise invalid("variables is required")
    call.project().bindings = dict(told)
    return 200, {"variables": told, "nameToIdMap": {}}


def begin(call: Call) -> Told:
    """Validate or prepare a whole project."""
    call.project()
    return 202, {"actionId": _begun(call, f"PROJECT_{call.path.rpartition('/')[2].upper()}").id}


def action(call: Call) -> Told:
    """Where an action stands."""
    found = call.world.actions.get(call.ids["action_id"])
    if found is None:
        raise not_found("the action")
    knobs = call.world.knobs
    found.polls += 1
    if found.state in {"PENDING", "EXECUTING"}:
        found.state = knobs.action_ends if found.polls > knobs.action_polls else "EXECUTING"
    return 200, {"name": found.kind, "type": found.kind, "state": found.state}


def tasks(call: Call) -> Told:
    """The tasks of a project."""
    return 200, {"dataTasks": [_task(one, call.project()) for one in call.project().tasks.values()]}


def task(call: Call) -> Told:
    """One of them."""
    return 200, _task(call.task(), call.project())


def prepare(call: Call) -> Told:
    """Make its tables. Another method than it was prepared with needs leave to make them anew."""
    found = call.task()
    asked = call.body if isinstance(call.body, dict) else {}
    method = found.method
    if found.prepared_as not in {"", method} and asked.get("allowRecreate") is not True:
        raise invalid("the update method of a prepared task cannot be changed without recreating its datasets")
    found.prepared, found.prepared_as = True, method
    return 202, {"actionId": _begun(call, "TASK_PREPARE").id}


def validate(call: Call) -> Told:
    """Look whether it could be prepared."""
    call.task()
    return 202, {"actionId": _begun(call, "TASK_VALIDATE").id}


def recreate(call: Call) -> Told:
    """Make its tables anew."""
    call.task()
    return 202, {"actionId": _begun(call, "TASK_PREPARE").id}


def reload(call: Call) -> Told:
    """Load all anew at the next run."""
    call.task().reloads += 1
    return 202, {"success": True}


def start(call: Call) -> Told:
    """Run it."""
    found = call.task()
    if not found.prepared:
        raise Refused(409, "DI-0409", "Not runnable", "the task is not prepared")
    if found.run is not None and found.run.state in _RUNNING:
        raise Refused(409, "DI-0410", "Already running", "the task is running")
    found.run = Run("STARTING", started=call.world.now())
    return 204, None


def stop(call: Call) -> Told:
    """End its run."""
    found = call.task()
    if found.run is None or found.run.state not in _RUNNING:
        raise Refused(409, "DI-0411", "Not running", "the task is not running")
    found.run = Run("STOPPING", started=found.run.started)
    return 204, None


def state(call: Call) -> Told:
    """Its last run, and whether it could run. A run goes on by being asked for."""
    found, knobs = call.task(), call.world.knobs
    run = found.run
    if run is not None:
        run.polls += 1
        if run.state == "STARTING":
            run.state = "RUNNING"
        elif run.state == "STOPPING":
            run.state = "CANCELED"
        elif run.state == "RUNNING" and knobs.run_polls is not None and run.polls > knobs.run_polls:
            run.state = "COMPLETED"
    told: dict[str, Json] = {"name": found.name, "type": found.type, "runReadiness": {"state": _readiness(found)}}
    if run is not None:
        told["lastRun"] = {"state": run.state, "startTime": run.started}
    return 200, told


def datasets(call: Call) -> Told:
    """The state of each table."""
    selected = yaml.safe_load(call.task().files.get("sourceSelection.yaml", "")) or {}
    counted: Json = {"state": "COMPLETED", "insertCount": 0, "updateCount": 0, "deleteCount": 0}
    told: list[Json] = [
        {"datasetId": one["name"], "name": one["name"], "dataReadiness": "READY", "cdcStatus": counted}
        for one in selected.get("explicitlySelected", [])
    ]
    return 200, {"datasets": told}


def _readiness(found: Task) -> str:
    if found.run is not None and found.run.state in _RUNNING:
        return "ALREADY_RUNNING"
    return "READY_TO_RUN" if found.prepared else "NOT_RUNNABLE"


def _begun(call: Call, kind: str) -> Action:
    begun = Action(call.world.short_id(), kind)
    call.world.actions[begun.id] = begun
    return begun


def _project(project: Project) -> Json:
    return {
        "id": project.id,
        "name": project.name,
        "description": project.description,
        "ownerId": "sandbox-user",
        "spaceId": project.space,
    }


def _task(found: Task, project: Project) -> Json:
    owned = {"ownerId": "sandbox-user", "spaceId": project.space}
    return {"id": found.id, "name": found.name, "type": found.type, **owned}
