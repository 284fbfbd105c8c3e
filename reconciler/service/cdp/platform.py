"""The six collections together, and what is asked of all of them at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reconciler.ports.clock import Clock
from reconciler.service.catalog import Catalog
from reconciler.service.cdp.activating import Statement, statement
from reconciler.service.cdp.building import Builds
from reconciler.service.cdp.folders import Folders
from reconciler.service.cdp.journeys import Journeys
from reconciler.service.cdp.parents import ParentSegments, shown
from reconciler.service.cdp.segments import Segments
from reconciler.service.cdp.syndications import Syndications
from reconciler.service.jobs import NewJob
from reconciler.service.ports import Sealer
from reconciler.service.schedules import Schedules
from reconciler.service.storage import Storage
from reconciler.service.warehouse import Warehouse


@dataclass(frozen=True, slots=True)
class Platform:
    """Parent segments with their runs, folders, segments, activations of these, and journeys."""

    parents: ParentSegments
    builds: Builds
    folders: Folders
    segments: Segments
    syndications: Syndications
    journeys: Journeys

    def statement(self, syndication_id: int) -> Statement:
        """What a run of an activation does that begins now. Permanent when it cannot run as it is set up."""
        return statement(self.syndications, self.segments, syndication_id)

    def parent(self, row: sqlite3.Row) -> dict[str, Any]:
        """A parent segment as the vendor shows it, with what its newest run found."""
        build = self.builds.newest(row["id"])
        population = None if build is None else self.builds.population(row["id"])
        built_at = None if build is None else build.finished_at
        return shown(row, self.parents.root_folder(row["id"]), population, built_at)


def open_platform(
    storage: Storage,
    catalog: Catalog,
    warehouse: Warehouse,
    sealer: Sealer,
    issue: Callable[[NewJob], int],
    submit: Callable[[int], None],
    clock: Clock,
    schedules: Schedules,
    syndications: Syndications,
) -> Platform:
    """The platform of one service. *issue* queues a job and returns its id, *submit* hands it to a thread."""
    parents = ParentSegments(storage, schedules, clock)
    parents.schedule_older()
    builds = Builds(storage, catalog, sealer, issue, submit, clock)
    return Platform(
        parents=parents,
        builds=builds,
        folders=Folders(storage, clock),
        segments=Segments(storage, builds, catalog, warehouse, clock),
        syndications=syndications,
        journeys=Journeys(storage, syndications, clock),
    )
