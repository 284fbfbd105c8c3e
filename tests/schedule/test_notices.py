"""Zones, words, notices and comparing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reconciler.schedule import (
    Dialect,
    Finding,
    ScheduleError,
    canonical_timing,
    check_zone,
    findings,
    meaning,
    parse,
    same,
    workflow_findings,
)

IN_2026 = datetime(2026, 1, 1, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "name", ["UTC", "Asia/Tokyo", "America/Argentina/Buenos_Aires", "Asia/Calcutta", "Antarctica/Troll", "Europe/Kyiv"]
)
def test_a_zone_is_a_region_and_a_city_or_utc(name: str) -> None:
    assert check_zone(name).key == name


@pytest.mark.parametrize(
    ("name", "rule", "hint"),
    [
        ("PST", "timezone-not-a-city", "write America/Los_Angeles, Asia/Manila"),
        ("pst", "timezone-not-a-city", "write America/Los_Angeles, Asia/Manila"),
        ("JST", "timezone-not-a-city", "write Asia/Tokyo"),
        ("CST", "timezone-not-a-city", "write America/Chicago, Asia/Shanghai, Asia/Taipei, America/Havana"),
        ("EST", "timezone-not-a-city", "write America/New_York, or America/Panama without summer time"),
        ("HST", "timezone-not-a-city", "write Pacific/Honolulu"),
        ("EST5EDT", "timezone-not-a-city", "write America/New_York"),
        ("Japan", "timezone-not-a-city", "write Asia/Tokyo"),
        ("US/Pacific", "timezone-not-a-city", "write America/Los_Angeles"),
        ("Etc/UTC", "timezone-not-a-city", "write UTC"),
        ("utc", "timezone-not-a-city", "did you mean `UTC`?"),
        ("Etc/GMT+9", "timezone-not-a-city", "write a name such as Asia/Tokyo"),
        ("+09:00", "timezone-not-a-city", "write a name such as Asia/Tokyo"),
        ("", "timezone-not-a-city", "write a name such as Asia/Tokyo"),
        ("Asia", "timezone-unknown", ""),
        ("asia/tokyo", "timezone-not-a-city", "did you mean `Asia/Tokyo`?"),
        ("Asia/Tokio", "timezone-unknown", "did you mean `Asia/Tokyo`?"),
        ("Asia/../../etc/passwd", "timezone-unknown", ""),
        ("Asia/Tokyo\n", "timezone-unknown", "did you mean `Asia/Tokyo`?"),
    ],
)
def test_anything_else_is_refused_with_what_may_be_meant(name: str, rule: str, hint: str) -> None:
    with pytest.raises(ScheduleError) as refused:
        check_zone(name)

    assert (refused.value.problem.rule, refused.value.problem.field) == (rule, "timezone")
    assert refused.value.problem.hint == hint or (not hint and rule == "timezone-unknown")


@pytest.mark.parametrize(
    ("cron", "delay", "words"),
    [
        ("", 0, "no scheduled run"),
        ("* * * * *", 0, "every minute Asia/Tokyo"),
        ("*/15 * * * *", 0, "every 15 minutes Asia/Tokyo"),
        ("@hourly", 0, "every hour at :00 Asia/Tokyo"),
        ("5,35 * * * *", 0, "every hour at :05 and :35 Asia/Tokyo"),
        ("30 */2 * * *", 0, "every 2 hours from 00:30 Asia/Tokyo"),
        ("0 3 * * *", 600, "daily at 03:00 Asia/Tokyo, starting 10 minutes later"),
        ("0 3,15 * * *", 5400, "daily at 03:00 and 15:00 Asia/Tokyo, starting 1 hour 30 minutes later"),
        ("0 9 * * mon-fri", 0, "at 09:00 Asia/Tokyo on Monday to Friday"),
        ("0 9 * * 0,6", 0, "at 09:00 Asia/Tokyo on Sunday and Saturday"),
        ("0 9 * jan,jul 1", 0, "at 09:00 Asia/Tokyo on Mondays in January and July"),
        ("@monthly", 0, "at 00:00 Asia/Tokyo on day 1 of the month"),
        ("0 0 */10 * *", 0, "at 00:00 Asia/Tokyo on days 10, 20 and 30 of the month"),
        ("0 0 1-7 * 1", 0, "at 00:00 Asia/Tokyo on days 1 to 7 of the month"),
        ("*/10 9-17 * * *", 0, "every 10 minutes of hours 9 to 17 Asia/Tokyo"),
        ("* 9 * * *", 0, "every minute of hour 9 Asia/Tokyo"),
        ("7,9 8-11 * * *", 0, "daily at minutes 7 and 9 of hours 8 to 11 Asia/Tokyo"),
    ],
)
def test_a_schedule_in_words(cron: str, delay: int, words: str) -> None:
    assert meaning(parse(cron), "Asia/Tokyo", delay) == words


def test_classic_day_fields_in_words() -> None:
    cron = parse("0 0 1 * 1", Dialect.CLASSIC)

    assert meaning(cron, "UTC") == "at 00:00 UTC on day 1 of the month and also on Mondays"


@pytest.mark.parametrize(
    ("cron", "dialect", "found"),
    [
        ("0 3 * * *", "documented", []),
        ("0 3 */1 * *", "documented", []),
        (
            "0 0 */5 * *",
            "documented",
            [
                Finding(
                    "readings-differ",
                    "documented reading: '0 0 5,10,15,20,25,30 * *', classic reading: '0 0 1,6,11,16,21,26,31 * *'; "
                    "'0 0 5,10,15,20,25,30 * *' means this in both",
                )
            ],
        ),
        (
            "0 0 1 * 1",
            "documented",
            [
                Finding(
                    "both-days",
                    "day of month 1 has no effect: day of week 1 asks for more runs, and only that is followed",
                ),
                Finding(
                    "readings-differ",
                    "documented reading: '0 0 * * 1', classic reading: '0 0 1 * 1'; '0 0 * * 1' means this in both",
                ),
            ],
        ),
        (
            "0 0 1 * 1",
            "classic",
            [
                Finding("both-days", "runs on every day that day of month 1 or day of week 1 names"),
                Finding(
                    "readings-differ",
                    "classic reading: '0 0 1 * 1', documented reading: '0 0 * * 1'; no single text says this in both",
                ),
            ],
        ),
        (
            "0 0 1-4 * 1",
            "documented",
            [
                Finding(
                    "both-days-open",
                    "day of month 1-4 and day of week 1 ask for about as many runs, and the vendor does not say which it "
                    "follows then; day of week 1 is assumed and day of month 1-4 to have no effect; leave one of them out",
                ),
                Finding(
                    "readings-differ",
                    "documented reading: '0 0 * * 1', classic reading: '0 0 1,2,3,4 * 1'; '0 0 * * 1' means this in both",
                ),
            ],
        ),
        (
            "10-50/20 * * * *",
            "documented",
            [
                Finding(
                    "undocumented-step",
                    "minute '10-50/20' has a step on a range, which the vendor's page does not list",
                )
            ],
        ),
        ("0 0 29 2 *", "documented", [Finding("leap-years-only", "runs on 29 February only, so once in four years")]),
        (
            "0 0 31 * *",
            "documented",
            [
                Finding(
                    "months-without-the-day",
                    "does not run in February, April, June, September and November: no day 31 there",
                )
            ],
        ),
        (
            "0 0 30,31 * *",
            "classic",
            [Finding("months-without-the-day", "does not run in February: no day 30 there")],
        ),
        (
            "0 0 29 * *",
            "documented",
            [Finding("months-without-the-day", "does not run in February, but for leap years")],
        ),
        ("0 0 31 jan,jul *", "documented", []),
        ("0 0 28-31 * *", "documented", []),
        ("", "documented", []),
    ],
)
def test_findings_about_a_text(cron: str, dialect: str, found: list[Finding]) -> None:
    assert findings(parse(cron, dialect), "UTC", 0, IN_2026) == found


def test_what_a_canonical_form_offers_reads_alike_in_both_dialects() -> None:
    for text in ("0 0 */5 * *", "0 0 1 */3 *", "0 0 1 * 1", "0 0 1-7 * 1", "0 0 5,*/10,25 * *"):
        canonical = parse(text).canonical
        assert parse(canonical, Dialect.CLASSIC).canonical == canonical


def test_a_list_with_a_step_says_which_day_is_not_settled() -> None:
    rules = [finding.rule for finding in findings(parse("0 0 5,*/10,25 * *"), "UTC", 0, None)]

    assert rules == ["step-in-list", "readings-differ"]
    assert "step-in-list" not in [finding.rule for finding in findings(parse("0 0 */10,31 * *"), "UTC", 0, None)]


@pytest.mark.parametrize(
    ("cron", "zone", "after", "messages"),
    [
        ("30 2 * * *", "Asia/Tokyo", (2026, 1, 1), []),
        ("30 4 * * *", "America/New_York", (2026, 1, 1), []),
        ("30 * * * *", "America/New_York", (2026, 1, 1), []),
        (
            "30 1,2 * * *",
            "America/New_York",
            (2026, 1, 1),
            [
                "clocks go forward: 02:30 does not exist on 2026-03-08; what the vendor does then is not documented",
                "clocks go back: 01:30 comes twice on 2026-11-01; what the vendor does then is not documented",
            ],
        ),
        (
            "30 1,2 * * *",
            "America/New_York",
            (2026, 6, 1),
            [
                "clocks go back: 01:30 comes twice on 2026-11-01; what the vendor does then is not documented",
                "clocks go forward: 02:30 does not exist on 2027-03-14; what the vendor does then is not documented",
            ],
        ),
        ("30 2 * * 1", "America/New_York", (2026, 1, 1), []),
    ],
)
def test_clock_changes_of_the_coming_year_are_said(
    cron: str, zone: str, after: tuple[int, int, int], messages: list[str]
) -> None:
    moment = datetime(*after, tzinfo=UTC).timestamp()
    found = findings(parse(cron), zone, 0, moment)

    assert [finding.message for finding in found if finding.rule == "clock-change"] == messages


@pytest.mark.parametrize(
    ("cron", "delay", "found"),
    [
        ("@hourly", 3600, []),
        ("@hourly", 3601, ["a delay of 1 hour 1 second is longer than the 1 hour between two runs"]),
        ("0,10 9 * * 1", 601, ["a delay of 10 minutes 1 second is longer than the 10 minutes between two runs"]),
        ("55,5 * * * *", 700, ["a delay of 11 minutes 40 seconds is longer than the 10 minutes between two runs"]),
        ("@daily", 90000, ["a delay of 1 day 1 hour is longer than the 1 day between two runs"]),
        ("0 0 31 12 *", 86400 * 364, []),
        ("", 0, []),
        ("", 600, ["a delay of 10 minutes has no effect without a schedule"]),
    ],
)
def test_a_delay_that_is_likely_a_mistake_is_said(cron: str, delay: int, found: list[str]) -> None:
    assert [finding.message for finding in findings(parse(cron), "UTC", delay, None)] == found


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("", None, True),
        ("@daily", "0 0 * * *", True),
        ("0 12 * * *", "0 12 * * * UTC", True),
        ("@daily", "@daily UTC", True),
        ("0 12 * * *", "0 12 * * * Asia/Tokyo", True),
        ("0 9 * * mon-fri", "0 9 * * 1,2,3,4,5", True),
        ("0 9 * * MON", "0 9 * * 1", True),
        ("0 0 1 * 1", "0 0 * * 1", True),
        ("0 0 1 * 1", "0 0 1 * *", False),
        ("0 12 * * *", None, False),
        ("0 12 * * *", "0 13 * * *", False),
        ("what is this", "what is this", True),
        ("what is this", "0 12 * * *", False),
        ("0 0 9 * * MON", "0 0 9 * *", False),
    ],
)
def test_two_texts_are_the_same_by_meaning(a: str | None, b: str | None, expected: bool) -> None:  # noqa: FBT001
    assert same(a, b) is expected
    assert same(b, a) is expected


@pytest.mark.parametrize(
    ("cron", "zone", "expected"),
    [
        ("0 12 * * *", "Asia/Tokyo", ("0 12 * * *", "Asia/Tokyo")),
        ("0 12 * * * UTC", "Asia/Tokyo", ("0 12 * * *", "Asia/Tokyo")),
        ("0 12 * * * UTC", None, ("0 12 * * *", "UTC")),
        ("0 12 * * *", None, ("0 12 * * *", "UTC")),
        ("0 12 * * *", "Etc/UTC", ("0 12 * * *", "UTC")),
        ("", "Asia/Tokyo", ("", "")),
        (None, None, ("", "")),
        ("not a cron", "PST", ("not a cron", "PST")),
    ],
)
def test_canonical_timing(cron: str | None, zone: str | None, expected: tuple[str, str]) -> None:
    assert canonical_timing(cron, zone) == expected


def test_a_workflow_reads_two_day_fields_otherwise() -> None:
    assert workflow_findings(parse("0 0 1 * 1")) == [
        Finding(
            "workflow-reads-both-days",
            "a workflow runs '0 0 1 * 1' only on Mondays that are day 1 of the month; a query schedule runs it on Mondays",
        )
    ]
    assert workflow_findings(parse("0 0 1 * *")) == []
