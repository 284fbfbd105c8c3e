"""A service on a temporary folder for each test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal
from service_world import (
    KEY,
    Client,
    FakeClock,
    MinuteHourCron,
    OpenWorld,
    RecordingExporter,
    SqlImporter,
    World,
    XorSealer,
)

from reconciler.service.app import create_app
from reconciler.service.opening import open_service


@pytest.fixture
def open_world(tmp_path: Path) -> Iterator[OpenWorld]:
    """Opens worlds on one folder; closes them all."""
    with _opening(tmp_path / "service") as make:
        yield make


@pytest.fixture(scope="module")
def open_world_for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenWorld]:
    """The same for all tests of a file, which change nothing that another one looks at."""
    with _opening(tmp_path_factory.mktemp("worlds") / "service") as make:
        yield make


@contextmanager
def _opening(folder: Path) -> Iterator[OpenWorld]:
    opened: list[World] = []

    def make(**options: Any) -> World:
        clock = options.pop("clock", None) or FakeClock()
        exporter = options.pop("exporter", None) or RecordingExporter()
        importer = options.pop("importer", None) or SqlImporter()
        root = options.pop("root", folder)
        service = open_service(
            root,
            exporter=exporter,
            importer=importer,
            sealer=XorSealer(),
            clock=clock,
            api_keys=[KEY],
            cron=MinuteHourCron(),
            **options,
        )
        world = World(root, clock, exporter, importer, service, Client(portal, create_app(service)))
        opened.append(world)
        return world

    with start_blocking_portal() as portal:
        yield make
    for world in opened:
        world.service.close(cancel=True)


@pytest.fixture
def world(open_world: OpenWorld) -> World:
    """A service with the database ``sales``."""
    made = open_world()
    made.post("/v3/database/create/sales")
    return made
