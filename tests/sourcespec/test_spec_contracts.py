"""Conversations with the vendors of published specifications: the very requests, no other, and the very rows."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from player import CONTRACTS, StandingClock, flat, playing, read, source

from reconciler.ports.loads import LoadRequest
from reconciler.sourcespec import dates
from reconciler.sourcespec.addresses import Values, first_request
from reconciler.sourcespec.checking import check
from reconciler.sourcespec.findings import Finding, Refused
from reconciler.sourcespec.reading import read_json

_OTHER = {"invalid-specs", "edge-runs", "dotnet-date-formats"}


def _cases() -> list[Any]:
    if not CONTRACTS.is_dir():
        absent = pytest.mark.skip(reason="the contracts are not beside this checkout")
        return [pytest.param("", marks=absent, id="absent")]
    return sorted(path.stem for path in CONTRACTS.glob("*.json") if path.stem not in _OTHER)


def _told(name: str, member: str) -> list[Any]:
    if not CONTRACTS.is_dir():
        absent = pytest.mark.skip(reason="the contracts are not beside this checkout")
        return [pytest.param({}, marks=absent, id="absent")]
    return list(json.loads((CONTRACTS / f"{name}.json").read_text(encoding="utf-8"))[member])


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def load(case: dict[str, Any]) -> LoadRequest:
    run, auth = case["run"], case["connection"]["auth"]
    told = {
        "type": "rest",
        "spec": case["sourceSpec"],
        "auth": {name: value for name, value in auth.items() if name != "spec"},
        "auth_spec": auth.get("spec", {}),
        "params": case["connection"]["params"],
        "incremental": run["kind"] != "once",
    }
    position = {"until": run["start"]} if "start" in run else {}
    return LoadRequest(told, "1", {}, position, seconds(run["end"]) if "end" in run else 0)


@pytest.mark.parametrize("name", _cases())
def test_a_conversation_is_had_as_it_was_recorded(tmp_path: Path, name: str) -> None:
    case = json.loads((CONTRACTS / f"{name}.json").read_text(encoding="utf-8"))
    token = {"status": 200, "json": {"access_token": "tok", "expires_in": 3600}}
    fetches = case["connection"]["auth"].get("params", {}).get("tokenEndpoint")
    answers = [exchange["response"] for exchange in case["exchanges"]]

    with playing([token, *answers] if fetches else answers) as player:
        loaded, rows = read(source(tmp_path, StandingClock(), player), load(case))

    heard = player.heard[1:] if fetches else player.heard
    assert len(heard) == len(case["exchanges"]), [one.url for one in heard]
    for one, exchange in zip(heard, case["exchanges"], strict=True):
        expected = exchange["request"]
        assert (one.method, one.url) == (expected["method"], expected["url"])
        assert sorted(one.query) == sorted(expected.get("query", {}).items())
        given = {header.lower(): value for header, value in one.headers.items()}
        for header, value in expected.get("headers", {}).items():
            assert given[header.lower()] == value
        assert (json.loads(one.body) if one.body else None) == expected.get("json")
    assert rows == [flat(row) for row in case["rows"]]
    if "end" in case["run"]:
        assert datetime.fromisoformat(str((loaded.position or {})["until"])) == datetime.fromisoformat(
            case["run"]["end"]
        )


@pytest.mark.parametrize("case", _told("invalid-specs", "cases"), ids=lambda case: case.get("id", "absent"))
def test_a_verdict_is_the_wanted_one_at_the_wanted_place(case: dict[str, Any]) -> None:
    found: tuple[Finding, ...] = ()
    canonical: Any = None
    try:
        if "text" in case:
            read_json(case["text"])
        else:
            params = case.get("params", {})
            declared = params.keys()
            checked = check(case["sourceSpec"], params, declared=declared)
            found, canonical = checked.findings, checked.specification
            if checked.specification is not None:
                first_request(checked.specification, Values(params, params))
    except Refused as refused:
        found = (*found, refused.finding)

    severities = {finding.severity for finding in found}
    worst = "error" if "error" in severities else "warning" if severities else "ok"
    assert worst == case["severity"], found
    if worst != "ok":
        assert case["at"] in {finding.at for finding in found if finding.severity == worst}
    for name, value in case.get("accepted_as", {}).items():
        assert _canonical(canonical, name) == value


def _canonical(specification: Any, name: str) -> Any:
    paging = specification.paging
    return {
        "offSetName": lambda: paging.kind.offset_name,
        "pointerPath": lambda: paging.kind.path.text,
        "type": type(paging.kind).__name__.upper,
        "limitValue": lambda: paging.kind.limit,
        "path": lambda: specification.content.path.text,
        "endConditionValue": lambda: f"{paging.end.kind.title()}:{paging.end.value}",
    }[name]()


@pytest.mark.parametrize(
    "vector", _told("dotnet-date-formats", "vectors"), ids=lambda vector: vector.get("format", "absent")
)
def test_a_moment_is_written_as_dotnet_writes_it(vector: dict[str, str]) -> None:
    assert dates.written(datetime.fromisoformat(vector["instant"]), vector["format"]) == vector["text"]


@pytest.mark.parametrize("format_", _told("dotnet-date-formats", "invalid"), ids=repr)
def test_what_is_no_custom_format_is_refused(format_: str) -> None:
    with pytest.raises(ValueError, match="format"):
        dates.check(format_)


@pytest.mark.parametrize("case", _told("edge-runs", "cases"), ids=lambda case: case.get("id", "absent"))
def test_a_run_at_the_edge_ends_as_it_should(tmp_path: Path, case: dict[str, Any]) -> None:
    expect = case["expect"]
    told = {"type": "rest", "spec": case["sourceSpec"], "auth": {}, "params": {}}
    clock = StandingClock()
    failure, rows = "", []

    with playing(case["exchanges"]) as player:
        try:
            _, rows = read(source(tmp_path, clock, player), LoadRequest(told, "1"))
        except Exception as error:  # noqa: BLE001 - which one is looked at below
            failure = str(error)

    assert ("failed" if failure else "succeeded") == expect["result"], failure
    assert len(rows) == expect.get("rows", expect.get("rows_landed", len(rows)))
    assert len(player.heard) == expect.get("requests", len(case["exchanges"]))
    if "reason" in expect:
        assert expect["reason"].removeprefix("HTTP ") in failure
    if "landed" in expect:
        assert rows == expect["landed"]
    if "offsets" in expect:
        assert [dict(one.query)["offset"] for one in player.heard] == expect["offsets"]
    if "waits_seconds_at_least" in expect:
        assert sum(clock.waits) >= expect["waits_seconds_at_least"]
    if "landed_text" in expect:
        [row] = rows
        assert [str(value) for value in row.values()] == expect["landed_text"]
