"""The cases people really met, where the collection of them is at hand: each is a claim, named by its id."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from pydantic import ValidationError

from reconciler.model.timing import Timing
from reconciler.schedule import (
    Problem,
    canonical_timing,
    check,
    findings,
    next_runs,
    parse,
    same,
    workflow_findings,
)

FILE = Path(__file__).resolve().parents[3] / "shared" / "cases" / "cron-and-schedules.yaml"
Case = dict[str, Any]


def _cases() -> dict[str, Case]:
    return (
        {case["id"]: case for case in yaml.safe_load(FILE.read_text(encoding="utf-8"))["cases"]}
        if FILE.exists()
        else {}
    )


CASES = _cases()


def _after(given: Case) -> float:
    text = str(given["now"]).removesuffix(" in the zone of the schedule")
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo(given["timezone"])).timestamp()


def _next(given: Case, count: int) -> list[str]:
    runs = next_runs(parse(given["cron"]), given["timezone"], _after(given), count)
    return [f"{run.local:%Y-%m-%d %H:%M}" for run in runs]


def _refusals(cron: str, timezone: str = "UTC") -> list[Problem]:
    problems = check(cron, timezone)
    assert problems, (cron, timezone)
    return problems


def _next_are_as_given(case: Case) -> None:
    expected = [str(moment) for moment in case["expect"]["values"]["next"]]
    assert _next(case["given"], len(expected)) == expected


def _said(case: Case) -> str:
    given = case["given"]
    after = _after(given) if "now" in given else None
    return "\n".join(
        finding.message for finding in findings(parse(given["cron"]), given.get("timezone", "UTC"), 0, after)
    )


def _conflict(case: Case) -> None:
    _next_are_as_given(case)
    assert "day of month 1 has no effect" in _said(case)


def _first_monday(case: Case) -> None:
    _next_are_as_given(case)
    assert "day of week 1 has no effect: day of month 1-7 asks for more runs" in _said(case)


def _list_with_step(case: Case) -> None:
    values = case["expect"]["values"]
    days = parse(case["given"]["cron"]).days
    assert list(days) == sorted([*values["days_certain"], *values["days_unsettled"]])
    assert "whether 30 belongs to it is not settled" in _said(case)
    assert "write out what you mean, such as 5,10,20,25,30" in _said(case)


def _hours_step(case: Case) -> None:
    _next_are_as_given(case)
    day = {**case["given"], "now": "2025-12-31 23:59"}
    times = case["expect"]["values"]["runs_on_the_first"]
    assert _next(day, len(times)) == [f"2026-01-01 {moment}" for moment in times]


def _seven(case: Case) -> None:
    assert [problem.hint for problem in _refusals(case["given"]["cron"])] == ["use 0 or sun"]


def _two_blanks(case: Case) -> None:
    assert [problem.hint for problem in _refusals(case["given"]["cron"])] == ["write '0 4 * * *'"]


def _abbreviations(case: Case) -> None:
    hints = {zone: _refusals(case["given"]["cron"], zone)[0].hint for zone in case["given"]["timezones"]}
    assert "America/Los_Angeles" in hints["PST"]
    assert "Asia/Tokyo" in hints["JST"]
    assert len([name for name in ("America/Chicago", "Asia/Shanghai") if name in hints["CST"]]) == 2


def _database_names(case: Case) -> None:
    for zone in case["given"]["timezones"]:
        assert "/" in _refusals(case["given"]["cron"], zone)[0].hint


def _empty(case: Case) -> None:
    assert check("", "UTC") == []
    for ours, theirs in ((None, None), ("", None), ("", "")):
        assert same(ours, theirs)
        assert canonical_timing(ours, "Asia/Tokyo") == canonical_timing(theirs, "UTC")
    assert len(case["given"]["pairs"]) == 4


def _presets(case: Case) -> None:
    values = case["expect"]["values"]
    for cron in values["accepted"]:
        assert check(cron, "UTC") == []
    for line in values["rejected"]:
        cron, _, replacement = line.partition(" (use ")
        hint = _refusals(cron)[0].hint
        assert not replacement or hint == f"use {replacement.removesuffix(')')}"


def _never(case: Case) -> None:
    assert "never runs" in _refusals(case["given"]["cron"])[0].message


def _clocks_forward(case: Case) -> None:
    given = case["given"]
    runs = [str(run) for run in next_runs(parse(given["cron"]), given["timezone"], _after(given), 2)]
    assert runs == [
        "2026-03-08 03:30 -07:00 (clocks go forward: 02:30 does not exist on 2026-03-08)",
        "2026-03-09 02:30 -07:00",
    ]
    assert "02:30 does not exist on 2026-03-08" in _said(case)


def _clocks_back(case: Case) -> None:
    given = case["given"]
    runs = [str(run) for run in next_runs(parse(given["cron"]), given["timezone"], _after(given), 2)]
    assert runs == [
        "2026-11-01 01:30 -04:00 (clocks go back: 01:30 comes twice on 2026-11-01)",
        "2026-11-02 01:30 -05:00",
    ]
    assert "01:30 comes twice on 2026-11-01" in _said(case)


def _full_width(case: Case) -> None:
    problem = _refusals(case["given"]["cron"])[0]
    assert "character 1 " in problem.message
    assert "U+FF10" in problem.message
    assert problem.hint == "write '0 4 * * *'"


def _zero_step(case: Case) -> None:
    for cron in case["given"]["crons"]:
        assert "is zero" in _refusals(cron)[0].message


def _delay(case: Case) -> None:
    values = case["expect"]["values"]
    delays = [Timing(delay=value).delay for value in (*values["accepted"][:2], "3600")]  # type: ignore[arg-type]
    assert delays == [0, 3600, 3600]
    with pytest.raises(ValidationError):
        Timing(delay=values["rejected"][0])
    assert [finding.rule for finding in findings(parse("@hourly"), "UTC", 7200, None)] == ["delay-longer-than-interval"]
    assert [finding.rule for finding in findings(parse(""), "UTC", 600, None)] == ["delay-without-schedule"]
    assert findings(parse("@hourly"), "UTC", 3600, None) == []


def _delay_with_a_unit(case: Case) -> None:
    refused = case["expect"]["values"]["rejected"][1]
    assert refused == "1h", "the part of the case that is argued against"
    with pytest.raises(ValidationError):
        Timing(delay=refused)


def _names(case: Case) -> None:
    _next_are_as_given(case)
    assert same(case["given"]["cron"], case["expect"]["values"]["equal_to"])
    assert same(case["given"]["cron"], "0 9 * JAN,APR,JUL,OCT MON-FRI")


def _workflow(case: Case) -> None:
    [finding] = workflow_findings(parse(case["given"]["cron"]))
    assert "only on Mondays that are day 1 of the month; a query schedule runs it on Mondays" in finding.message


def _line_break(case: Case) -> None:
    cron = yaml.safe_load(case["given"]["literal"])["cron"]
    assert cron.endswith("\n")
    assert parse(cron).text == case["expect"]["values"]["sent"]


CHECKS: dict[str, Callable[[Case], None]] = {
    "cron-001": _conflict,
    "cron-002": _first_monday,
    "cron-003": _next_are_as_given,
    "cron-004": _list_with_step,
    "cron-005": _hours_step,
    "cron-006": _seven,
    "cron-007": _two_blanks,
    "cron-008": _abbreviations,
    "cron-009": _database_names,
    "cron-010": _empty,
    "cron-011": _presets,
    "cron-012": _never,
    "cron-013": _clocks_forward,
    "cron-014": _clocks_back,
    "cron-015": _full_width,
    "cron-016": _zero_step,
    "cron-017": _delay,
    "cron-018": _names,
    "cron-019": _workflow,
    "cron-020": _line_break,
}

ARGUED: dict[str, tuple[str, Callable[[Case], None]]] = {
    "cron-017": (
        "a manifest is no request: its durations may have a unit, `1h` can only mean 3600, and 3600 is what is sent",
        _delay_with_a_unit,
    ),
}
"""Parts of cases that are judged wrong, each with the reason. Once such a part holds, its test fails: then it goes from here."""

needs_cases = pytest.mark.skipif(not FILE.exists(), reason="the collection of field cases is not beside the checkout")


@needs_cases
def test_every_case_has_its_check() -> None:
    assert sorted(CASES) == sorted(CHECKS)


@needs_cases
@pytest.mark.parametrize("case_id", sorted(CHECKS))
def test_case(case_id: str) -> None:
    CHECKS[case_id](CASES[case_id])


@needs_cases
@pytest.mark.parametrize(
    "case_id",
    [pytest.param(one, marks=pytest.mark.xfail(strict=True, reason=why)) for one, (why, _) in sorted(ARGUED.items())],
)
def test_a_part_that_is_argued_against_does_not_hold(case_id: str) -> None:
    ARGUED[case_id][1](CASES[case_id])
