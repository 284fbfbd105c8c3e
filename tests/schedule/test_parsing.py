"""What a cron text may be, what it means, and what is said about one that cannot be used."""

from __future__ import annotations

import itertools
import subprocess
import sys
from datetime import date, timedelta
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.schedule import DayRule, Dialect, ScheduleError, check, parse
from reconciler.schedule.cron import DAY, FIELDS, MONTH

CANONICAL = [
    ("* * * * *", "* * * * *", "* * * * *"),
    ("*/5 * * * *", "0,5,10,15,20,25,30,35,40,45,50,55 * * * *", "0,5,10,15,20,25,30,35,40,45,50,55 * * * *"),
    ("0-59 0-23 1-31 1-12 0-6", "* * * * *", "* * * * *"),
    ("05 03 * * *", "5 3 * * *", "5 3 * * *"),
    ("30,0 4,2 * * *", "0,30 2,4 * * *", "0,30 2,4 * * *"),
    ("1-3,2-5,4 * * * *", "1,2,3,4,5 * * * *", "1,2,3,4,5 * * * *"),
    ("10-50/20 * * * *", "10,30,50 * * * *", "10,30,50 * * * *"),
    ("2,*/25,8-10 * * * *", "0,2,8,9,10,25,50 * * * *", "0,2,8,9,10,25,50 * * * *"),
    ("0 0 */5 * *", "0 0 5,10,15,20,25,30 * *", "0 0 1,6,11,16,21,26,31 * *"),
    ("0 0 1 */3 *", "0 0 1 3,6,9,12 *", "0 0 1 1,4,7,10 *"),
    ("0 0 * * */2", "0 0 * * 0,2,4,6", "0 0 * * 0,2,4,6"),
    ("0 0 * Jan-MAR sun,SAT", "0 0 * 1,2,3 0,6", "0 0 * 1,2,3 0,6"),
    ("0 0 1 * 1", "0 0 * * 1", "0 0 1 * 1"),
    ("0 0 1-7 * 1", "0 0 1,2,3,4,5,6,7 * *", "0 0 1,2,3,4,5,6,7 * 1"),
    ("0 0 1-31 * 1", "0 0 * * *", "0 0 * * *"),
    ("0 0 */1 * 1", "0 0 * * *", "0 0 * * *"),
    ("0 0 30 2 1", "0 0 * 2 1", "0 0 * 2 1"),
    ("0 0 31 1,2,4 *", "0 0 31 1 *", "0 0 31 1 *"),
    ("0 0 1-30 4,6 *", "0 0 * 4,6 *", "0 0 * 4,6 *"),
    ("0 0 29,30 2 *", "0 0 29 2 *", "0 0 29 2 *"),
    ("@hourly", "0 * * * *", "0 * * * *"),
    ("@daily", "0 0 * * *", "0 0 * * *"),
    ("@monthly", "0 0 1 * *", "0 0 1 * *"),
    ("", "", ""),
    (None, "", ""),
    ("\r\n", "", ""),
]


@pytest.mark.parametrize(("text", "documented", "classic"), CANONICAL)
def test_a_text_has_one_canonical_form_a_dialect(text: str | None, documented: str, classic: str) -> None:
    assert (parse(text).canonical, parse(text, "classic").canonical) == (documented, classic)


