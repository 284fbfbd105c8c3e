"""Pages of HTML: one file each, complete, and harmless whatever the values are. How they look: tests/browser."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from plans import AT, HOSTILE, change, field, large, plan, side

from reconciler.reports.documents import error_document, heading
from reconciler.reports.formats import Format
from reconciler.reports.html.timeline import timeline
from reconciler.reports.rendering import Reading, render

GOLDEN = Path(__file__).with_name("plan_page.golden.html")
_ASSETS = re.compile(r"(?s)(<style>|<script>).*?(</style>|</script>)")


def page(document: dict[str, Any], *, verbose: bool = False) -> str:
    return render(document, Format.HTML, Reading(verbose=verbose))


class Read(HTMLParser):
    """Elements with their attributes, in order, and the text outside of style and script."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._within: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in {"style", "script"}:
            self._within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._within and self._within[-1] == tag:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        if not self._within:
            self.text += data


EVERYTHING = plan(
    change("query/gone", "delete", gates=["protected"], risk=["irreversible"]),
    change("query/made", "create", fields=[field("/sql", None, "SELECT 1"), field("/token", None, None, sensitive=True)]),
    change(
        "activation/vip",
        "update",
        depends_on=["query/made", "audience/vip"],
        risk=["starts_egress:email_sha256"],
        fields=[
            field("/cron", "0 3 * * *", "0 5 * * *"),
            field("/columns", ["a", "b"], ["a", "c"]),
            field("/sql", "SELECT a\nFROM t", "SELECT b\nFROM t", origin="drift"),
            field("/name", "one", "two", origin="both", applied="three"),
        ],
        resolved={"mode": "ADD", "outcome": "update", "why": "", "evidence": "audience 5 exists", "steps": ["look"]},
    ),
    change("audience/vip", "noop", note="grows for two days"),
    change("query/old", "move", moved_to="query/new"),
    gates=[{"rule": "protected", "message": "it stays", "addresses": ["query/gone"], "hint": "ask", "approve": "--approve x"}],
    egress=[
        {
            "activation": "activation/vip", "destination": "pinterest:5497", "change": "starts", "column": "email",
            "pii": "email", "hashing": "sha256", "before": None, "effective": "at once",
        }
    ],
    warnings=[
        {"rule": "r", "severity": "warning", "message": "look out", "hint": "", "file": "m.yaml", "line": 3, "column": 1}
    ],
    schedules={
        "computed_at": AT,
        "entries": [
            {
                "address": "activation/vip",
                "before": side("0 3 * * *", "daily at 03:00", "2026-03-01T03:00:00Z", "2026-03-02T03:00:00Z"),
                "after": side("0 5 * * *", "daily at 05:00", "2026-03-01T05:00:00Z", "2026-03-02T05:00:00Z"),
                "notices": [],
            }
        ],
    },
)  # fmt: skip


def test_the_page_of_a_plan_with_something_of_everything() -> None:
    shown = _ASSETS.sub(r"\1\2", page(EVERYTHING))
    assert shown == GOLDEN.read_text("utf-8")


def test_a_page_of_no_changes_says_so_and_draws_nothing() -> None:
    shown = Read(page(plan(change("query/a", "noop"))))
    assert "No changes." in shown.text
    assert "svg" not in {name for name, _ in shown.elements}
    assert "query/a" not in shown.text


def test_verbose_names_what_stays_as_it_is() -> None:
    assert "query/a  unchanged" in Read(page(plan(change("query/a", "noop")), verbose=True)).text


@pytest.mark.parametrize("name", ["plan", "drift", "run", "validation", "error"])
def test_nothing_outside_the_page_is_asked_for_and_nothing_but_its_own_code_may_run(name: str) -> None:
    documents = {
        "plan": EVERYTHING,
        "drift": DRIFT,
        "run": RUN,
        "validation": heading("validation", AT)
        | {"valid": True, "summary": {"errors": 0, "others": 0}, "diagnostics": [], "overlays": []},
        "error": error_document("tdr plan", ValueError(), 1, AT),
    }
    read = Read(page(documents[name]))
    for tag, attributes in read.elements:
        assert "style" not in attributes, tag
        assert not [one for one in attributes if one.startswith("on")], tag
        for link in (attributes.get("href"), attributes.get("src")):
            assert link is None or link.startswith(("#", "data:")), link
    policies = [one["content"] for tag, one in read.elements if one.get("http-equiv") == "Content-Security-Policy"]
    assert len(policies) == 1
    assert str(policies[0]).startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in str(policies[0])


