"""Samples for plots: kept over restarts, whatever a killed process left behind, and let go when they are old."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from reconciler.ports.clock import Clock
from reconciler.web.charts import bars_of, line_of
from reconciler.web.samples import KEPT_S, Sample, Samples


class Fixed(Clock):
    def __init__(self, now: float) -> None:
        self._now = now

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        raise AssertionError(seconds)


def sample(at: float, size: int = 5, *drifted: str) -> Sample:
    return Sample(at, {"audience/vip": size}, {"in sync": 1}, drifted)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "dashboard" / "samples.jsonl"


def test_samples_come_back_in_the_order_of_time(file: Path) -> None:
    Samples(file, Fixed(0)).add(sample(20, 7, "query/a"))
    Samples(file, Fixed(0)).add(sample(10))
    assert Samples(file, Fixed(0)).all() == [sample(10), sample(20, 7, "query/a")]


def test_there_are_none_before_the_first(file: Path) -> None:
    assert Samples(file, Fixed(0)).all() == []


LEFT = {
    "cut": b'{"at": 1, "si',
    "not a text": b"\xff\xfe\n",
    "another form": b"[]\n",
    "no time": b'{"at": "x"}\n',
    "no size": b'{"at":1,"sizes":{"a":null},"counts":{},"drifted":[]}\n',
    "empty": b"\n\n",
    "no day": b'{"at":1e18,"sizes":{},"counts":{},"drifted":[]}\n',
    "no number": b'{"at":1e999,"sizes":{},"counts":{},"drifted":[]}\n',
    "no count": b'{"at":1,"sizes":{"a":1e999},"counts":{},"drifted":[]}\n',
}


@pytest.mark.parametrize("left", LEFT.values(), ids=LEFT)
def test_a_line_that_cannot_be_read_takes_no_other_along(file: Path, left: bytes) -> None:
    Samples(file, Fixed(0)).add(sample(10))
    with file.open("ab") as written:
        written.write(left)
    Samples(file, Fixed(0)).add(sample(20))
    assert Samples(file, Fixed(0)).all() == [sample(10), sample(20)]


def test_the_newest_and_the_sizes_of_each_audience_are_found_in_any_order(file: Path) -> None:
    kept = Samples(file, Fixed(0))
    assert (kept.newest(), kept.sizes()) == (None, {})
    for one in (sample(30, 9), sample(10, 5), Sample(20, {"audience/other": 1}, {}, ())):
        kept.add(one)

    assert kept.newest() == sample(30, 9)
    assert kept.sizes() == {"audience/vip": [(10, 5), (30, 9)], "audience/other": [(20, 1)]}


def test_a_file_that_cannot_be_read_is_a_warning_and_no_samples(file: Path) -> None:
    file.mkdir(parents=True)

    with capture_logs() as told:
        assert Samples(file, Fixed(0)).all() == []

    assert [(one["event"], one["why"]) for one in told] == [("dashboard_samples_not_read", "Is a directory")]


def test_old_ones_go(file: Path) -> None:
    Samples(file, Fixed(0)).add(sample(10))
    Samples(file, Fixed(0)).add(sample(KEPT_S))
    Samples(file, Fixed(KEPT_S + 11)).add(sample(KEPT_S + 11))
    assert [one.at for one in Samples(file, Fixed(0)).all()] == [KEPT_S, KEPT_S + 11]


def test_only_their_owner_reads_them(file: Path) -> None:
    Samples(file, Fixed(0)).add(sample(10))
    assert file.parent.stat().st_mode & 0o077 == 0


RUN = {"job_id": "1", "started_at": "2026-03-01T00:00:00Z", "created_at": None, "status": "success"}


def test_bars_are_as_high_as_their_values_and_the_oldest_is_left() -> None:
    newest_first = [RUN | {"rows": 100, "status": "error"}, RUN | {"rows": 50}, RUN | {"rows": 0}]
    drawn = bars_of(newest_first, "rows", "Rows", "rows")
    assert drawn is not None
    assert [bar.height for bar in drawn.bars] == [2.0, 52.0, 104.0]
    assert [bar.status for bar in drawn.bars] == ["success", "success", "error"]
    assert drawn.bars[0].x < drawn.bars[1].x < drawn.bars[2].x
    assert drawn.most == "100 rows"


def test_what_is_not_known_is_not_drawn() -> None:
    assert bars_of([RUN | {"seconds": None}, RUN | {"seconds": 5}], "seconds", "", "s") is None
    assert bars_of([], "seconds", "", "s") is None
    assert line_of([("t", 1.0, 5)], "") is None


def test_a_line_goes_up_where_there_are_more() -> None:
    drawn = line_of([("a", 0.0, 10), ("b", 50.0, 20), ("c", 100.0, 15)], "Members")
    assert drawn is not None
    (x1, y1, _), (x2, y2, told), (x3, y3, _) = drawn.dots
    assert x2 - x1 == pytest.approx(x3 - x2)
    assert y2 < y3 < y1
    assert (told, drawn.least, drawn.most) == ("b: 20", 10, 20)


def test_a_level_line_is_drawn_too() -> None:
    drawn = line_of([("a", 0.0, 10), ("b", 0.0, 10)], "Members")
    assert drawn is not None
    assert drawn.least == drawn.most == 10