REFUSED = [
    ("60 * * * *", "cron-value", "minute 60 is outside 0 to 59"),
    ("* 24 * * *", "cron-value", "hour 24 is outside 0 to 23"),
    ("* * 0 * *", "cron-value", "day of month 0 is outside 1 to 31"),
    ("* * 32 * *", "cron-value", "day of month 32 is outside 1 to 31"),
    ("* * * 13 *", "cron-value", "month 13 is outside 1 to 12"),
    ("* * * * 7", "cron-sunday", "day of week 7 is not promised to be Sunday"),
    ("* * * * 0-7", "cron-sunday", "day of week 7 is not promised to be Sunday"),
    ("* * * * 8", "cron-value", "day of week 8 is outside 0 to 6"),
    ("* * * * monday", "cron-value", "day of week 'monday' is not known"),
    ("jan * * * *", "cron-value", "minute 'jan' is not known"),
    ("* * * mon *", "cron-value", "month 'mon' is not known"),
    ("-1 * * * *", "cron-syntax", "minute '-1' cannot be read"),
    ("1.5 * * * *", "cron-syntax", "minute '1.5' cannot be read"),
    ("1, * * * *", "cron-syntax", "minute '' cannot be read"),
    ("*-5 * * * *", "cron-syntax", "minute '*-5' cannot be read"),
    ("5/15 * * * *", "cron-syntax", "minute '5/15' has a step but no end"),
    ("0 0 ? * 1", "cron-syntax", "day of month '?' cannot be read"),
    ("0 0 L * *", "cron-value", "day of month 'L' is not known"),
    ("0 0 * * 1#1", "cron-syntax", "day of week '1#1' cannot be read"),
    (f"{'9' * 400} * * * *", "cron-syntax", f"minute '{'9' * 60}'… cannot be read"),
    (
        f"{'9' * 5000} * * * *",
        "cron-too-long",
        f"'{'9' * 60}'… has 5,008 characters, more than any schedule needs",
    ),
    ("*,5 * * * *", "cron-star-in-list", "minute '*,5' has '*' in a list"),
    ("50-10 * * * *", "cron-range", "minute '50-10' runs backwards"),
    ("* * * * sat-sun", "cron-range", "day of week 'sat-sun' runs backwards"),
    ("*/0 * * * *", "cron-step", "the step of minute '*/0' is zero"),
    ("*/90 * * * *", "cron-step", "the step of minute '*/90' is more than the 60 values there are"),
    ("* * * *", "cron-fields", "'* * * *' has 4 fields where five should be"),
    ("0 0 4 * * *", "cron-fields", "'0 0 4 * * *' has 6 fields where five should be"),
    ("None", "cron-fields", "'None' has 1 fields where five should be"),
    (" ", "cron-fields", "' ' has 0 fields where five should be"),
    (" 0 4 * * *", "cron-blanks", "' 0 4 * * *' has more than single blanks between its fields"),
    ("0 4 * * * ", "cron-blanks", "'0 4 * * * ' has more than single blanks between its fields"),
    ("0\t4 * * *", "cron-blanks", "'0\\t4 * * *' has more than single blanks between its fields"),
    ("0 4\n* * *", "cron-blanks", "'0 4\\n* * *' has more than single blanks between its fields"),
    ("0\u00a04 * * *", "cron-not-ascii", "character 2 of '0\\xa04 * * *' is U+00A0 (NO-BREAK SPACE)"),
    ("0 4 * * ٣", "cron-not-ascii", "character 9 of '0 4 * * ٣' is U+0663 (ARABIC-INDIC DIGIT THREE)"),
    ("@Daily", "cron-preset", "'@Daily' is not a preset; there are @hourly, @daily, @monthly"),
    ("@weekly", "cron-preset", "'@weekly' is not a preset; there are @hourly, @daily, @monthly"),
    ("0 0 30 2 *", "cron-never-runs", "'0 0 30 2 *' never runs: no such day exists"),
    ("0 0 31 4,6,9,11 *", "cron-never-runs", "'0 0 31 4,6,9,11 *' never runs: no such day exists"),
]


@pytest.mark.parametrize(("text", "rule", "message"), REFUSED, ids=[text[:20] for text, _, _ in REFUSED])
def test_a_text_that_is_not_promised_to_work_is_refused_with_a_way_out(text: str, rule: str, message: str) -> None:
    for dialect in Dialect:
        with pytest.raises(ScheduleError) as refused:
            parse(text, dialect)
        problem = refused.value.problem
        assert (problem.rule, problem.field, problem.message, str(refused.value)) == (rule, "cron", message, message)
        assert problem.hint


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("* * * * monday", "did you mean `mon`?"),
        ("* * * * sat-sun", "write '6-6,0-0'"),
        ("50-10 * * * *", "write '50-59,0-10'"),
        ("5/15 * * * *", "write '5-59/15'"),
        ("@Daily", "did you mean `@daily`?"),
        ("@every 5m", "write five fields instead"),
        ("None", 'write "" for no scheduled run'),
        ("0\t4 * * *", "write '0 4 * * *'"),
        ("0 0 4 * * *", "leave out seconds and years: minute, hour, day of month, month, day of week"),
        ("\uff10 \uff14 \uff0a * *", "write '0 4 * * *'"),
    ],
)
def test_the_way_out_can_be_copied(text: str, hint: str) -> None:
    [problem] = check(text, "UTC")

    assert problem.hint == hint


def test_cron_and_zone_are_checked_together() -> None:
    assert [problem.rule for problem in check("* * *", "PST")] == ["cron-fields", "timezone-not-a-city"]


def test_an_unknown_dialect_is_refused() -> None:
    with pytest.raises(ValueError, match="quartz"):
        parse("* * * * *", "quartz")


