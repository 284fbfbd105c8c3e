"""Answers of Salesforce that are cut, count wrongly or say something else: a run ends with an error, never with less."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from salesforce_world import OLD, PEOPLE, UPSERT, WANTED, Told, World

from reconciler.errors import Permanent, ProviderError, Transient
from reconciler.model.json import Json

BY_KEY: dict[str, Json] = {"mode": "update", "upsert": False, "unique": "Key__c"}
REPLACE: dict[str, Json] = {"mode": "truncate"}
Lie = Callable[[bytes], bytes]


def lying(world: World, path: str, lie: Lie) -> None:
    """What is said at *path*, a pattern, is changed by *lie*."""

    def change(told: Told) -> None:
        if re.fullmatch(path, told.path):
            told.body = lie(told.body)

    world.crm.passage.changed = change


def without_header(world: World, name: str) -> None:
    world.crm.passage.changed = lambda told: told.headers.pop(name, None)  # type: ignore[assignment,return-value]


# -- results of rows ---------------------------------------------------------------------------------------------------


def cut_in_the_middle(body: bytes) -> bytes:
    return body[: len(body) - 7]


def without_the_last_row(body: bytes) -> bytes:
    return body[: body.rstrip(b"\n").rfind(b"\n") + 1]


def with_another_row_twice(body: bytes) -> bytes:
    head, _, rest = body.partition(b"\n")
    first = rest.partition(b"\n")[0]
    return head + b"\n" + first + b"\n" + rest


def without_columns_of_ours(body: bytes) -> bytes:
    return b"\n".join(b",".join(line.split(b",")[:2]) for line in body.split(b"\n"))


def with_a_column_twice(body: bytes) -> bytes:
    return b"\n".join(line + b"," + line.rsplit(b",", 1)[-1] if line else line for line in body.split(b"\n"))


def of_others(body: bytes) -> bytes:
    return body.replace(b'"Name ', b'"Somebody ').replace(b'"k', b'"other')


def nothing(_body: bytes) -> bytes:
    return b""


def no_csv(_body: bytes) -> bytes:
    return b'{"records": []}'


RESULTS: list[Lie] = [
    cut_in_the_middle,
    without_the_last_row,
    with_another_row_twice,
    without_columns_of_ours,
    with_a_column_twice,
    of_others,
    nothing,
    no_csv,
]


@pytest.mark.parametrize("lie", RESULTS)
@pytest.mark.parametrize("settings", [{"mode": "append"}, UPSERT], ids=["insert", "upsert"])
def test_refused_rows_that_are_not_given_back_as_they_were_end_the_run_and_are_read_again(
    world: World, settings: dict[str, Json], lie: Lie
) -> None:
    world.refuse("Name 3", "Name 40")
    lying(world, ".*/failedResults", lie)
    with pytest.raises(Transient, match=r"does not account for all of its 50 rows|what is no CSV"):
        world.run(PEOPLE, settings)
    world.crm.passage.changed = None

    report = world.run(PEOPLE, settings)

    assert (report.sent, len(world.there()), len(world.jobs)) == (48, 48, 1)


@pytest.mark.parametrize("lie", [cut_in_the_middle, without_the_last_row, nothing, no_csv])
def test_results_of_batches_that_are_cut_end_the_run_and_are_read_again(world: World, lie: Lie) -> None:
    world.refuse("Name 3", "Name 19")
    lying(world, ".*/result", lie)
    with pytest.raises(Transient):
        world.run(PEOPLE, {"mode": "append", **OLD})
    world.crm.passage.changed = None

    report = world.run(PEOPLE, {"mode": "append", **OLD})

    assert (report.sent, len(world.there()), len(world.jobs)) == (48, 48, 1)


@pytest.mark.parametrize("settings", [{"mode": "append"}, {"mode": "append", **OLD}], ids=["bulk2", "bulk1"])
def test_results_with_a_mark_in_front_in_other_words_and_in_any_order_are_read(
    world: World, settings: dict[str, Json]
) -> None:
    world.refuse("Name 3", "Name 40")

    def change(body: bytes) -> bytes:
        head, _, rest = body.partition(b"\n")
        return b"\xef\xbb\xbf" + head.upper() + b"\n" + rest

    lying(world, ".*/(failedResults|result)", change)

    report = world.run(PEOPLE, settings)

    assert dict(report.rejected) == {"FIELD_CUSTOM_VALIDATION_EXCEPTION": 2}


@pytest.mark.parametrize("settings", [{"mode": "append"}, {"mode": "append", **OLD}], ids=["bulk2", "bulk1"])
def test_an_error_may_quote_a_value_as_long_as_any(world: World, settings: dict[str, Json]) -> None:
    sql = "SELECT 'k1' AS Key__c, repeat('x', 131072) AS LastName UNION ALL SELECT 'k2', 'Lee'"

    report = world.run(sql, settings)

    assert (report.sent, dict(report.rejected)) == (1, {"STRING_TOO_LONG": 1})


@pytest.mark.parametrize("told", ["many", "", "-1", "1e3"])
def test_counters_that_are_no_numbers_end_the_run(world: World, told: str) -> None:
    lying(world, ".*/batch", lambda body: re.sub(rb"(<numberRecordsProcessed>)\d+", rb"\1" + told.encode(), body))

    with pytest.raises(Transient):
        world.run(PEOPLE, {"mode": "append", **OLD})


# -- records that are read ---------------------------------------------------------------------------------------------


def some(world: World, count: int = 70) -> None:
    world.put(*({"Key__c": f"k{2 * i}", "LastName": f"Former {i}"} for i in range(count)))


@pytest.mark.parametrize("lie", [cut_in_the_middle, without_the_last_row, nothing, no_csv])
@pytest.mark.parametrize("api", [{}, OLD], ids=["bulk2", "bulk1"])
def test_nothing_is_deleted_or_inserted_when_not_all_ids_are_told(world: World, api: dict[str, Json], lie: Lie) -> None:
    some(world)
    before = world.contacts()
    lying(world, "(.*/jobs/query/[^/]+/results|.*/result/[^/]+)", lie)

    with pytest.raises(ProviderError):
        world.run(PEOPLE, {**REPLACE, **api})

    assert world.contacts() == before
    world.crm.passage.changed = None
    assert world.run(PEOPLE, {**REPLACE, **api}).removed == 70
    assert world.there() == WANTED


def test_pages_without_word_of_the_next_one_are_not_all(world: World) -> None:
    world.crm.sandbox.control.knobs(result_rows=30)
    some(world)
    before = world.contacts()
    without_header(world, "sforce-locator")

    with pytest.raises(Transient):
        world.run(PEOPLE, REPLACE)

    assert world.contacts() == before


def test_a_page_that_leads_to_itself_is_no_endless_way(world: World) -> None:
    world.crm.sandbox.control.knobs(result_rows=30)
    some(world)

    first: list[str] = []

    def change(told: Told) -> None:
        if "sforce-locator" in told.headers:
            first.append(told.headers["sforce-locator"])
            told.headers["sforce-locator"] = first[0]

    world.crm.passage.changed = change
    with pytest.raises(Transient, match="a page that was there already"):
        world.run(PEOPLE, REPLACE)
    assert len(first) < 5


@pytest.mark.parametrize(
    "lie",
    [
        lambda body: body.replace(b'"nextRecordsUrl"', b'"other"'),
        lambda body: re.sub(rb'"nextRecordsUrl":"[^"]*"', b'"nextRecordsUrl":"https://evil.example/"', body),
        lambda body: body.replace(b'"done":false', b'"done":true'),
        lambda body: re.sub(rb'"totalSize":\d+', b'"totalSize":99', body),
        lambda body: re.sub(rb'"records":\[.*\]', b'"records":[]', body),
        lambda body: re.sub(rb'"records":\[.*\]', b'"records":[7]', body),
    ],
)
def test_records_asked_for_by_name_that_are_not_all_told_change_nothing(world: World, lie: Lie) -> None:
    some(world, 20)
    before = world.contacts()
    world.org.control.knobs(page_rows=7)
    lying(world, ".*/query(/.*)?", lie)

    with pytest.raises(Transient):
        world.run(PEOPLE, BY_KEY)

    assert world.contacts() == before
    world.crm.passage.changed = None
    assert world.run(PEOPLE, BY_KEY).sent == 20


@pytest.mark.parametrize("version", ["48.0", "60.0", "32.0"])
def test_columns_that_come_in_another_order_are_told_apart_and_other_columns_refused(
    world: World, version: str
) -> None:
    world.put(*({"Key__c": f"k{i}", "LastName": "Former"} for i in range(10)))
    rows = PEOPLE.replace("range(50)", "range(2500)")
    path = "(.*/jobs/query/[^/]+/results|.*/result/[^/]+)"
    settings: dict[str, Json] = {**BY_KEY, "api_version": version}

    def turned(body: bytes) -> bytes:
        return b"\n".join(b",".join(reversed(line.split(b","))) for line in body.split(b"\n"))

    lying(world, path, lambda body: b"\xef\xbb\xbf" + turned(body))
    assert world.run(rows, settings, "1").sent == 10
    lying(world, path, lambda body: body.replace(b'"Id"', b'"Ids"'))
    with pytest.raises(ProviderError, match="other columns"):
        world.run(rows, settings, "2")


@pytest.mark.parametrize("path", [".*/jobs/ingest", ".*/job"])
def test_a_job_without_a_name_is_none(world: World, path: str) -> None:
    def change(body: bytes) -> bytes:
        return re.sub(rb'("id":")[^"]*|(<id>)[^<]*', lambda one: one[1] or one[2], body)

    lying(world, path, change)

    with pytest.raises(Transient):
        world.run(PEOPLE, {"mode": "append", **(OLD if path.endswith("job") else {})})

    assert world.there() == []


def test_entities_in_an_answer_are_not_followed(world: World) -> None:
    def change(body: bytes) -> bytes:
        head, mark, rest = body.partition(b"?>")
        entity = b'<!DOCTYPE jobInfo [<!ENTITY id "750000000000001AAA">]>'
        return head + mark + b" " * 2_000 + entity + re.sub(rb"<id>[^<]*", b"<id>&id;", rest)

    lying(world, ".*/job", change)

    with pytest.raises(Transient, match="no XML of the Bulk API"):
        world.run(PEOPLE, {"mode": "append", **OLD})


# -- values ------------------------------------------------------------------------------------------------------------

VALUES = {
    "formula": "=1+1",
    "command": "@SUM(1+9)*cmd|' /C calc'!A0",
    "quotes": 'a""b"',
    "lines": "a\nb\n\nc",
    "commas": ",,;\t|`^",
    "mark": "\ufeffLee",
    "astral": "😀 \u202eabc\u202c é ﷽",
    "nul": "a\x00b",
    "controls": "a\x01\x1b\x7fb",
    "word for true": "true",
    "number with zeros": "007",
    "backslash": "a\\'b\\",
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("api", [{}, OLD], ids=["bulk2", "bulk1"])
def test_a_value_arrives_as_it_is_and_its_row_is_known_when_it_is_refused(
    world: World, api: dict[str, Json], value: str
) -> None:
    told = value.replace("'", "''")
    sql = f"SELECT 'k1' AS Key__c, '{told}' AS FirstName, 'Lee' AS LastName UNION ALL SELECT 'k2', '{told}', 'Li'"
    sql = sql.replace("\x00", "' || chr(0) || '")
    world.refuse("Li")

    report = world.run(sql, {"mode": "append", **api})

    assert dict(report.rejected) == {"FIELD_CUSTOM_VALIDATION_EXCEPTION": 1}
    (record,) = world.contacts().values()
    assert record["FirstName"] == value.strip()


@pytest.mark.parametrize("empty", ["keep", "erase"])
def test_the_word_for_nothing_is_no_value_whoever_wrote_it(world: World, empty: str) -> None:
    (record,) = world.put({"Key__c": "k1", "LastName": "One", "Phone": "1"})
    rows = "SELECT 'k1' AS Key__c, 'One' AS LastName, '#N/A' AS Phone UNION ALL SELECT '#N/A', 'Nobody', '2'"

    report = world.run(rows, {**UPSERT, "empty_values": empty})

    assert (report.sent, dict(report.rejected)) == (1, {"empty_key": 1})
    assert ("Phone" in world.contacts()[record]) is (empty == "keep")


@pytest.mark.parametrize("api", [{}, OLD], ids=["bulk2", "bulk1"])
def test_a_row_of_which_nothing_is_left_is_accounted_for(world: World, api: dict[str, Json]) -> None:
    rows = "SELECT * FROM (VALUES ('Lee'), (NULL), (''), ('Li'), ('#N/A')) t(LastName)"

    report = world.run(rows, {"mode": "append", **api})

    assert (report.rows, report.sent, dict(report.rejected)) == (5, 2, {"empty_row": 3})
    with pytest.raises(Permanent, match="nothing was sent: 3 empty_row"):
        world.run(rows, {"mode": "append", "ignore_invalid_records": False, **api}, "2")
