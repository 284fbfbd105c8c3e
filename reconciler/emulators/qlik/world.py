"""All that is in this tenant."""

from __future__ import annotations

import itertools
import json
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import yaml

from reconciler.emulators.qlik.knobs import Knobs
from reconciler.emulators.timeline import Timeline
from reconciler.model.json import Json

PINTEREST: Final = "qdi-pinterest-marketing"
"""Id of the data source in this tenant. The true one is not published, so nobody may know it but by asking."""
GATEWAY: Final = {"id": "gw-0001", "name": "Main gateway"}

_PROPERTIES: Final = {
    "camel": {
        "clientId": "clientId",
        "clientSecret": "clientSecret",
        "startTime": "startTime",
        "endTime": "endTime",
        "gateway": "gateway",
    },
    "snake": {
        "clientId": "client_id",
        "clientSecret": "client_secret",
        "startTime": "start_time",
        "endTime": "end_time",
        "gateway": "data_gateway",
    },
}


@dataclass(slots=True)
class Connection:
    """A connection. *client_secret* and *credentials_id* are kept apart from *properties*, which everybody may read."""

    id: str
    name: str
    source: str
    space: str
    properties: dict[str, Json]
    created: str
    updated: str
    tags: list[Json] = field(default_factory=list)
    client_secret: str = ""
    credentials_id: str = ""


@dataclass(slots=True)
class Authorisation:
    """A page that a person opens. *state*: open, approved, refused, expired or used."""

    id: str
    client_id: str
    opened_at: float
    state: str = "open"
    code: str = ""
    approved_at: float = 0.0


@dataclass(slots=True)
class Run:
    """The last run of a task."""

    state: str
    polls: int = 0
    started: str = ""


@dataclass(slots=True)
class Task:
    """A task, and its files below its folder in an export: name -> text."""

    id: str
    name: str
    type: str
    files: dict[str, str]
    prepared: bool = False
    prepared_as: str = ""
    run: Run | None = None
    reloads: int = 0

    @property
    def method(self) -> str:
        """What cannot be changed once it is prepared, as text: how it loads."""
        settings = (yaml.safe_load(self.files["task.yaml"]) or {}).get("settings") or {}
        return json.dumps([settings.get("fullLoadOnly"), settings.get("taskSettings")], sort_keys=True)


@dataclass(slots=True)
class Project:
    """A data project. *files* are those of an export beside the ones of tasks."""

    id: str
    name: str
    space: str
    type: str
    description: str = ""
    files: dict[str, str] = field(default_factory=dict)
    bindings: dict[str, Json] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)


@dataclass(slots=True)
class Action:
    """Work that was begun. *polls* counts who asked for it."""

    id: str
    kind: str
    state: str = "PENDING"
    polls: int = 0


class World:
    """One tenant."""

    def __init__(self, *, knobs: Knobs, timeline: Timeline) -> None:
        """Start with nothing in it."""
        self.knobs = knobs
        self.timeline = timeline
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.keys: set[str] = set()
        self.clients: dict[str, str] = {}
        self.tokens: dict[str, float] = {}
        self.more_sources: list[dict[str, Json]] = []
        self.more_gateways: list[dict[str, Json]] = []
        self.spaces: dict[str, dict[str, Json]] = {}
        self.connections: dict[str, Connection] = {}
        self.authorisations: dict[str, Authorisation] = {}
        self.projects: dict[str, Project] = {}
        self.actions: dict[str, Action] = {}
        self._numbers = itertools.count(1)

    def now(self) -> str:
        """The time as Qlik writes it."""
        return datetime.fromtimestamp(self.timeline.now(), UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")

    def new_id(self) -> str:
        """An id like those of connections."""
        return str(uuid.uuid4())

    def short_id(self) -> str:
        """An id like those of spaces and projects: 24 hex digits."""
        return f"{next(self._numbers):024x}"

    def property_name(self, ours: str) -> str:
        """How the data source calls the property *ours*."""
        return _PROPERTIES[self.knobs.property_names][ours]

    # -- people --------------------------------------------------------------------------------------------------

    def put_space(self, name: str) -> dict[str, Json]:
        """A shared space of that name."""
        space: dict[str, Json] = {"id": self.short_id(), "name": name, "type": "shared", "description": ""}
        self.spaces[str(space["id"])] = space
        return space

    def open_page(self, client_id: str) -> Authorisation:
        """A page on which a person may consent for the app *client_id*."""
        page = Authorisation(secrets.token_hex(8), client_id, self.timeline.now())
        self.authorisations[page.id] = page
        return page

    def approve(self, page_id: str) -> str:
        """A person consents, and is shown a code.

        Raises:
            KeyError: there is no such page.
            ValueError: the page can not be used any more.
        """
        page = self.authorisations[page_id]
        if page.state == "open" and self.timeline.now() - page.opened_at > self.knobs.page_life_s:
            page.state = "expired"
        if page.state != "open":
            raise ValueError(f"the page is {page.state}")
        page.state, page.code, page.approved_at = "approved", secrets.token_urlsafe(18), self.timeline.now()
        return page.code

    def refuse(self, page_id: str) -> None:
        """A person does not consent."""
        self.authorisations[page_id].state = "refused"

    def expire(self, page_id: str) -> None:
        """The page, or its code, is of no use any more."""
        self.authorisations[page_id].state = "expired"

    def use_code(self, code: str, client_id: str) -> bool:
        """Whether *code* is good for the app *client_id*; a good one is used up by this."""
        for page in self.authorisations.values():
            if page.state == "approved" and page.code == code and page.client_id == client_id:
                is_fresh = self.timeline.now() - page.approved_at <= self.knobs.code_life_s
                page.state = "used" if is_fresh else "expired"
                return is_fresh
        return False

    def authorise(self, connection_id: str) -> None:
        """The connection acts for somebody from now on; a person can do it in the console, too."""
        self.connections[connection_id].credentials_id = self.new_id()

    def revoke(self, connection_id: str) -> None:
        """Nobody lets the connection act any more."""
        self.connections[connection_id].credentials_id = ""

    def put_project(self, name: str, told: Mapping[str, Json]) -> Project:
        """A project that somebody made."""
        kind = str(told.get("type") or "DATA_PIPELINE")
        made = Project(self.short_id(), name, str(told.get("space") or ""), kind, str(told.get("description") or ""))
        made.files["qtcp_project.yaml"] = f"properties:\n  name: '{{{{projectName}}}}'\n  type: {kind}\n"
        made.bindings = {"projectName": name}
        self.projects[made.id] = made
        return made

    def put_task(self, project_id: str, name: str, told: Mapping[str, Json]) -> Task:
        """A task that somebody made. *told*: ``type``, ``files`` (name -> text), ``prepared``."""
        project = self.projects[project_id]
        kind = str(told.get("type") or "LANDING")
        task_id = f"{name.lower().replace(' ', '_')}-{next(self._numbers):04d}"
        given = told.get("files")
        files = {str(at): str(text) for at, text in given.items()} if isinstance(given, dict) else {}
        head = f"properties:\n  name: {name}\n  id: {task_id}\n  type: {kind}\n"
        files.setdefault("task.yaml", "settings:\n  landingDwSettings: {}\n")
        files["task.yaml"] = head + files["task.yaml"]
        made = Task(task_id, name, kind, files, prepared=bool(told.get("prepared")))
        made.prepared_as = made.method if made.prepared else ""
        project.tasks[task_id] = made
        return made

    def run_state(self, project_id: str, task_id: str, state: str) -> None:
        """What became of the run of a task."""
        self.projects[project_id].tasks[task_id].run = Run(state, started=self.now())
