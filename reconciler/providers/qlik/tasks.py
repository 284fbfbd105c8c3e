"""The family of tasks: made by people, kept as their documents say, started and stopped.

Qlik's API has no call that makes, changes or removes a single task. What stands in a project's files is changed by exporting the
project, editing the files of one task and importing them; then the task has to be prepared. So a task is wanted *prepared* as
soon as a document says anything of its files, and a run that is killed between the import and the preparation goes on by that.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from reconciler.apis.qlik import QlikClient
from reconciler.apis.qlik_values import Project, RunState, Task
from reconciler.errors import NotFound, Permanent, ProviderError, Transient
from reconciler.model.address import Address
from reconciler.model.json import Json
from reconciler.model.observation import Finding, Observation, Seen, Unreadable
from reconciler.model.qlik import METHODS, QlikTaskSpec, QlikTaskType
from reconciler.model.resource import Resource
from reconciler.model.secret import Secret
from reconciler.ports.clock import Clock
from reconciler.ports.listing import Declaration, Found, Undeclarable, Unlisted
from reconciler.ports.provider import Anew, Desired, FieldClass, KindTraits, Wanted
from reconciler.ports.readers import readers
from reconciler.providers.qlik import task_files
from reconciler.providers.qlik.archive import Archive, TaskFiles

KIND: Final = "qliktask"
TRAITS: Final = KindTraits(
    classes={"/tables": FieldClass.SET},
    anew=Anew.NEVER,
    made_by_people=True,
    leaves="it is stopped; the task, its tables and its project stay in Qlik Cloud, whose API deletes none of them",
)
_MOST_READS_AT_ONCE: Final = 4
_MOVING: Final = frozenset({"STARTING", "RUNNING"})
_OVER: Final = frozenset({"COMPLETED", "FAILED"})
"""States of a run that came to its end by itself: as it should be, whether the task is to run (it did) or not (it does not)."""
_FILED: Final = frozenset({"method", "tables", "settings", "schedule", "prepared"})
"""Fields that stand in the project's files, or follow from them."""
_POLL_S, _STOPS_WITHIN_S = 2.0, 300.0


@dataclass(slots=True)
class _Book:
    """What was read of a tenant for one look, each project once. Safe for many threads."""

    client: QlikClient
    projects: Sequence[Project]
    _tasks: dict[str, Sequence[Task]] = field(default_factory=dict)
    _archives: dict[str, Archive] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def tasks(self, project_id: str) -> Sequence[Task]:
        with self._lock:
            if project_id not in self._tasks:
                self._tasks[project_id] = self.client.projects.tasks(project_id)
            return self._tasks[project_id]

    def files(self, project_id: str, task: Task) -> TaskFiles:
        with self._lock:
            if project_id not in self._archives:
                self._archives[project_id] = Archive.of(self.client.projects.export(project_id, in_full=True))
            return self._archives[project_id].task(task.id, task.name)


def spec_of(resource: Resource) -> QlikTaskSpec:
    """The spec of a task."""
    if not isinstance(resource.spec, QlikTaskSpec):
        raise TypeError(str(resource.address))
    return resource.spec


def name_of(resource: Resource) -> str:
    """What it is called there."""
    return spec_of(resource).name or resource.address.name


def desired(resource: Resource, tenant: str) -> Desired:
    """What *resource* asks for; what it does not speak of is nobody's business."""
    spec = spec_of(resource)
    told: dict[str, Json | Secret | Mapping[str, Json | Secret]] = {
        "project": spec.project,
        "name": name_of(resource),
        "type": spec.type.value,
    }
    if spec.method is not None:
        told["method"] = spec.method.value
    if spec.tables is not None:
        told["tables"] = [*sorted(set(spec.tables))]
    if spec.settings:
        # A dotted path is one field, whose name has no slash that a pointer could take for a step.
        told["settings"] = dict(spec.settings)
    if spec.schedule is not None:
        told["schedule"] = {
            "every": spec.schedule.every,
            "start": spec.schedule.begins,
            "timezone": spec.schedule.timezone,
            "enabled": spec.schedule.enabled,
        }
    if spec.is_edited:
        told["prepared"] = True
    if spec.enabled is not None:
        told["enabled"] = spec.enabled
    return Desired(f"qlik:{tenant}/task/{spec.project}/{name_of(resource)}", told)


