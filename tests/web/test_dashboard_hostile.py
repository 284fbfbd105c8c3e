"""What strangers write into names, texts, addresses and files: no page runs it, breaks over it, or calls it a bug."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import anyio
import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

sys.path.insert(0, str(Path(__file__).parents[1] / "journeys"))

from hurried import HurriedClock
from stage import Stage, environment

from reconciler.web.access import Access
from reconciler.web.app import Dashboard
from reconciler.web.looks import FRESH_S, Looks
from reconciler.web.samples import Sample, Samples

Get = Callable[[str], httpx.Response]

MARKUP = "</pre></title><script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7919 * 7907 }}"
PAGES = ("/", "/plan", "/drift", "/graph", "/schedule", "/audiences", "/runs", "/resource/query/hostile")
QUERY = f"""\
apiVersion: tdr/v1
kind: Query
metadata: {{name: hostile, labels: {{}}}}
spec:
  database: shop
  name: {json.dumps(MARKUP)}
  sql: {json.dumps("SELECT '" + MARKUP.replace("'", "''") + "' AS one")}
  schedule: {{cron: "0 3 * * *", timezone: Asia/Tokyo}}
"""


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A project whose query has markup in every text; it is applied, and has moved since."""
    folder = tmp_path / "project"
    folder.mkdir()
    stage = Stage(folder, None, environment(folder))
    stage.tdr("init", "--name", "shop")
    stage.write("manifests/hostile.yaml", QUERY)
    stage.tdr("apply", "--yes")
    with stage.somebody() as somebody:
        somebody.update_saved_query(MARKUP, {"query": f"SELECT 2 -- {MARKUP}", "cron": "0 4 * * *"})
    return stage


@pytest.fixture
def get(stage: Stage) -> Get:
    """Asks for a page, of which each is looked for anew."""
    clock = HurriedClock()
    kept = Samples(stage.state / "dashboard/samples.jsonl", clock)
    kept.add(Sample(clock.now(), {f"audience/{MARKUP}": 7}, {"drifted": 1}, (f"query/{MARKUP}",)))
    app = Dashboard(Looks(stage.opened, clock, 60), kept, Access()).application()

    async def asked(path: str) -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", trust_env=False) as client:
            return await client.get(path)

    def one(path: str) -> httpx.Response:
        clock.leap(FRESH_S)
        return anyio.run(asked, path)

    return one


def is_tame(page: httpx.Response) -> bool:
    loaded = re.findall(r"<(?:script|img|iframe|link)[^>]*(?:src|href)=\"([^\"]*)\"", page.text)
    return not re.search(r"<script>|<img|62615533", page.text) and all(
        one.startswith("/assets/") or one == "data:," for one in loaded
    )


def test_what_is_written_in_texts_is_text_on_every_page(get: Get) -> None:
    answers = {path: get(path) for path in PAGES}

    assert {path: page.status_code for path, page in answers.items()} == dict.fromkeys(PAGES, 200)
    assert [path for path, page in answers.items() if not is_tame(page)] == []
    assert "alert(1)" in answers["/plan"].text, "it is shown"
    assert {family.name for family in text_string_to_metric_families(get("/metrics").text)} >= {"tdr_objects"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/resource/query%2Fhostile", 200), ("/resource/", 404), ("/resource/%00", 404), ("/resource/%ff%fe", 404),
        ("/resource/..%2f..%2fetc%2fpasswd", 404), ("/resource/%3Cscript%3Ealert(1)%3C/script%3E", 404),
        ("/resource/%F0%9F%98%80%E2%80%AE", 404), ("/resource/a%0d%0aX-Header:y", 404), ("/resource/" + "a" * 50_000, 404),
        ("/runs/%00", 404), ("/runs/..%2f..%2fstate", 404), ("/runs/%7B%7B7919*7907%7D%7D", 404), ("/assets/..%2fapp.py", 404),
        ("/assets/%00", 404), ("/schedule?week=", 200), ("/schedule?week=%00", 404), ("/schedule?week=%ff", 404),
        ("/schedule?week=0001-01-01", 404), ("/schedule?week=9999-12-31", 404), ("/schedule?week=" + "9" * 50_000, 404),
        ("/schedule?week=%D9%A2%D9%A0%D9%A2%D9%A6-%D9%A0%D9%A1-%D9%A0%D9%A1", 404), ("/?" + "&" * 50_000, 200),
    ],
    ids=lambda one: str(one)[:40],
)  # fmt: skip
def test_an_address_is_one_of_ours_or_none(get: Get, path: str, status: int) -> None:
    answer = get(path)

    assert (answer.status_code, is_tame(answer)) == (status, True)
    assert "x-header" not in answer.headers


def test_what_breaks_while_it_runs_is_told_on_every_page_until_it_is_mended(stage: Stage, get: Get) -> None:
    bad = f"apiVersion: tdr/v1\nkind: {json.dumps(MARKUP)}\nmetadata: {{name: {json.dumps(MARKUP)}}}\n"
    state = stage.state / "state.json"
    whole = state.read_bytes()
    broken: dict[str, tuple[Callable[[], object], Callable[[], object], str]] = {
        "invalid": (
            lambda: stage.write("manifests/bad.yaml", bad), (stage.folder / "manifests/bad.yaml").unlink, "bad.yaml:2",
        ),
        "no text": (
            lambda: (stage.folder / "manifests/bad.yaml").write_bytes(b"\xff\xfe\0"),
            (stage.folder / "manifests/bad.yaml").unlink, "not-utf-8",
        ),
        "no project": (
            lambda: (stage.folder / "tdr.yaml").rename(stage.folder / "away"),
            lambda: (stage.folder / "away").rename(stage.folder / "tdr.yaml"), "no tdr.yaml",
        ),
        "a torn state": (
            lambda: state.write_bytes(whole[:99]), lambda: state.write_bytes(whole), "is torn",
        ),
    }  # fmt: skip
    for what, (breaks, mends, words) in broken.items():
        breaks()
        for path in (*PAGES, "/metrics"):
            answer = get(path)
            assert (what, path, answer.status_code, words in answer.text, is_tame(answer)) == (
                what,
                path,
                503,
                True,
                True,
            )
        mends()
        assert get("/").status_code == 200


@pytest.mark.parametrize("content", ["{}", "[]", "x", '{"format": "tdr.run", "results": [1], "exit_code": "z"}'])
def test_a_run_that_is_damaged_is_told_where_it_is_looked_at(stage: Stage, get: Get, content: str) -> None:
    (file,) = (stage.state / "runs").glob("*.json")
    file.write_text(content, encoding="utf-8")

    assert {path: get(path).status_code for path in ("/", "/runs", "/metrics")} == dict.fromkeys(
        ("/", "/runs", "/metrics"), 200
    )
    told = get("/runs/" + file.stem.rpartition("-")[2])
    assert (told.status_code, "only a report; remove it" in told.text) == (503, True)
