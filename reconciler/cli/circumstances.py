"""What is known of a command beside what it came to: in which project and environment it ran, and how much it asked."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from reconciler.errors import TdrError

if TYPE_CHECKING:
    from reconciler.manifest import Project
    from reconciler.model.json import Json
    from reconciler.model.notifications import Receiver

_KEY: Final = "reconciler.circumstances"


class Finished(typer.Exit):
    """A verb came to a result: *document*, which is printed by now, and the exit code that goes with it."""

    def __init__(self, exit_code: int, document: Mapping[str, Json]) -> None:
        super().__init__(exit_code)
        self.document = document


@dataclass(slots=True)
class Circumstances:
    """Of one command. *project* is None, and *environment* "", until they are known.

    receivers: who is told how it ended, as far as it is known.
    api_calls: vendor -> requests sent, once it is over.
    """

    project: Project | None = None
    environment: str = ""
    receivers: Sequence[Receiver] = ()
    api_calls: Mapping[str, int] = field(default_factory=dict)

    @property
    def project_name(self) -> str:
        """Its name; "" until it is known."""
        return self.project.spec.project if self.project is not None else ""


def circumstances_of(context: typer.Context) -> Circumstances:
    """Those of the command that *context* is of; the same ones every time."""
    found: Circumstances = context.meta.setdefault(_KEY, Circumstances())
    return found


def settled(context: typer.Context, variables: Mapping[str, str]) -> Circumstances:
    """As `circumstances_of`; where nothing was opened, as much as can be told of it without secrets and manifests.

    variables: for ``${var:NAME}``.
    """
    found = circumstances_of(context)
    if found.environment:
        return found
    from reconciler.manifest import find_project
    from reconciler.manifest.environment import choose, read_environment
    from reconciler.manifest.findings import Findings
    from reconciler.manifest.secrets import SecretNames

    given: Mapping[str, Any] = context.params
    try:
        found.project = project = find_project(given.get("directory") or Path.cwd())
        found.environment = name = choose(project, given.get("env"))
        secret = SecretNames(project.spec.secret_commands)
        spec = read_environment(project, name, Findings(), variables=variables, environ=os.environ, secret=secret)
        found.receivers = spec.notifications if spec is not None else ()
    except (TdrError, OSError):
        pass  # why is what the command itself ended with
    return found