class Tasks:
    """Tasks of one tenant. A task's id is here ``PROJECT/TASK``, for only both find it."""

    def __init__(self, client: QlikClient, clock: Clock) -> None:
        """Speak through *client*."""
        self._client = client
        self._clock = clock
        self._editing: dict[str, threading.Lock] = defaultdict(threading.Lock)
        """Project -> held while its files are out: two edits at a time would each take the other's back."""

    def observe(self, wanted: Sequence[Wanted]) -> Mapping[Address, Seen]:
        """One list of projects; the tasks of each that is meant; an export of a project whose files somebody speaks of."""
        try:
            book = _Book(self._client, self._client.projects.projects())
        except ProviderError as error:
            return {question.address: Unreadable(error) for question in wanted}
        with readers(_MOST_READS_AT_ONCE, "qlik") as pool:
            looks = pool.map(lambda question: self._look(question, book), wanted)
            return {question.address: seen for question, seen in zip(wanted, looks, strict=True)}

    def create(self, resource: Resource) -> Observation:
        """Refuse: people make tasks.

        Raises:
            Permanent: always.
        """
        raise self._missing(resource)

    def update(self, resource: Resource, remote_id: str, paths: Sequence[str]) -> Observation:
        """Change the fields at *paths*: edit the files and prepare, and then start or stop.

        A task that runs is stopped for the time of an edit only where its document says ``enabled: true``, so that a run which
        is killed in between is followed by one that starts it again.

        Raises:
            Permanent: Qlik cannot change one of them, or a document has to give leave.
        """
        spec, changed = spec_of(resource), {path.split("/", 2)[1] for path in paths}
        if fixed := sorted(changed & {"project", "name", "type"}):
            raise Permanent(
                f"Qlik Cloud's API cannot change the {fixed[0]} of a task",
                hint=f"change it in Qlik Cloud, or correct the document: {self._place(remote_id)}",
            )
        project_id, _, task_id = remote_id.partition("/")
        if changed & _FILED:
            task = Task(task_id, name_of(resource), spec.type.value.upper())
            with self._editing[project_id]:
                self._edit(spec, project_id, task, changed)
        if spec.enabled is not None:
            self._switch(project_id, task_id, on=spec.enabled)
        return Observation(remote_id, {})

    def stop(self, remote_id: str) -> None:
        """Let it do nothing more. Its project, its tables and itself stay, for no call removes them."""
        project_id, _, task_id = remote_id.partition("/")
        try:
            self._switch(project_id, task_id, on=False)
        except NotFound:
            return

    def listing(self) -> Iterator[Found | Unlisted]:
        """The tasks of every project."""
        book = _Book(self._client, self._client.projects.projects())
        for project in book.projects:
            try:
                tasks = book.tasks(project.id)
            except ProviderError as error:
                yield Unlisted(f"qlik: tasks of project {project.name}", error.message)
                continue
            for task in tasks:
                if task.type.lower() not in set(QlikTaskType):
                    continue
                try:
                    files = book.files(project.id, task)
                except ProviderError:
                    files = None  # a project of the older form: what stands in its files stays untold
                state = self._client.projects.state(project.id, task.id)
                yield Found(
                    KIND, task.name, _observed(project, project.name, task, files, state, (), is_meant_to_run=True)
                )

    def declare(self, found: Found, name: str) -> Declaration | Undeclarable:
        """The inverse of `desired`."""
        told = found.observation.attributes
        spec: dict[str, Json] = {"project": told["project"], "type": told["type"]}
        if told["name"] != name:
            spec["name"] = told["name"]
        if not told.get("prepared"):
            return Declaration(
                cast("dict[str, Any]", spec), ("it is not prepared, so nothing of its files is written",)
            )
        if told.get("method") in METHODS.get(QlikTaskType(str(told["type"])), ()):
            spec["method"] = told["method"]
        for part in ("tables", "schedule"):
            if told.get(part):
                spec[part] = told[part]
        return Declaration(cast("dict[str, Any]", spec))

    # -- looking -------------------------------------------------------------------------------------------------

    def _look(self, question: Wanted, book: _Book) -> Seen:
        try:
            by_id = self._remembered(question, book)
            by_key = self._named(question.resource, book) if question.resource else ()
        except ProviderError as error:
            return Unreadable(error)
        if question.resource is not None and question.record is None and not by_key:
            # Not an absence that a create could end: a person has to make it.
            return Unreadable(self._missing(question.resource))
        return Finding(by_id, by_key)

    def _remembered(self, question: Wanted, book: _Book) -> Observation | None:
        if question.record is None:
            return None
        project_id, _, task_id = question.record.remote_id.partition("/")
        project = next((one for one in book.projects if one.id == project_id), None)
        if project is None:
            return None
        task = next((one for one in book.tasks(project_id) if one.id == task_id), None)
        applied = question.record.applied
        return None if task is None else self._seen(project, task, question.resource, applied, book)

    def _named(self, resource: Resource, book: _Book) -> tuple[Observation, ...]:
        spec = spec_of(resource)
        projects = [one for one in book.projects if spec.project in {one.id, one.name}]
        if len(projects) != 1:
            count = len(projects) or "no"
            raise Permanent(
                f"Qlik Cloud: the key sees {count} project{'s' if len(projects) > 1 else ''} called {spec.project!r}",
                hint="make the project in Qlik Cloud, or let the owner of the key into its space; of several name one by its id",
            )
        tasks = [one for one in book.tasks(projects[0].id) if name_of(resource) in {one.id, one.name}]
        return tuple(self._seen(projects[0], task, resource, {}, book) for task in tasks)

    def _seen(
        self, project: Project, task: Task, resource: Resource | None, applied: Mapping[str, Json], book: _Book
    ) -> Observation:
        spec = spec_of(resource) if resource else None
        is_edited = spec.is_edited if spec else False
        files = book.files(project.id, task) if is_edited or _FILED & applied.keys() else None
        remembered = applied.get("settings")
        settings = {*(spec.settings if spec else ()), *(remembered if isinstance(remembered, Mapping) else ())}
        state = self._client.projects.state(project.id, task.id)
        called = spec.project if spec and spec.project in {project.id, project.name} else project.name
        if spec is None and applied.get("project") in {project.id, project.name}:
            called = str(applied["project"])
        # What was last applied goes first: else a task that came to its end would seem to have been switched since.
        told = applied.get("enabled", spec.enabled if spec else None)
        return _observed(project, called, task, files, state, sorted(settings), is_meant_to_run=told is True)

    def _missing(self, resource: Resource) -> Permanent:
        spec = spec_of(resource)
        return Permanent(
            f"{resource.address}: project {spec.project!r} in Qlik Cloud has no task {name_of(resource)!r}, and its API makes none",
            hint=f"a person makes it once, at {self._client.address}, of type {spec.type.value}; then plan again",
        )

    def _place(self, remote_id: str) -> str:
        return f"{self._client.address}, project {remote_id.partition('/')[0]}"

    # -- writing -------------------------------------------------------------------------------------------------

    def _edit(self, spec: QlikTaskSpec, project_id: str, task: Task, changed: set[str]) -> None:
        projects = self._client.projects
        state = projects.state(project_id, task.id)
        if "method" in changed and state.readiness != "NOT_RUNNABLE" and not spec.allow_recreate:
            raise Permanent(
                f"Qlik Cloud cannot change the method of the prepared task {task.name!r} as it is",
                hint="write `allow_recreate: true`: its tables are then made anew, and loaded anew",
            )
        if state.last in _MOVING:
            if spec.enabled is None:
                raise Permanent(
                    f"Qlik Cloud: task {task.name!r} runs, and what runs cannot be changed",
                    hint="write `enabled: true` so that it is stopped and started again; or stop it in Qlik Cloud first",
                )
            self._switch(project_id, task.id, on=False)
        before = Archive.of(projects.export(project_id, in_full=False))
        files = before.task(task.id, task.name)
        after = task_files.written(spec, files)
        if after != files:
            projects.replace(project_id, before.with_task(task.id, task.name, after).packed())
        projects.validate(project_id, task.id)
        projects.prepare(project_id, task.id, may_recreate=spec.allow_recreate)

    def _switch(self, project_id: str, task_id: str, *, on: bool) -> None:
        projects = self._client.projects
        state = projects.state(project_id, task_id)
        if on:
            if state.last == "STOPPING":
                self._wait(project_id, task_id, lambda now: now.last != "STOPPING")
            if state.last not in _MOVING:
                projects.start(project_id, task_id)
            return
        if state.last in _MOVING:
            projects.stop(project_id, task_id)
        self._wait(project_id, task_id, lambda now: now.last not in {*_MOVING, "STOPPING"})

    def _wait(self, project_id: str, task_id: str, is_so: Callable[[RunState], bool]) -> None:
        until = self._clock.now() + _STOPS_WITHIN_S
        while not is_so(self._client.projects.state(project_id, task_id)):
            if self._clock.now() >= until:
                raise Transient(f"Qlik Cloud: task {task_id} takes longer than {_STOPS_WITHIN_S:.0f} s to stop")
            self._clock.sleep(_POLL_S)


def _observed(
    project: Project,
    called: str,
    task: Task,
    files: TaskFiles | None,
    state: RunState,
    settings: Sequence[str],
    *,
    is_meant_to_run: bool,
) -> Observation:
    """A task as it is. *files* are None where nobody speaks of them; *settings* are those somebody speaks of."""
    told: dict[str, Json] = {
        "project": called,
        "name": task.name,
        "type": task.type.lower(),
        "enabled": state.last in _MOVING or (state.last in _OVER and is_meant_to_run),
        "prepared": state.readiness != "NOT_RUNNABLE",
    }
    if files is not None:
        kinds = {kind.value: kind for kind in QlikTaskType}
        kind = kinds.get(task.type.lower())
        told["method"] = task_files.method_of(kind, files) if kind else ""
        told["tables"] = task_files.tables_of(files)
        told["schedule"] = task_files.schedule_of(files)
        told["settings"] = {at: task_files.setting_of(files, at) for at in settings}
    note = {"STARTING": "starting", "STOPPING": "stopping"}.get(state.last, "")
    computed: dict[str, Json] = {"last_run": state.last, "started": state.started}
    return Observation(f"{project.id}/{task.id}", told, computed, note=note)
