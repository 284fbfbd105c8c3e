"""Several pages under way at once: the same rows in the same order, and in turn wherever an answer is not what was foreseen."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import duckdb
import pytest
from http_server import Handler
from http_server import serving as on_this_machine
from player import PlainSealer, StandingClock

from reconciler.connectors.sources.rest import RestSource
from reconciler.errors import ProviderError
from reconciler.http.guarded import guarded_transport
from reconciler.ports.loads import LoadRequest
from reconciler.stores.tokens import SealedTokenStore

Answer = tuple[int, dict[str, str], Any]


@dataclass
class Api:
    """Rows in pages. *answer*: parameters -> status, headers and content. *most*: requests that were under way at once."""

    answer: Callable[[dict[str, str]], Answer]
    asked: list[dict[str, str]] = field(default_factory=list)
    under_way: int = 0
    most: int = 0
    meeting: threading.Barrier | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def heard(self, query: dict[str, str]) -> Answer:
        with self.lock:
            self.asked.append(query)
            meets = self.meeting if len(self.asked) in {2, 3} else None
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        try:
            if meets is not None:
                meets.wait(10)
            return self.answer(query)
        finally:
            with self.lock:
                self.under_way -= 1


@pytest.fixture
def serving() -> Iterator[Callable[[Api], str]]:
    with ExitStack() as servers:

        def serve(api: Api) -> str:
            class Answering(Handler):
                def asked(self) -> None:
                    status, headers, content = api.heard(dict(parse_qsl(urlsplit(self.path).query)))
                    self.answer(status, headers, json.dumps(content).encode())

            return servers.enter_context(on_this_machine(Answering))

        yield serve


def load(folder: Path, host: str, paging: dict[str, Any], total: str = "") -> list[int]:
    """The ids that a load brings, in order."""
    spec: dict[str, Any] = {
        "attributes": {
            "urlParams": {"host": host, "path": "/rows", "method": "GET"},
            "contentPath": {"path": "$.rows", "skipAttributes": ["total"]},
            "paginationParams": paging,
        },
        "x-tdr": {"totalPath": total} if total else {},
    }
    clock = StandingClock()
    store = SealedTokenStore(folder / "tokens", PlainSealer(), clock)
    source = RestSource(lambda at, private: guarded_transport(at, allow_private=private), lambda: store, clock)
    with duckdb.connect() as connection:
        loaded = source.read(
            LoadRequest({"type": "rest", "spec": spec, "allow_private": True}, "1"), connection, lambda *_: None
        )
        return [row[0] for row in connection.sql(f'SELECT "rows.id" FROM {loaded.relation}').fetchall()]


PAGES = {
    "type": "PAGE",
    "pageParamName": "page",
    "limitName": "limit",
    "limitValue": 5,
    "endPageIndex": "headers.x-pagecount",
}
OFFSETS = {"type": "OFFSET", "offSetName": "offset", "limitName": "limit", "limitValue": 5}


def by_page(rows: int, told: int) -> Callable[[dict[str, str]], Answer]:
    def answer(query: dict[str, str]) -> Answer:
        begin = int(query["page"]) * 5
        return 200, {"x-pagecount": str(told)}, {"rows": [{"id": id_} for id_ in range(begin, min(begin + 5, rows))]}

    return answer


def by_offset(rows: int, most: int = 5) -> Callable[[dict[str, str]], Answer]:
    def answer(query: dict[str, str]) -> Answer:
        begin = int(query["offset"])
        page = [{"id": id_} for id_ in range(begin, min(begin + most, rows))]
        return 200, {}, {"total": rows, "rows": page}

    return answer


def test_pages_whose_number_is_told_are_under_way_together_and_come_in_order(
    tmp_path: Path, serving: Callable[[Api], str]
) -> None:
    api = Api(by_page(60, 12), meeting=threading.Barrier(2))
    assert load(tmp_path, serving(api), PAGES) == list(range(60))
    assert 2 <= api.most <= 4
    assert sorted(int(query["page"]) for query in api.asked) == list(range(12)), "each once"


def test_offsets_up_to_a_total_are_under_way_together(tmp_path: Path, serving: Callable[[Api], str]) -> None:
    api = Api(by_offset(58), meeting=threading.Barrier(2))
    assert load(tmp_path, serving(api), OFFSETS, "$.total") == list(range(58))
    assert 2 <= api.most <= 4


@pytest.mark.parametrize(
    ("paging", "total", "answer"),
    [
        (OFFSETS, "$.total", by_offset(58, most=3)),
        (OFFSETS, "", by_offset(58)),
        ({**OFFSETS, "endConditionName": "$.rows", "endConditionValue": "Empty"}, "$.total", by_offset(58)),
        ({**OFFSETS, "delayRequestMillis": 5}, "$.total", by_offset(58)),
        (PAGES, "", by_page(30, 6)),
    ],
    ids=["pages are cut", "no total", "an end condition", "pauses", "few pages"],
)
def test_where_it_is_not_sure_pages_are_asked_for_in_turn(
    tmp_path: Path,
    serving: Callable[[Api], str],
    paging: dict[str, Any],
    total: str,
    answer: Callable[[dict[str, str]], Answer],
) -> None:
    api = Api(answer)
    rows = load(tmp_path, serving(api), paging, total)
    assert rows == list(range(len(rows)))
    assert len(rows) in {58, 30}
    assert api.most == 1


def test_a_page_that_is_shorter_than_foreseen_loses_no_rows(tmp_path: Path, serving: Callable[[Api], str]) -> None:
    def answer(query: dict[str, str]) -> Answer:
        begin, most = int(query["offset"]), 5
        if begin == 20:
            most = 2  # rows were taken away there while the others were under way
        return 200, {}, {"total": 60, "rows": [{"id": id_} for id_ in range(begin, min(begin + most, 60))]}

    assert load(tmp_path, serving(Api(answer)), OFFSETS, "$.total") == list(range(60))


@pytest.mark.parametrize("fault", [429, 500, 503], ids=str)
def test_a_fault_on_the_way_is_asked_again(tmp_path: Path, serving: Callable[[Api], str], fault: int) -> None:
    failed: set[str] = set()
    plain = by_page(60, 12)

    def answer(query: dict[str, str]) -> Answer:
        if query["page"] in {"0", "3", "7", "11"} - failed:
            failed.add(query["page"])
            return fault, {"Retry-After": "1"}, {"error": "busy"}
        return plain(query)

    assert load(tmp_path, serving(Api(answer)), PAGES) == list(range(60))
    assert len(failed) == 4


def test_a_page_that_is_refused_fails_the_load(tmp_path: Path, serving: Callable[[Api], str]) -> None:
    plain = by_page(60, 12)

    def answer(query: dict[str, str]) -> Answer:
        return (404, {}, {"error": "gone"}) if query["page"] == "6" else plain(query)

    with pytest.raises(ProviderError, match="404"):
        load(tmp_path, serving(Api(answer)), PAGES)
