"""Where the answers of an account are kept: beside its environment, in git, so that a team reviews them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import ValidationError

from reconciler import durable
from reconciler.apis.treasure_data_endpoint import endpoint
from reconciler.errors import TdrError, UsageError
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


def recorded(project: Project, environment: str) -> ProbeRecord | None:
    """The answers that were kept; None when nobody asked.

    Raises:
        UsageError: the file is not what `tdr doctor --probe` writes.
    """
    place = place_of(project, environment)
    try:
        return ProbeRecord.model_validate_json(place.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        where = place.relative_to(project.root)
        raise UsageError(
            f"{str(where)!r} is no record of answers", hint="remove it, and run `tdr doctor --probe`"
        ) from error


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
