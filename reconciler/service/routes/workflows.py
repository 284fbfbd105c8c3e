"""Workflow projects, their schedules, sessions and attempts. Source: oas-wf and what tdworkflow sends."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response

from reconciler.service.requests import ARCHIVE, Call
from reconciler.service.routing import route
from reconciler.service.workflows.attempts import NewAttempt, checked_params, shown
from reconciler.service.workflows.projects import shown_workflow
from reconciler.service.workflows.refusals import WorkflowError, bad, unknown
from reconciler.service.workflows.schedules import shown as shown_schedule

if TYPE_CHECKING:
    from reconciler.service.service import Service

_MOST: Final = 100


def list_projects(service: Service, call: Call) -> Any:
    """Projects, all or of one name."""
    name, pattern = call.query.get("name", ""), call.query.get("name_pattern", "")
    return {"projects": service.workflows.projects.all(name, pattern, call.offset("last_id", 0), _count(call))}


def push(service: Service, call: Call) -> Any:
    """Add a revision, and the project with its first."""
    archive = call.fields.get(ARCHIVE)
    if not isinstance(archive, bytes):
        raise bad("the body is no archive; send it as application/gzip")
    start = call.query.get("schedule_from", "")
    names = call.query.get("clear_schedule", "")
    cleared = None if call.query.get("clear_schedule_all") == "true" else frozenset(names.split(",")) - {""}
    return service.workflows.projects.push(
        call.query.get("project", ""),
        call.query.get("revision", ""),
        archive,
        _unix("schedule_from", start) if start else service.clock.now(),
        cleared,
    )


def show_project(service: Service, call: Call) -> Any:
    """One project."""
    return service.workflows.projects.get(call.names["id"])


def delete_project(service: Service, call: Call) -> Any:
    """Remove a project with everything of it; what runs of it is ended."""
    told = service.workflows.projects.get(call.names["id"])
    for attempt in service.workflows.attempts.all(told["name"], "", 0, _MOST, retried=True):
        if not attempt["done"]:
            service.workflows.kill(int(attempt["id"]))
    return service.workflows.projects.delete(call.names["id"])


def archive(service: Service, call: Call) -> Response:
    """The archive as it was pushed."""
    content = service.workflows.projects.archive(call.names["id"], call.query.get("revision", ""))
    return Response(content, media_type="application/gzip")


def revisions(service: Service, call: Call) -> Any:
    """The revisions of a project, newest first."""
    return {"revisions": service.workflows.projects.revisions(call.names["id"], call.offset("last_id", 0))}


def project_workflows(service: Service, call: Call) -> Any:
    """The workflows of a project."""
    name, revision = call.query.get("name", ""), call.query.get("revision", "")
    return {"workflows": service.workflows.projects.workflows(call.names["id"], name, revision)}


def project_workflow(service: Service, call: Call) -> Any:
    """The workflow of a project with a name."""
    found = service.workflows.projects.workflows(call.names["id"], call.names["name"], call.query.get("revision", ""))
    if not found:
        raise unknown("Workflow", call.names["name"])
    return found[0]


def project_schedules(service: Service, call: Call) -> Any:
    """The schedules of a project."""
    project = service.workflows.projects.row(call.names["id"])["id"]
    name = call.query.get("workflow", "")
    return {"schedules": service.workflows.schedules.all(call.offset("last_id", 0), _count(call), project, name)}


def project_sessions(service: Service, call: Call) -> Any:
    """The sessions of a project, newest first."""
    project = service.workflows.projects.row(call.names["id"])["id"]
    name = call.query.get("workflow", "")
    return {"sessions": service.workflows.attempts.sessions(project, name, call.offset("last_id", 0), _count(call))}


def list_secrets(service: Service, call: Call) -> Any:
    """The names of a project's secrets."""
    return {"secrets": [{"key": key} for key in service.workflows.projects.secret_keys(call.names["id"])]}


def set_secret(service: Service, call: Call) -> Response:
    """Set a secret; nobody can read it again."""
    service.workflows.projects.set_secret(call.names["id"], call.names["key"], call.fields.get("value"))
    return Response(status_code=204)


