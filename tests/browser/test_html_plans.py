"""The page of a plan in a real browser: nothing complains, filters filter, links open, at three widths, light and dark."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from looking import WIDTHS, Looking
from playwright.sync_api import expect

sys.path.insert(0, str(Path(__file__).parents[1] / "reports"))

from plans import HOSTILE, change, field, large, plan
from test_html_pages import DRIFT, EVERYTHING, RUN, hostile

from reconciler.reports.formats import Format
from reconciler.reports.rendering import Reading, render


def shown(looking: Looking, document: object, folder: Path) -> None:
    assert isinstance(document, dict)
    file = folder / "page.html"
    file.write_text(render(document, Format.HTML, Reading()), "utf-8")
    looking.page.goto(file.as_uri())


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["plan", "drift", "run"])
def test_everybody_can_read_it_at_any_width(looking: Looking, tmp_path: Path, name: str, scheme: str) -> None:
    looking.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for width in WIDTHS:
        looking.page.set_viewport_size({"width": width, "height": 800})
        shown(looking, {"plan": EVERYTHING, "drift": DRIFT, "run": RUN}[name], tmp_path)
        looking.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert looking.barriers() == []
        assert not looking.overflows(), width
    assert looking.complaints == []


def test_filters_leave_what_was_asked_for(looking: Looking, tmp_path: Path) -> None:
    shown(looking, EVERYTHING, tmp_path)
    page = looking.page
    changes = page.locator("details[data-action]")
    visible = changes.and_(page.locator(":visible"))
    expect(visible).to_have_count(4)
    assert changes.count() == 4
    page.get_by_label("create (1)").uncheck()
    expect(visible).to_have_count(3)
    page.get_by_label("Search").fill("VIP 5 exists")
    expect(visible).to_have_count(1)
    assert page.get_by_role("status").text_content() == "1 of 4 shown"
    page.get_by_label("Search").fill("")
    page.get_by_label("Kind").select_option("query")
    expect(visible).to_have_count(2)
    page.get_by_label("only risks and gates (2)").check()
    expect(visible).to_have_count(1)
    assert "query/gone" in str(visible.text_content())
    assert looking.complaints == []


def test_a_box_of_the_drawing_leads_to_its_change_with_the_keyboard(looking: Looking, tmp_path: Path) -> None:
    shown(looking, EVERYTHING, tmp_path)
    page = looking.page
    page.get_by_role("link", name="activation/vip: update in place").focus()
    page.keyboard.press("Enter")
    opened = page.locator("details:target")
    expect(opened.locator("summary")).to_contain_text("activation/vip")
    expect(opened).to_have_attribute("open", "")


def test_without_scripts_all_changes_are_there_and_no_filter_pretends(browser: object, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(render(EVERYTHING, Format.HTML, Reading()), "utf-8")
    context = browser.new_context(java_script_enabled=False)  # type: ignore[attr-defined]
    page = context.new_page()
    page.goto(file.as_uri())
    assert page.locator("details[data-action]:visible").count() == 4
    assert not page.locator("#filters").is_visible()
    context.close()


@pytest.mark.parametrize("document", [EVERYTHING, DRIFT, RUN], ids=["plan", "drift", "run"])
def test_hostile_values_do_nothing(looking: Looking, tmp_path: Path, document: dict[str, object]) -> None:
    shown(looking, hostile(document), tmp_path)
    assert looking.page.title() != "taken"
    assert looking.page.locator("img").count() == 0
    assert looking.complaints == []


def test_a_thousand_changes_open_and_filter(looking: Looking, tmp_path: Path) -> None:
    shown(looking, large(1000), tmp_path)
    page = looking.page
    assert page.locator("details[data-action]").count() == 1000
    page.get_by_label("Search").fill("number-0123")
    page.get_by_text("2 of 1000 shown").wait_for()
    assert looking.complaints == []


def test_hostile_addresses_are_shown_as_they_are(looking: Looking, tmp_path: Path) -> None:
    shown(looking, plan(change("query/x", "update", fields=[field("/sql", HOSTILE, "b")])), tmp_path)
    assert HOSTILE in str(looking.page.locator("del").first.text_content())
