"""Where the answers of an account are kept: beside its environment, in git, so that a team reviews them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from reconciler import durable
from reconciler.apis.treasure_data_endpoint import endpoint
from reconciler.diagnostics import Diagnostic, Position, Severity
from reconciler.errors import TdrError
from reconciler.manifest import Project
from reconciler.manifest.project import ENVIRONMENTS
from reconciler.model.environment import EMBEDDED, TreasureDataTarget
from reconciler.model.probe import ProbeRecord

_SUFFIX: Final = ".probe.json"


def place_of(project: Project, environment: str) -> Path:
    """The file of an environment's answers, such as ``manifests/environments/production.probe.json``."""
    return project.manifests / ENVIRONMENTS / f"{environment}{_SUFFIX}"


def host_of(target: TreasureDataTarget) -> str:
    """Where *target* answers."""
    return EMBEDDED if target.endpoint == EMBEDDED else endpoint(target.endpoint).base_url


@dataclass(frozen=True, slots=True)
class Kept:
    """What the file of an environment's answers holds. *damage* says why it cannot be read, and then nothing is known."""

    record: ProbeRecord | None = None
    damage: Diagnostic | None = None

    @property
    def note(self) -> str:
        """The damage in a line, for what has no list of findings; "" for none."""
        if self.damage is None:
            return ""
        where = self.damage.position.file if self.damage.position else ""
        return f"{where}: {self.damage.message}; {self.damage.hint}"


def recorded(project: Project, environment: str) -> Kept:
    """The answers that were kept; none when nobody asked. A file that cannot be read stops nobody: defaults hold then."""
    place = place_of(project, environment)
    try:
        return Kept(ProbeRecord.model_validate_json(place.read_bytes()))
    except FileNotFoundError:
        return Kept()
    except (OSError, ValidationError) as error:
        where = place.relative_to(project.root).as_posix()
        why = f"cannot be read: {error.strerror}" if isinstance(error, OSError) else "is no record of answers"
        return Kept(
            damage=Diagnostic(
                "probe-record",
                f"the file {why}, so nothing is known of the account and defaults hold",
                Severity.WARNING,
                position=Position(where),
                hint="take it from git, or remove it and run `tdr doctor --probe`",
            )
        )


def keep(project: Project, environment: str, record: ProbeRecord) -> None:
    """Put *record* in the place of what was kept.

    Raises:
        TdrError: it cannot be written.
    """
    place = place_of(project, environment)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        durable.replace(place, (record.model_dump_json(indent=2) + "\n").encode(), durable.SHARED)
    except OSError as error:
        raise TdrError(
            f"{str(place)!r} cannot be written: {error.strerror}", hint="make its folder writable"
        ) from error