def delete_secret(service: Service, call: Call) -> Response:
    """Remove a secret."""
    service.workflows.projects.delete_secret(call.names["id"], call.names["key"])
    return Response(status_code=204)


def list_workflows(service: Service, call: Call) -> Any:
    """The workflows of all projects."""
    return {"workflows": service.workflows.projects.all_workflows(call.offset("last_id", 0), _count(call))}


def show_workflow(service: Service, call: Call) -> Any:
    """One workflow, of any revision."""
    return shown_workflow(service.workflows.projects.workflow(call.names["id"]))


def list_schedules(service: Service, call: Call) -> Any:
    """All schedules."""
    return {"schedules": service.workflows.schedules.all(call.offset("last_id", 0), _count(call))}


def show_schedule(service: Service, call: Call) -> Any:
    """One schedule."""
    return shown_schedule(service.workflows.schedules.row(call.names["id"]))


def disable_schedule(service: Service, call: Call) -> Any:
    """Let a schedule start nothing."""
    return service.workflows.schedules.disable(call.names["id"])


def enable_schedule(service: Service, call: Call) -> Any:
    """Let a schedule start sessions again."""
    return service.workflows.schedules.enable(call.names["id"])


def skip_schedule(service: Service, call: Call) -> Any:
    """Leave out sessions, up to a time or a number of them."""
    until = call.text("nextRunTime") or call.text("nextTime")
    count = call.integer("count", 0 if until else 1, 0, 1000)
    next_run = _unix("nextRunTime", until) if until else None
    is_dry = call.fields.get("dryRun") is True
    return service.workflows.schedules.skip(call.names["id"], next_run, count, dry_run=is_dry)


def backfill_schedule(service: Service, call: Call) -> Any:
    """Start the sessions of a schedule since a time, those that have run already under another name."""
    row = service.workflows.schedules.row(call.names["id"])
    start, name = _unix("fromTime", call.text("fromTime")), call.text("attemptName")
    if not name:
        raise bad("'attemptName' is missing")
    workflow = dict(service.workflows.projects.workflow(row["workflow_id"]))
    times = service.workflows.schedules.sessions_since(row, start, call.integer("count", 0, 0, 1000))
    # The vendor tells the attempts that a dry run would make without ids.
    is_dry = call.fields.get("dryRun") is True
    made = [] if is_dry else [service.workflows.start(NewAttempt(workflow, one, name)) for one in times]
    return {
        "id": str(row["id"]),
        "project": {"id": str(row["project_id"]), "name": row["project"]},
        "workflow": {"id": str(row["workflow_id"]), "name": row["name"]},
        "attempts": made,
    }


def list_sessions(service: Service, call: Call) -> Any:
    """All sessions, newest first."""
    return {"sessions": service.workflows.attempts.sessions(None, "", call.offset("last_id", 0), _count(call))}


def show_session(service: Service, call: Call) -> Any:
    """One session with its last attempt."""
    return service.workflows.attempts.session(call.names["id"])


def session_attempts(service: Service, call: Call) -> Any:
    """The attempts of a session, newest first."""
    service.workflows.attempts.session(call.names["id"])
    return {"attempts": [shown(row) for row in service.workflows.attempts.of_session(int(call.names["id"]))]}


def list_attempts(service: Service, call: Call) -> Any:
    """Attempts, newest first; only the last of each session unless `include_retried`."""
    return {
        "attempts": service.workflows.attempts.all(
            call.query.get("project", ""),
            call.query.get("workflow", ""),
            call.offset("last_id", 0),
            _count(call),
            retried=call.query.get("include_retried", "").lower() == "true",
        )
    }


def start_attempt(service: Service, call: Call) -> Any:
    """Start a workflow for a session time; one that exists answers 409 with itself."""
    workflow = service.workflows.projects.workflow(call.text("workflowId"))
    session_time = int(_unix("sessionTime", call.text("sessionTime")))
    resumes = _resumed(service, call.fields.get("resume"))
    params = checked_params(call.fields.get("params"))
    return service.workflows.start(
        NewAttempt(dict(workflow), session_time, call.text("retryAttemptName"), params, resumes)
    )


