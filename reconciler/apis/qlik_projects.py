"""Data projects and their tasks in Qlik Cloud. Source: API reference of di-projects."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Final

from reconciler.apis.qlik_values import Project, RunState, Task, text
from reconciler.errors import Permanent, Transient
from reconciler.http.client import Client
from reconciler.http.request import Safety, get, path, send_bytes, send_empty, send_json
from reconciler.model.json import Json
from reconciler.ports.clock import Clock

_PROJECTS: Final = ("api", "v1", "di-projects")
_OVER: Final = {"COMPLETED", "SKIPPED"}
_BAD: Final = {"FAILED", "CANCELED"}
_POLL_S: Final = 2.0
_LONGEST_S: Final = 600.0
"""How long an action is waited for; preparing makes tables, which takes minutes."""


class QlikProjects:
    """Projects of one tenant. Safe for many threads."""

    def __init__(self, client: Client, clock: Clock) -> None:
        """Speak through *client*."""
        self._client = client
        self._clock = clock

    def projects(self) -> list[Project]:
        """All projects, which are told whole."""
        return [Project.of(row) for row in self._rows(path(*_PROJECTS), "projects")]

    def tasks(self, project_id: str) -> list[Task]:
        """The tasks of a project.

        Raises:
            NotFound: there is no such project.
        """
        return [Task.of(row) for row in self._rows(path(*_PROJECTS, project_id, "di-tasks"), "dataTasks")]

    def export(self, project_id: str, *, in_full: bool) -> bytes:
        """The project as a zip of YAML: *in_full*, or what differs from Qlik's defaults, which is what people keep."""
        at = path(*_PROJECTS, project_id, "actions", "export")
        asked = {"includeBindings": False, "mode": "ALL" if in_full else "MINIMAL"}
        return self._client.send(send_json("POST", at, asked, safety=Safety.READ)).body

    def replace(self, project_id: str, content: bytes) -> None:
        """Take a zip of YAML over. Twice is as once.

        Raises:
            Permanent: Qlik finds a mistake in it.
        """
        at, boundary = path(*_PROJECTS, project_id, "actions", "import"), uuid.uuid4().hex
        head = 'Content-Disposition: form-data; name="zip"; filename="project.zip"\r\nContent-Type: application/zip'
        form = f"--{boundary}\r\n{head}\r\n\r\n".encode() + content + f"\r\n--{boundary}--\r\n".encode()
        kind = f"multipart/form-data; boundary={boundary}"
        self._client.send(send_bytes("POST", at, form, kind, safety=Safety.IDEMPOTENT))

    def prepare(self, project_id: str, task_id: str, *, may_recreate: bool) -> None:
        """Make the tables of a task, and wait for that.

        Raises:
            Permanent: Qlik refuses, or it failed.
            Transient: it takes too long.
        """
        self._act(project_id, task_id, "prepare", {"allowRecreate": may_recreate})

    def validate(self, project_id: str, task_id: str) -> None:
        """Have Qlik look whether a task could be prepared; raises as `prepare`."""
        self._act(project_id, task_id, "validate", {})

    def start(self, project_id: str, task_id: str) -> None:
        """Run a task.

        Raises:
            Conflict: it runs already, or cannot.
        """
        self._runtime(project_id, task_id, "start")

    def stop(self, project_id: str, task_id: str) -> None:
        """End the run of a task; raises as `start`."""
        self._runtime(project_id, task_id, "stop")

    def state(self, project_id: str, task_id: str) -> RunState:
        """Where a task stands."""
        request = get(path(*_PROJECTS, project_id, "di-tasks", task_id, "runtime", "state"))
        told = self._client.json(request)
        if not isinstance(told, Mapping):
            raise self._client.unusable(request, "no state")
        return RunState.of(told)

    def _rows(self, at: str, name: str) -> list[Mapping[str, Json]]:
        request = get(at)
        told = self._client.json(request)
        rows = told.get(name) if isinstance(told, Mapping) else None
        if not isinstance(rows, list) or not all(isinstance(row, Mapping) and row.get("id") for row in rows):
            raise self._client.unusable(request, f"no list `{name}` of things with an id")
        return [row for row in rows if isinstance(row, Mapping)]

    def _runtime(self, project_id: str, task_id: str, verb: str) -> None:
        at = path(*_PROJECTS, project_id, "di-tasks", task_id, "runtime", "actions", verb)
        self._client.send(send_empty("POST", at, safety=Safety.ONCE))

    def _act(self, project_id: str, task_id: str, verb: str, asked: Mapping[str, Json]) -> None:
        at = path(*_PROJECTS, project_id, "di-tasks", task_id, "actions", verb)
        request = send_json("POST", at, asked, safety=Safety.IDEMPOTENT)
        told = self._client.json(request)
        action = text(told.get("actionId")) if isinstance(told, Mapping) else ""
        if not action:
            raise self._client.unusable(request, "no `actionId`")
        look = get(path(*_PROJECTS, "actions", action), {"detailed": "true"})
        until = self._clock.now() + _LONGEST_S
        while True:
            answer = self._client.json(look)
            state = text(answer.get("state")) if isinstance(answer, Mapping) else ""
            if state in _OVER:
                return
            if state in _BAD:
                raise Permanent(
                    f"Qlik Cloud: to {verb} task {task_id} ended as {state}",
                    hint="see the task in the project for what is wrong with it, mend that, and apply again",
                )
            if self._clock.now() >= until:
                raise Transient(f"Qlik Cloud: to {verb} task {task_id} takes longer than {_LONGEST_S:.0f} s")
            self._clock.sleep(_POLL_S)
