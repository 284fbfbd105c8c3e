"""How the page of a large plan opens and filters in a real Chromium, as a reader waits for it.

From doing to the second frame after it, so that layout and drawing count. Beside it a page that anybody could write by hand: the
same changes as bare `<details>`, with a filter that goes through all of them. What takes up to 100 ms happens at once for a reader,
and a task of more than 200 ms is a pause: those are the goals.
"""

from __future__ import annotations

import contextlib
import html
import runpy
import shutil
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measuring import IS_QUICK, Goal, show
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from reconciler.reports.formats import Format
from reconciler.reports.rendering import Reading, render

COUNTS = (1_000,) if IS_QUICK else (1_000, 5_000)
REPEAT = 3 if IS_QUICK else 5
LARGEST_MIB = 2.0
AT_ONCE_MS = 100.0
PAUSE_MS = 200.0
_PLANS = Path(__file__).resolve().parents[1] / "tests" / "reports" / "plans.py"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")

_WATCH = """
window.pauses = [];
new PerformanceObserver((list) => { for (const one of list.getEntries()) pauses.push(one.duration); })
  .observe({type: "longtask", buffered: true});
"""
_SEARCH = """(word) => new Promise((told) => {
  const field = document.querySelector("input[type=search]");
  const began = performance.now();
  field.value = word;
  field.dispatchEvent(new Event("input", {bubbles: true}));
  requestAnimationFrame(() => requestAnimationFrame(() => told(performance.now() - began)));
})"""
_NAIVE = """
document.querySelector("input").addEventListener("input", (event) => {
  for (const one of document.querySelectorAll("details"))
    one.hidden = !one.textContent.includes(event.target.value);
});
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """Milliseconds but for the size. *filter_ms* is the slowest of a search typed letter by letter and taken away."""

    mib: float
    open_ms: float
    filter_ms: float
    pause_ms: float


def pages(folder: Path) -> None:
    """Measure and show."""
    found = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if found is None:
        print("\n## Pages of plans\n\nleft out: no Chromium is installed", flush=True)
        return
    large = runpy.run_path(str(_PLANS))["large"]
    rows = [["changes", "", "MiB", "opens, ms", "filters, ms", "longest pause, ms"]]
    goals: list[Goal] = []
    with sync_playwright() as playwright, _running(playwright, found) as browser:
        for count in COUNTS:
            document = large(count)
            ours = _measured(browser, _written(folder / "ours.html", render(document, Format.HTML, Reading())), count)
            bare = _measured(browser, _written(folder / "bare.html", _bare(document)), count)
            rows += [_row(f"{count:,}", "tdr", ours), _row("", "bare page", bare)]
            goals = goals or _goals(ours)
    show(f"Pages of plans in Chromium, medians of {REPEAT}", rows, goals)


def _row(count: str, name: str, told: Figures) -> list[str]:
    return [count, name, f"{told.mib:.2f}", f"{told.open_ms:.0f}", f"{told.filter_ms:.0f}", f"{told.pause_ms:.0f}"]


def _goals(ours: Figures) -> list[Goal]:
    return [
        Goal(f"size at {COUNTS[0]:,} changes", ours.mib, LARGEST_MIB, "MiB"),
        Goal("slowest letter of a search", ours.filter_ms, AT_ONCE_MS, "ms"),
        Goal("longest pause while it opens and filters", ours.pause_ms, PAUSE_MS, "ms"),
    ]


def _written(file: Path, text: str) -> Path:
    file.write_text(text, "utf-8")
    return file


def _bare(document: dict[str, Any]) -> str:
    """The changes of *document* with their fields, as few bytes as they take: no looks and no drawing."""
    parts = ["<!doctype html><meta charset=utf-8><title>bare</title><input type=search>"]
    for one in document["changes"]:
        fields = "".join(
            f"<dt>{html.escape(each['path'])}<dd><pre>{html.escape(str(each['before']))}\n{html.escape(str(each['after']))}</pre>"
            for each in one["fields"]
        )
        parts.append(
            f"<details><summary>{one['actions'][0]} {html.escape(one['address'])}</summary><dl>{fields}</dl></details>"
        )
    return "\n".join([*parts, f"<script>{_NAIVE}</script>"])


def _measured(browser: Browser, file: Path, count: int) -> Figures:
    opened, filtered, paused = [], [], []
    for _ in range(REPEAT):
        page = browser.new_page()
        page.add_init_script(_WATCH)
        page.goto(file.as_uri())
        opened.append(page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd"))
        filtered.append(_slowest_search(page, count))
        paused.append(max(page.evaluate("window.pauses"), default=0.0))
        page.close()
    size = file.stat().st_size / 2**20
    return Figures(size, statistics.median(opened), statistics.median(filtered), statistics.median(paused))


def _slowest_search(page: Page, count: int) -> float:
    word = "number-0123"
    steps = [word[:end] for end in range(1, len(word) + 1)] + [""]
    slowest = 0.0
    for step in steps:
        slowest = max(slowest, page.evaluate(_SEARCH, step))
    shown = page.evaluate("[...document.querySelectorAll('details')].filter((one) => one.checkVisibility()).length")
    assert shown >= count, f"{shown} of {count} changes are shown when the search is taken away"
    return slowest


@contextlib.contextmanager
def _running(playwright: Playwright, found: str) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=found, args=list(_OPTIONS))
    try:
        yield browser
    finally:
        browser.close()
