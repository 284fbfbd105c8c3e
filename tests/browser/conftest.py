"""A real Chromium for pages. Where there is none, tests say so and are skipped."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from looking import Looking
from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "journeys"))

from stage_fixtures import applied, filled_state, loaded, running_sandbox, stage

__all__ = ["applied", "browser", "filled_state", "loaded", "looking", "running_sandbox", "stage"]

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_OPTIONS = (
    "--no-sandbox",  # root has none
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture
def browser() -> Iterator[Browser]:
    # One for each test: while it runs, its event loop is that of the thread, and nobody else could have one.
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip("no Chromium is installed")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=list(_OPTIONS))
        yield running
        running.close()


@pytest.fixture
def looking(browser: Browser) -> Iterator[Looking]:
    with Looking(browser) as one:
        yield one
