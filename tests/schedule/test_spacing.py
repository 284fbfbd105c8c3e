"""How near two runs come to each other, by the clock on the wall."""

from __future__ import annotations

import pytest

from reconciler.schedule import Dialect, closest_runs_s, parse

HOUR = 3600


@pytest.mark.parametrize(
    ("cron", "seconds"),
    [
        ("", None),
        ("0 3 * * *", 24 * HOUR),
        ("@hourly", HOUR),
        ("*/15 * * * *", 900),
        ("0 3,15 * * *", 12 * HOUR),
        ("0 1,23 * * *", 2 * HOUR),
        ("0 1,23 * * 1", 22 * HOUR),
        ("0 3 * * 1", 7 * 24 * HOUR),
        ("0 3 1 * *", 28 * 24 * HOUR),
        ("0 3 28,1 * *", 24 * HOUR),  # 28 February and 1 March
        ("0 3 29 2 *", None),
    ],
)
def test_the_nearest_two_runs_are_found(cron: str, seconds: int | None) -> None:
    assert closest_runs_s(parse(cron, Dialect.DOCUMENTED)) == seconds