def show_attempt(service: Service, call: Call) -> Any:
    """One attempt."""
    return shown(service.workflows.attempts.row(call.names["id"]))


def retries(service: Service, call: Call) -> Any:
    """All attempts of the session that an attempt belongs to."""
    row = service.workflows.attempts.row(call.names["id"])
    return {"attempts": [shown(one) for one in service.workflows.attempts.of_session(row["session_id"])]}


def kill_attempt(service: Service, call: Call) -> Response:
    """Ask an attempt to end."""
    row = service.workflows.attempts.row(call.names["id"])
    if row["finished_at"] is not None:
        raise WorkflowError(409, f"Attempt is finished already: {row['id']}")
    service.workflows.kill(row["id"])
    return Response(status_code=204)


def tasks(service: Service, call: Call) -> Any:
    """The tasks of an attempt."""
    return {"tasks": service.workflows.attempts.tasks(service.workflows.attempts.row(call.names["id"])["id"])}


def log_files(service: Service, call: Call) -> Any:
    """The log files of an attempt."""
    row = service.workflows.attempts.row(call.names["id"])
    return {"files": service.workflows.attempts.logs(row["id"], call.query.get("task", ""))}


def log_file(service: Service, call: Call) -> Response:
    """One log file, packed."""
    row = service.workflows.attempts.row(call.names["id"])
    return Response(service.workflows.attempts.log_file(row["id"], call.names["file"]), media_type="application/gzip")


def _resumed(service: Service, resume: object) -> int | None:
    if resume is None:
        return None
    if not isinstance(resume, dict) or resume.get("mode") != "failed":
        raise bad("'resume' is understood with the mode 'failed' only")
    return int(service.workflows.attempts.row(resume.get("attemptId"))["id"])


def _count(call: Call) -> int:
    name = "count" if "count" in call.query else "page_size"
    return min(max(call.offset(name, _MOST), 1), _MOST)


def _unix(name: str, text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        raise bad(f"'{name}' is no time such as 2025-03-01T00:00:00+00:00: {text!r}") from error


ROUTES = [
    route("GET", "/api/projects", list_projects),
    route("PUT", "/api/projects", push),
    route("GET", "/api/projects/{id}", show_project),
    route("DELETE", "/api/projects/{id}", delete_project),
    route("GET", "/api/projects/{id}/archive", archive),
    route("GET", "/api/projects/{id}/revisions", revisions),
    route("GET", "/api/projects/{id}/workflows", project_workflows),
    route("GET", "/api/projects/{id}/workflows/{name}", project_workflow),
    route("GET", "/api/projects/{id}/schedules", project_schedules),
    route("GET", "/api/projects/{id}/sessions", project_sessions),
    route("GET", "/api/projects/{id}/secrets", list_secrets),
    route("GET", "/api/projects/{id}/secrets/", list_secrets),
    route("PUT", "/api/projects/{id}/secrets/{key}", set_secret),
    route("DELETE", "/api/projects/{id}/secrets/{key}", delete_secret),
    route("GET", "/api/workflows", list_workflows),
    route("GET", "/api/workflows/{id}", show_workflow),
    route("GET", "/api/schedules", list_schedules),
    route("GET", "/api/schedules/{id}", show_schedule),
    route("POST", "/api/schedules/{id}/disable", disable_schedule),
    route("POST", "/api/schedules/{id}/enable", enable_schedule),
    route("POST", "/api/schedules/{id}/skip", skip_schedule),
    route("POST", "/api/schedules/{id}/backfill", backfill_schedule),
    route("GET", "/api/sessions", list_sessions),
    route("GET", "/api/sessions/{id}", show_session),
    route("GET", "/api/sessions/{id}/attempts", session_attempts),
    route("GET", "/api/attempts", list_attempts),
    route("PUT", "/api/attempts", start_attempt),
    route("GET", "/api/attempts/{id}", show_attempt),
    route("GET", "/api/attempts/{id}/retries", retries),
    route("POST", "/api/attempts/{id}/kill", kill_attempt),
    route("GET", "/api/attempts/{id}/tasks", tasks),
    route("GET", "/api/logs/{id}/files", log_files),
    route("GET", "/api/logs/{id}/files/{file}", log_file),
]
