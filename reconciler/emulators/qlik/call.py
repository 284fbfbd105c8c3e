"""One request that got as far as somebody who answers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from reconciler.emulators.answering import Disturbed
from reconciler.emulators.qlik.refusals import invalid, not_found
from reconciler.emulators.qlik.world import Project, Task, World
from reconciler.model.json import Json


@dataclass(frozen=True, slots=True)
class Archive:
    """A zip file as an answer."""

    content: bytes


Told: TypeAlias = "tuple[int, Json | Archive]"
"""Status and body; None is no body."""


@dataclass(frozen=True, slots=True)
class Call(Disturbed):
    """A request whose key was found good. *base*: address of the tenant; *raw* is the body when it is no JSON."""

    world: World
    base: str
    path: str
    ids: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Json
    raw: bytes

    def object(self) -> Mapping[str, Json]:
        """The body, which has to be an object.

        Raises:
            Refused: 400.
        """
        if not isinstance(self.body, dict):
            raise invalid("the body is not an object")
        return self.body

    def text(self, name: str) -> str:
        """A text that the body has to have.

        Raises:
            Refused: 400.
        """
        value = self.object().get(name)
        if not isinstance(value, str) or not value:
            raise invalid(f"{name} is required")
        return value

    def project(self) -> Project:
        """The project that the path names.

        Raises:
            Refused: 404.
        """
        found = self.world.projects.get(self.ids["project_id"])
        if found is None:
            raise not_found("the project")
        return found

    def task(self) -> Task:
        """The task that the path names.

        Raises:
            Refused: 404.
        """
        found = self.project().tasks.get(self.ids["task_id"])
        if found is None:
            raise not_found("the task")
        return found
