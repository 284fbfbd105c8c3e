from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1] / "journeys")]

from fault_world import FaultWorld, opened


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultWorld]:
    with opened(tmp_path_factory.mktemp("faults")) as world:
        yield world


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many combinations of the fault matrix were run, and how many broke its law."""
    reports = [
        (outcome, report)
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        if dict(report.user_properties).get("fault matrix") and report.when == "call"
    ]
    if reports:
        broken = sum(outcome == "failed" for outcome, _ in reports)
        idle = sum(not dict(report.user_properties).get("struck") for _, report in reports)
        terminalreporter.write_line(
            f"fault matrix: {len(reports)} combinations run, {len(reports) - idle} struck, {broken} violations"
        )
