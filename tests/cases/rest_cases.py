"""The cases of imports and paging that a source specification describes, each against a server that plays its pages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from field_cases import FOLDER
from player import Heard, StandingClock, playing, read, source

from reconciler.errors import Denied, Permanent
from reconciler.ports.loads import LoadedRows, LoadRequest
from reconciler.sourcespec import windows
from reconciler.sourcespec.checking import check
from reconciler.sourcespec.findings import Refused
from reconciler.sourcespec.reading import read_json
from reconciler.sourcespec.specification import Offset, Specification

Given = dict[str, Any]

OFFSET = {"type": "OFFSET", "limitName": "limit", "limitValue": 2, "offSetName": "offset"}
TOKEN = {
    "type": "CONTINUATION_TOKEN",
    "continuationTokenPath": "$.next",
    "parameterType": "QUERYPARAM",
    "parameterName": "cursor",
}
POINTER = {"type": "POINTER", "limitName": "limit", "limitValue": 2, "pointerPath": "$.next"}


@dataclass(frozen=True)
class Ran:
    """How a run went."""

    loaded: LoadedRows
    rows: list[dict[str, Any]]
    heard: list[Heard]

    @property
    def notices(self) -> str:
        return "; ".join(self.loaded.notices)


def spec(paging: Mapping[str, Any], path: str = "$.data", /, **more: Any) -> dict[str, Any]:
    """A specification of one address with *paging*; *more* are members beside, `x_tdr` ours."""
    ours = more.pop("x_tdr", None)
    attributes = {
        "urlParams": {"host": "https://api.example.com", "path": "/v3/items", "method": "GET"},
        "contentPath": {"path": path},
        "paginationParams": dict(paging),
        **more,
    }
    return {"attributes": attributes} | ({} if ours is None else {"x-tdr": ours})


def run(told: Mapping[str, Any], pages: Sequence[Any], /, until: int = 0, **load: Any) -> Ran:
    """Read *pages*, each a body or a whole answer; the last one is given for ever."""
    answers = [page if isinstance(page, dict) and "status" in page else {"status": 200, "json": page} for page in pages]
    position = load.pop("position", {})
    request = LoadRequest({"type": "rest", "spec": told, **load}, "1", {}, position, until)
    with TemporaryDirectory() as folder, playing([*answers, *[answers[-1]] * 5]) as player:
        loaded, rows = read(source(Path(folder), StandingClock(), player), request)
        return Ran(loaded, rows, player.heard)


def refused(told: Mapping[str, Any], pages: Sequence[Any], requests: int, /, **load: Any) -> Permanent:
    """Why a run of *pages* fails, which it does after so many *requests*."""
    answers = [page if isinstance(page, dict) and "status" in page else {"status": 200, "json": page} for page in pages]
    with TemporaryDirectory() as folder, playing(answers) as player:
        with pytest.raises(Permanent) as failed:
            read(
                source(Path(folder), StandingClock(), player), LoadRequest({"type": "rest", "spec": told, **load}, "1")
            )
        assert len(player.heard) == requests
    return failed.value


def values(ran: Ran) -> list[Any]:
    return [next(iter(row.values())) for row in ran.rows]


def a_cursor_that_never_changes(_reading: Any, _stage: Any, given: Given) -> None:
    pages = [page for page in given["pages"] if isinstance(page, dict)]
    error = refused(spec(TOKEN), pages, 2)
    assert "'c1'" in str(error)
    assert "nothing was stored" in error.hint


def an_offset_without_a_total(_reading: Any, _stage: Any, given: Given) -> None:
    ran = run(spec({**OFFSET, "limitValue": given["limit"]}), [*given["pages"], {"data": [], "total": None}])
    assert [row["data"] for row in ran.rows] == [1, 2, 3]
    assert len(ran.heard) <= len(given["pages"]) + 1


def a_link_to_another_host(_reading: Any, _stage: Any, given: Given) -> None:
    told = spec(POINTER)
    told["attributes"]["urlParams"] = {"host": given["base"], "path": "items", "method": "GET"}
    message = str(
        refused(told, given["pages"], 1, auth={"type": "OAuth2RefreshCode", "params": {"accessToken": "FAKE"}})
    )
    assert "api.example.com" in message
    assert "files.example.net" in message


def a_server_that_gives_fewer_rows(_reading: Any, _stage: Any, given: Given) -> None:
    total, most = given["total_rows"], given["server_maximum"]
    pages = [{"data": list(range(start, min(start + most, total)))} for start in range(0, total, most)]
    ran = run(spec({**OFFSET, "limitValue": given["limit"]}), [*pages, {"data": []}])
    assert len(ran.rows) == 230
    assert [int(dict(one.query)["offset"]) for one in ran.heard][:3] == [0, 100, 200]
    assert "the server limits pages to 100" in ran.notices


def rows_at_the_border_for_ever(_reading: Any, _stage: Any, given: Given) -> None:
    pages = [{**page, "next": f"?{page['next']}"} for page in given["pages"] if isinstance(page, dict)]
    ran = run(spec(POINTER, "$.legs", x_tdr={"key": ["legs.id"]}), [*pages, pages[-1]])
    assert ran.loaded.key == ("legs.id",)
    assert sorted({row["legs.id"] for row in ran.rows}) == [1, 2, 3]
    assert len(ran.heard) == 2


WINDOW = {"scheduleStartParamName": "updated_at[after]", "scheduleEndParamName": "updated_at[before]"}


def rows_without_a_time(_reading: Any, _stage: Any, _given: Given) -> None:
    first = run(spec({"type": "NONE"}, scheduleParams=WINDOW), [{"data": [1]}], until=1_740_819_600)
    assert "updated_at[after]" not in dict(first.heard[0].query)
    assert "a row without a time is in no window" in first.notices
    whole = run(spec({"type": "NONE"}, scheduleParams=WINDOW), [{"data": [1]}], incremental=False)
    assert whole.heard[0].query == []


def lists_that_are_empty_null_or_missing(_reading: Any, _stage: Any, given: Given) -> None:
    paths = given["spec"]
    rows = [
        {**row, "activity": [{"a": one["a"]} for one in row["activity"]]} if row.get("activity") else row
        for row in given["rows"]
    ]
    page = {"emails": rows}
    told = spec({"type": "NONE"}, paths["path"], explodeEntityPath={"path": paths["explode"]})
    dropped = run(told, [page])
    assert [(row["emails.id"], row["emails.activity.a"]) for row in dropped.rows] == [(1, "open"), (1, "click")]
    assert "3 rows had no list to explode" in dropped.notices
    kept = run({**told, "x-tdr": {"outer": True}}, [page])
    found = [(row["emails.id"], row.get("emails.activity.a")) for row in kept.rows]
    assert found == [(1, "open"), (1, "click"), (2, None), (3, None), (4, None)]


def a_flattened_name_that_exists(_reading: Any, _stage: Any, given: Given) -> None:
    ran = run(spec({"type": "NONE"}, "$"), [given["rows"]])
    assert ran.rows == [{"owner_name": "x", "owner.name": "y"}] * 2
    pages = [[{"owner.name": "x", "owner": {"name": "y"}}, {"owner": {"name": "y"}, "owner.name": "x"}]]
    dotted = run(spec({"type": "NONE"}, "$"), pages)
    assert dotted.rows == [{"owner.name": "x", "owner.name_2": "y"}] * 2


def one_object_instead_of_a_list(_reading: Any, _stage: Any, given: Given) -> None:
    one, null, missing = given["replies"]
    told = spec({"type": "NONE"}, given["path"])
    assert run(told, [one]).rows == [{"members.id": 1}]
    assert run(told, [null]).rows == []
    assert "content path not found" in str(refused(told, [missing], 1))


def windows_across_a_clock_change(_reading: Any, _stage: Any, given: Given) -> None:
    told = {**WINDOW, "scheduleStartParamFormat": given["format"], "scheduleEndParamFormat": given["format"]}
    specification = _specification(spec({"type": "NONE"}, scheduleParams=told))
    ticks = [datetime.fromisoformat(text) for text in given["runs"]]
    first = windows.next_window(specification, None, ticks[0], backfill=True, first=ticks[0])
    second = windows.next_window(specification, first.end, ticks[1], backfill=True, first=ticks[0])
    assert second.start == first.end == ticks[0], "the end of one is the start of the next"
    asked = windows.asked(specification, "incremental", second)
    assert [value for _, value in asked.query] == ["2026-03-08T03:00:00Z", "2026-03-09T03:00:00Z"]
    assert "which belongs to it" in str(windows.Window.__doc__)


def a_refusal_that_is_a_limit(_reading: Any, _stage: Any, given: Given) -> None:
    reply = {"status": given["reply"]["status"], "json": given["reply"]["body"]}
    tokens = {"accessToken": "FAKE", "refreshToken": "FAKE-r", "clientId": "a", "clientSecret": "FAKE-s"}
    auth = {"type": "OAuth2RefreshCode", "params": {**tokens, "accessTokenUrl": "https://login.example.com/token"}}
    error = refused(spec({"type": "NONE"}), [reply], 1, auth=auth)
    assert not isinstance(error, Denied)
    assert "24 hours" in error.hint


def not_done_and_no_next_link(_reading: Any, _stage: Any, given: Given) -> None:
    paging = {
        **POINTER,
        "pointerPath": "$.nextRecordsUrl",
        "endConditionName": "$.done",
        "endConditionValue": "Const:true",
    }
    told = spec(paging, "$.records", x_tdr={"totalPath": "$.totalSize"})
    assert "2 of 5 rows, no next link" in str(refused(told, given["pages"], 1))
    assert "no next link" in str(refused(spec(paging, "$.records"), given["pages"], 1))


def the_spellings_of_the_documentation(_reading: Any, _stage: Any, given: Given) -> None:
    text = (FOLDER / given["file"]).read_text(encoding="utf-8")
    with pytest.raises(Refused) as refusal:
        read_json(text)
    comma = text.rindex(",")
    line, column = text[:comma].count("\n") + 1, comma - text[:comma].rindex("\n")
    assert f"line {line}, column {column}" in str(refusal.value)
    repaired: Any = json.loads(text[:comma] + text[comma + 1 :])
    parts = repaired["sourceSpec"]["spec"]
    told = {
        name: check({"attributes": _with_host(part), "spec": {"properties": {"listId": {}}}})
        for name, part in parts.items()
    }
    # Written against the name that the wrapper replaces; everything else of it is understood.
    assert [one.at for one in told["members"].findings if one.severity == "error"] == [
        "attributes.explodeEntityPath.path"
    ]
    orders = told["orders"].specification
    assert orders is not None
    assert orders.paging.kind == Offset("limit", 50, "start")
    assert any("`offsetName` is another name of `offSetName`" in one.message for one in told["orders"].findings)
    assert told["tickets"].specification is not None
    text_limit = check(
        {"attributes": {**_with_host(parts["orders"]), "paginationParams": {**OFFSET, "limitValue": "100"}}}
    )
    assert text_limit.specification is not None
    assert text_limit.specification.paging.kind == Offset("limit", 100, "offset")
    for paging in (TOKEN, {"type": "NONE"}, {"type": "PAGE", "limitName": "l", "limitValue": 1, "pageParamName": "p"}):
        assert check(spec(paging)).specification is not None


def pages_by_number(_reading: Any, _stage: Any, given: Given) -> None:
    told = given["spec"]
    paging = {**told, "limitName": "size", "limitValue": 2, "pageParamName": "page"}
    count = {"x-pagecount": "3"}
    pages = [{"status": 200, "headers": count, "json": {"data": [number]}} for number in (1, 2, 3)]
    assert _pages(run(spec(paging), pages)) == [1, 2, 3]
    for headers in ({}, {"x-pagecount": "many"}):
        answers = [{"status": 200, "headers": headers, "json": {"data": rows}} for rows in ([1], [2], [])]
        ran = run(spec(paging), answers)
        assert _pages(ran) == [1, 2, 3]
        assert "an empty page ends the walk" in ran.notices


def rows_below_the_position(_reading: Any, _stage: Any, _given: Given) -> None:
    first = datetime(2026, 1, 1, 21, 10, 8, tzinfo=UTC)
    tick = datetime(2026, 1, 1, 21, 20, tzinfo=UTC)
    late = datetime(2026, 1, 1, 21, 10, 5, tzinfo=UTC)
    keyed = _specification(spec({"type": "NONE"}, scheduleParams=WINDOW, x_tdr={"key": ["data.id"]}))
    assert windows.overlap(keyed).total_seconds() > 0
    wider = _specification(spec({"type": "NONE"}, scheduleParams=WINDOW, x_tdr={"key": ["data.id"], "lookback": "10m"}))
    window = windows.next_window(wider, first, tick, backfill=True, first=first)
    assert window.start is not None
    assert window.start <= late


def windows_with_open_ends(_reading: Any, _stage: Any, given: Given) -> None:
    told = {**given["spec"], "type": "ADVANCE", "paramFormat": "yyyy-MM-ddTHH:mm:ssK"}
    definition = spec({"type": "NONE"}, "$.data", scheduleParams=told, x_tdr={"key": ["data.id"]})
    definition["attributes"]["urlParams"]["queryParams"] = {"query": "{SCHEDULE_QUERY}"}
    checked = check(definition)
    assert checked.specification is not None
    assert any("both ends are open" in one.message for one in checked.findings)
    end = datetime(2026, 1, 1, 10, tzinfo=UTC)
    rows = {row[0]: datetime.fromisoformat(f"2026-01-01T{row[1]}+00:00") for row in given["rows"]}
    backfill = windows.next_window(checked.specification, None, end, backfill=True, first=end)
    hourly = windows.next_window(checked.specification, end, end.replace(hour=11), backfill=True, first=end)
    assert hourly.start is not None
    found = {name for name, at in rows.items() if at < backfill.end}
    found |= {name for name, at in rows.items() if hourly.start < at < hourly.end}
    assert sorted(found) == ["A", "B", "C"]
    assert windows.asked(checked.specification, "incremental", hourly).text == (
        "type:user updated > 2026-01-01T09:59:59Z updated < 2026-01-01T11:00:00Z"
    )


def _specification(told: Mapping[str, Any]) -> Specification:
    checked = check(told)
    assert checked.specification is not None, checked.findings
    return checked.specification


def _with_host(part: Mapping[str, Any]) -> dict[str, Any]:
    return {**part, "urlParams": {**part["urlParams"], "host": "https://api.example.com"}}


def _pages(ran: Ran) -> list[int]:
    return [int(dict(one.query)["page"]) for one in ran.heard]
