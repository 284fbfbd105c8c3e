"""What is known of a command beside what it came to: in which project and environment it ran, and how much it asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from reconciler.errors import TdrError

if TYPE_CHECKING:
    from reconciler.model.json import Json

_KEY: Final = "reconciler.circumstances"


class Finished(typer.Exit):
    """A verb came to a result: *document*, which is printed by now, and the exit code that goes with it."""

    def __init__(self, exit_code: int, document: Mapping[str, Json]) -> None:
        super().__init__(exit_code)
        self.document = document


@dataclass(slots=True)
class Circumstances:
    """Of one command. *project*, *environment*: "" until they are known.

    api_calls: vendor -> requests sent, once it is over.
    """

    project: str = ""
    environment: str = ""
    api_calls: Mapping[str, int] = field(default_factory=dict)


def circumstances_of(context: typer.Context) -> Circumstances:
    """Those of the command that *context* is of; the same ones every time."""
    found: Circumstances = context.meta.setdefault(_KEY, Circumstances())
    return found


def settled(context: typer.Context) -> Circumstances:
    """As `circumstances_of`; where nothing was opened, project and environment as far as their names can be told."""
    found = circumstances_of(context)
    if found.environment:
        return found
    from reconciler.manifest import find_project
    from reconciler.manifest.environment import choose

    given: Mapping[str, Any] = context.params
    try:
        project = find_project(given.get("directory") or Path.cwd())
        found.project = project.spec.project
        found.environment = choose(project, given.get("env"))
    except (TdrError, OSError):
        pass  # why is what the command itself ended with
    return found