DRIFT = heading("drift", AT) | {
    "environment": "prod",
    "clean": False,
    "complete": True,
    "partial": None,
    "digest": "sha256:ab",
    "since": "",
    "changed": True,
    "summary": {"drifted": 1, "missing": 1, "unknown": 0, "in_sync": 1},
    "resources": [
        {"address": "query/a", "verdict": "drifted", "id": "1", "note": "", "source": "m.yaml:1:1", "changed_at": AT,
         "changed_by": "ann", "fields": [{"path": "/sql", "applied": "SELECT 1", "found": "SELECT 2"}]},
        {"address": "query/b", "verdict": "missing", "id": "2", "note": "is gone", "source": "", "changed_at": None,
         "changed_by": None, "fields": []},
        {"address": "query/c", "verdict": "in_sync", "id": "3", "note": "", "source": "", "changed_at": None,
         "changed_by": None, "fields": []},
    ],
}  # fmt: skip
RUN = heading("run", AT) | {
    "run": "r1",
    "environment": "prod",
    "plan_digest": "sha256:ab",
    "exit_code": 6,
    "interrupted": False,
    "summary": {"done": 1, "failed": 1},
    "results": [
        {"address": "query/a", "action": "update", "status": "done", "message": "", "hint": ""},
        {"address": "query/b", "action": "create", "status": "failed", "message": "no such table", "hint": "make it"},
    ],
    "unsettled": ["query/a: sql is told otherwise"],
}


def test_a_page_of_drift_puts_what_is_missing_first_and_leaves_out_what_is_as_it_was() -> None:
    text = Read(page(DRIFT)).text
    assert text.index("query/b") < text.index("query/a")
    assert "query/c" not in text
    assert '"SELECT 1" → "SELECT 2"' in text
    assert f"changed at {AT} by ann" in text


def test_a_page_of_a_run_puts_what_failed_first() -> None:
    text = Read(page(RUN)).text
    assert text.index("no such table") < text.index("query/a", text.index("Results"))
    assert "make it" in text
    assert "query/a: sql is told otherwise" in text


def hostile(value: object) -> object:
    """*value* with every text in it replaced, but for what documents say in words of ours."""
    ours = {
        "format",
        "format_version",
        "actions",
        "status",
        "verdict",
        "severity",
        "change",
        "created_at",
        "computed_at",
        "utc",
        "local",
    }
    match value:
        case dict():
            return {name: inner if name in ours else hostile(inner) for name, inner in value.items()}
        case list():
            return [hostile(inner) for inner in value]
        case str():
            return HOSTILE
        case _:
            return value


@pytest.mark.parametrize("document", [EVERYTHING, DRIFT, RUN], ids=["plan", "drift", "run"])
def test_no_value_becomes_an_element(document: dict[str, Any]) -> None:
    told = hostile(document)
    assert isinstance(told, dict)
    clean, taken = Read(page(document)), Read(page(told))
    allowed = {"pre", "ins", "del"}  # a long text is shown by its lines
    assert {tag for tag, _ in taken.elements} <= {tag for tag, _ in clean.elements} | allowed
    assert [tag for tag, _ in taken.elements].count("script") == 1
    assert "img" not in {tag for tag, _ in taken.elements}
    assert "{{ 7*7 }}" in taken.text


def test_a_thousand_changes_stay_under_two_megabytes_and_are_drawn_by_kind() -> None:
    shown = page(large(1000))
    assert len(shown.encode()) < 2_000_000
    read = Read(shown)
    assert sum(tag == "details" and "data-action" in attributes for tag, attributes in read.elements) == 1000
    assert "500 activation: update in place" in read.text


def test_marks_that_turn_a_line_around_are_shown_and_not_obeyed() -> None:
    assert "\u202e" not in page(plan(change("query/a", "delete", note="abc\u202edef")))


def test_runs_are_drawn_in_the_order_of_time_and_those_too_many_are_counted() -> None:
    entries = [
        {"address": f"query/{hour:03}", "before": None, "notices": [],
         "after": side("x", "x", f"2026-03-{28 - hour // 4:02}T0{hour % 4}:00:00Z")}
        for hour in range(80)
    ]  # fmt: skip
    drawn = timeline({"computed_at": AT, "entries": entries})
    assert drawn is not None
    assert drawn.left_out == 20
    xs = [row.marks[0].x for row in drawn.rows]
    assert xs == sorted(xs)
    assert all(300 <= x <= drawn.width for x in xs)
    assert len({tick.label for tick in drawn.ticks}) == len(drawn.ticks)


def test_nothing_is_drawn_where_nothing_runs() -> None:
    assert timeline({"computed_at": AT, "entries": []}) is None
    assert (
        timeline({"computed_at": AT, "entries": [{"address": "query/a", "before": None, "after": side("", "never")}]})
        is None
    )