@pytest.mark.parametrize(
    ("text", "rule", "is_settled"),
    [
        ("0 0 1 * 1", DayRule.WEEKDAYS, True),
        ("0 0 1-3 * 1", DayRule.WEEKDAYS, True),
        ("0 0 1-4 * 1", DayRule.WEEKDAYS, False),  # a February has four of each
        ("0 0 1-5 * 1", DayRule.DAYS, False),  # some months have five Mondays
        ("0 0 1-6 * 1", DayRule.DAYS, True),
        ("0 0 1-9 * sat,sun", DayRule.DAYS, False),
        ("0 0 1-12 * sat,sun", DayRule.DAYS, True),
        ("0 0 1 * 1-5", DayRule.WEEKDAYS, True),
        ("0 0 29 2 1", DayRule.WEEKDAYS, True),
        ("0 0 1-4 2 1", DayRule.WEEKDAYS, False),  # five Mondays in a leap February now and then
    ],
)
def test_of_two_day_fields_the_one_that_asks_for_more_runs_counts(text: str, rule: DayRule, is_settled: bool) -> None:  # noqa: FBT001
    cron = parse(text)

    assert (cron.day_rule, cron.is_settled) == (rule, is_settled)


@st.composite
def items(draw: st.DrawFn, position: int) -> str:
    known = FIELDS[position]
    low = draw(st.integers(known.first, known.last))
    high = draw(st.integers(low, known.last))
    step = draw(st.integers(1, len(known.full)))
    names = dict(zip(known.full, known.names, strict=False))
    return draw(
        st.sampled_from([str(low), names.get(low, f"{low:02}"), f"{low}-{high}", f"*/{step}", f"{low}-{high}/{step}"])
    )


@st.composite
def crons(draw: st.DrawFn) -> str:
    fields = [
        draw(st.one_of(st.just("*"), st.lists(items(position), min_size=1, max_size=3).map(",".join)))
        for position in range(5)
    ]
    return " ".join(fields)


@given(text=crons(), dialect=st.sampled_from(Dialect))
def test_a_canonical_form_is_its_own(text: str, dialect: Dialect) -> None:
    try:
        canonical = parse(text, dialect).canonical
    except ScheduleError as error:
        assert error.problem.rule == "cron-never-runs"  # noqa: PT017 - a few of the drawn texts
        return
    assert parse(canonical, dialect).canonical == canonical


# After 28 years the calendar repeats, within a century.
CALENDAR = [date(2001, 1, 1) + timedelta(days=number) for number in range(28 * 365 + 7)]
DAYS = ("*", "*/1", "1", "1-28", "1-29", "1-30", "*/5", "5,10,15,20,25,30", "30", "31", "30,31")
MONTHS = ("*", "2", "4,6", "1,2", "2,4")
WEEKDAYS = ("*", "1", "0-6", "mon,tue")


@pytest.mark.parametrize("dialect", Dialect)
def test_two_texts_have_one_canonical_form_exactly_when_they_run_on_the_same_days(dialect: Dialect) -> None:
    days_of: dict[str, set[tuple[int, ...]]] = {}
    canonical_of: dict[tuple[int, ...], set[str]] = {}
    for day, month, weekday in itertools.product(DAYS, MONTHS, WEEKDAYS):
        text = f"0 0 {day} {month} {weekday}"
        if check(text, "UTC", dialect):
            continue
        cron = parse(text, dialect)
        days = tuple(number for number, moment in enumerate(CALENDAR) if cron.runs_on(moment))
        days_of.setdefault(cron.canonical, set()).add(days)
        canonical_of.setdefault(days, set()).add(cron.canonical)

    assert [canonical for canonical, found in days_of.items() if len(found) > 1] == []
    assert [found for found in canonical_of.values() if len(found) > 1] == []
    assert len(canonical_of) > 25


@given(text=st.text(max_size=30) | st.text("0123456789*/-, @jansuLW#?\n", max_size=20))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    for problem in check(text, "UTC"):
        assert problem.message
        assert problem.hint


def test_the_package_loads_nothing_foreign() -> None:
    program = """
        import sys
        before = set(sys.modules)
        import reconciler.schedule
        loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
        print(*sorted(name for name in loaded - sys.stdlib_module_names if not name.startswith("_")))
    """
    run = subprocess.run([sys.executable, "-c", dedent(program)], capture_output=True, text=True, check=True)

    assert run.stdout == "reconciler\n"


def test_days_and_months_are_where_dialects_differ() -> None:
    """Fields that begin at 0 have the same multiples either way."""
    assert [known for known in FIELDS if known.first == 1] == [DAY, MONTH]
