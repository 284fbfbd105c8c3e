"""`tdr schedule explain`: a schedule before it is put anywhere."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from stage import Stage, environment

SCHEMA = json.loads((files("reconciler.reports") / "schemas" / "schedule.json").read_text(encoding="utf-8"))


@pytest.fixture
def nowhere(tmp_path: Path) -> Stage:
    """A folder that is no project."""
    return Stage(tmp_path, None, environment(tmp_path))


def explained(nowhere: Stage, *arguments: str, expect: int = 0) -> dict[str, Any]:
    said = nowhere.tdr("schedule", "explain", *arguments, "--format", "json", expect=expect)
    document: dict[str, Any] = json.loads(said.out)
    Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(document)
    return document


def test_a_schedule_is_told_in_words_with_its_runs_and_what_is_odd_about_it(nowhere: Stage) -> None:
    said = nowhere.tdr(
        *("schedule", "explain", "0 0 1 * 1", "--timezone", "Asia/Tokyo", "--delay", "10m"),
        *("--after", "2026-01-01T00:30", "--next", "2"),
    )

    assert said.out == (
        "at 00:00 Asia/Tokyo on Mondays, starting 10 minutes later\n"
        "  2026-01-05 00:00 +09:00 = 2026-01-04 15:00 UTC\n"
        "  2026-01-12 00:00 +09:00 = 2026-01-11 15:00 UTC\n"
        "notice: day of month 1 has no effect: day of week 1 asks for more runs, and only that is followed\n"
        "warning: documented reading: '0 0 * * 1', classic reading: '0 0 1 * 1'; '0 0 * * 1' means this in both\n"
        "notice: a workflow runs '0 0 1 * 1' only on Mondays that are day 1 of the month; "
        "a query schedule runs it on Mondays\n"
    )
    assert said.err == ""


def test_the_document_has_local_moments_with_their_offset_and_utc(nowhere: Stage) -> None:
    document = explained(
        nowhere, "30 2 * * *", "--timezone", "Europe/Berlin", "--after", "2026-03-28T02:30", "--next", "2"
    )

    assert document["meaning"] == "daily at 02:30 Europe/Berlin"
    assert document["canonical"] == "30 2 * * *"
    assert document["after"] == "2026-03-28T01:30:00Z"
    assert document["next"] == [
        {
            "local": "2026-03-29T03:30:00+02:00",
            "utc": "2026-03-29T01:30:00Z",
            "note": "clocks go forward: 02:30 does not exist on 2026-03-29",
        },
        {"local": "2026-03-30T02:30:00+02:00", "utc": "2026-03-30T00:30:00Z", "note": ""},
    ]
    assert [(one["rule"], one["field"], one["severity"], one["message"][:34]) for one in document["findings"]] == [
        ("clock-change", "cron", "notice", "clocks go forward: 02:30 does not "),
        ("clock-change", "cron", "notice", "clocks go back: 02:30 comes twice "),
        ("clock-change", "cron", "notice", "clocks go forward: 02:30 does not "),
    ]


@pytest.mark.parametrize(
    ("dialect", "days"), [("documented", [5, 10, 15, 20, 25, 30]), ("classic", [1, 6, 11, 16, 21, 26, 31])]
)
def test_the_dialect_decides_what_a_step_means(nowhere: Stage, dialect: str, days: list[int]) -> None:
    document = explained(
        nowhere, "0 0 */5 * *", "--dialect", dialect, "--after", "2025-12-31T00:00", "--next", str(len(days))
    )

    assert [int(run["local"][8:10]) for run in document["next"]] == days


@pytest.mark.parametrize(
    ("after", "first"),
    [
        ("2026-01-01T03:00", "2026-01-02T03:00:00+09:00"),
        ("2026-01-01T02:59:59", "2026-01-01T03:00:00+09:00"),
        ("2026-01-01", "2026-01-01T03:00:00+09:00"),
        ("2025-12-31T18:00:00Z", "2026-01-02T03:00:00+09:00"),
        ("2025-12-31T12:59:59-05:00", "2026-01-01T03:00:00+09:00"),
    ],
    ids=["exclusive", "a second before", "a day", "in UTC", "with an offset"],
)
def test_after_is_local_to_the_zone_unless_it_says_where(nowhere: Stage, after: str, first: str) -> None:
    document = explained(nowhere, "0 3 * * *", "--timezone", "Asia/Tokyo", "--after", after, "--next", "1")

    assert [run["local"] for run in document["next"]] == [first]


def test_no_schedule_is_one_too(nowhere: Stage) -> None:
    document = explained(nowhere, "")

    assert (document["meaning"], document["next"], document["findings"]) == ("no scheduled run", [], [])


def test_one_that_cannot_be_used_exits_with_7_and_everything_wrong_with_it(nowhere: Stage) -> None:
    said = nowhere.tdr("schedule", "explain", "0 0 * *", "--timezone", "JST", expect=7)
    document = explained(nowhere, "0 0 * *", "--timezone", "JST", expect=7)

    assert said.out == ""
    assert said.err.splitlines() == [
        "error: cron: '0 0 * *' has 4 fields where five should be",
        "hint: write minute, hour, day of month, month and day of week, such as '0 4 * * *'",
        "error: timezone: 'JST' is not a region and city, nor UTC",
        "hint: write Asia/Tokyo",
    ]
    assert not document["is_valid"]
    assert [(one["field"], one["rule"]) for one in document["findings"]] == [
        ("cron", "cron-fields"),
        ("timezone", "timezone-not-a-city"),
    ]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--after", "tomorrow"), "--after 'tomorrow' is not a moment"),
        (
            ("--after", "0001-01-01", "--timezone", "Asia/Tokyo"),
            "--after '0001-01-01' is not within the years 1970 to 9000",
        ),
        (
            ("--after", "9999-12-30", "--timezone", "Asia/Tokyo"),
            "--after '9999-12-30' is not within the years 1970 to 9000",
        ),
        (("--delay", "soon"), "'soon' is not a duration"),
        (("--dialect", "quartz"), "--dialect 'quartz' is unknown"),
        (("--next", "-1"), "--next '-1' is less than 0"),
    ],
)
def test_a_wrong_command_line_exits_with_64(nowhere: Stage, arguments: tuple[str, ...], complaint: str) -> None:
    said = nowhere.tdr("schedule", "explain", "0 3 * * *", *arguments, expect=64)

    assert complaint in said.err
