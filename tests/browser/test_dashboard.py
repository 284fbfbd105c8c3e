"""The dashboard of a real `tdr serve` in a real browser: everything is there, reads at any width, and nothing complains."""

from __future__ import annotations

import hashlib
import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from looking import WIDTHS, Looking
from playwright.sync_api import Browser, expect
from stage import Stage

PAGES = ("", "plan", "drift", "graph", "schedule", "audiences", "runs", "resource/activation/spring-buyers-daily")
EVERYWHERE = "0.0.0.0"  # noqa: S104 - what is to be refused without a token
ACTIVATION = "activation/spring-buyers-daily"


@contextmanager
def served(stage: Stage, *arguments: str, **environ: str) -> Iterator[str]:
    """Where the dashboard is."""
    before = dict(stage.environ)
    stage.environ.update(environ)
    server = stage.spawn("serve", "--sample-every", "0", *arguments)
    stage.environ.clear()
    stage.environ.update(before)
    try:
        assert server.stderr is not None
        lines = [server.stderr.readline(), server.stderr.readline()]
        address = next(line for line in lines if line.startswith("Dashboard at ")).removeprefix("Dashboard at ").strip()
        yield address
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=60)


def left_out_of_the_newest_run(stage: Stage, *reasons: str) -> None:
    """As a destination lists rows that it could not send."""
    (activation,) = stage.tdr("status", ACTIVATION, "--format", "json").document["resources"]
    name = hashlib.sha256(activation["runs"][0]["job_id"].encode()).hexdigest()[:32]
    lists = stage.state / "service/exports/quarantine"
    lists.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps({"row": row, "reason": reason}) + "\n" for row, reason in enumerate(reasons, 1))
    (lists / f"{name}.jsonl").write_text("".join(lines), "utf-8")


def test_how_everything_is_and_what_has_moved(applied: Stage, looking: Looking) -> None:
    for _ in range(2):
        applied.tdr("run", ACTIVATION)
    applied.edit("manifests/pinterest.yaml", "Bought in spring", "Bought in March")
    (audience,) = applied.audiences()
    left_out_of_the_newest_run(applied, "empty", "empty", "not_sha256")
    with served(applied) as address:
        page = looking.page
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).to_have_text("shop: local")
        rows = page.locator("tbody tr")
        expect(rows).to_have_count(7)
        expect(rows.filter(has_text=ACTIVATION)).to_contain_text("success")

        left = page.get_by_role("region", name="Rows that did not arrive")
        expect(left.get_by_role("listitem")).to_contain_text("left out 3 rows: 2 empty, 1 not_sha256")

        page.get_by_role("link", name="Plan", exact=True).click()
        expect(page.locator("details[data-action=update]")).to_contain_text("Bought in March")

        page.get_by_role("link", name="Audiences").click()
        expect(page.get_by_role("main")).to_contain_text("members")

        page.get_by_role("link", name="Runs", exact=True).click()
        page.locator("tbody a").first.click()
        expect(page.get_by_role("main")).to_contain_text(ACTIVATION)

        page.goto(f"{address}resource/{ACTIVATION}")
        expect(left).to_contain_text("left out 3 rows")
        expect(page.locator("#runs ~ figure")).to_have_count(2)
        expect(page.locator("#log ~ pre")).to_contain_text("finished")
        page.get_by_role("link", name="audience/spring-buyers").click()
        expect(page.get_by_role("main")).to_contain_text(f"Needed by {ACTIVATION}")
        assert str(audience["id"]) in str(page.get_by_role("banner").text_content())

        page.goto(f"{address}schedule")
        expect(page.get_by_role("main")).to_contain_text("03:00 +09:00")
        page.goto(f"{address}graph")
        page.get_by_role("link", name=f"{ACTIVATION}: ").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(ACTIVATION)
    assert looking.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_it_at_any_width(applied: Stage, looking: Looking, scheme: str) -> None:
    looking.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    with served(applied) as address:
        for name in PAGES:
            looking.page.goto(address + name)
            for width in WIDTHS:
                looking.page.set_viewport_size({"width": width, "height": 800})
                assert not looking.overflows(), (name, width)
            assert looking.barriers() == [], name
    assert looking.complaints == []


def test_it_reads_with_the_keyboard_alone(applied: Stage, looking: Looking) -> None:
    with served(applied) as address:
        page = looking.page
        page.goto(address)
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="To the content")).to_be_focused()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('main') !== null")


def test_weeks_are_leafed_through_with_the_keyboard_and_without_scripts(
    applied: Stage, looking: Looking, browser: Browser
) -> None:
    with served(applied) as address:
        page = looking.page
        page.goto(f"{address}schedule")
        week = page.get_by_role("region", name="Week of")
        expect(week.get_by_role("heading", level=3)).to_have_text("Asia/Tokyo")
        expect(week.locator("ol > li")).to_have_count(7)
        first = str(week.get_by_role("heading", level=2).text_content())
        page.get_by_role("link", name="The week after").focus()
        page.keyboard.press("Enter")
        expect(week.get_by_role("heading", level=2)).not_to_have_text(first)
        for day in week.locator("ol > li").all():
            expect(day).to_contain_text("03:00")
        page.get_by_role("link", name="The week before").focus()
        page.keyboard.press("Enter")
        expect(week.get_by_role("heading", level=2)).to_have_text(first)
        assert looking.complaints == []

        context = browser.new_context(java_script_enabled=False)
        plain = context.new_page()
        plain.goto(f"{address}schedule")
        plain.get_by_role("link", name="The week after").click()
        expect(plain.locator("ol.week > li").first).to_contain_text(ACTIVATION)
        context.close()
        for odd in ("9999-12-31", "0001-01-01", "x", "<script>"):
            assert httpx.get(f"{address}schedule", params={"week": odd}, trust_env=False).status_code == 404


def test_manifests_that_are_invalid_are_told_and_the_next_look_is_right_again(applied: Stage) -> None:
    with served(applied) as address:
        applied.edit("manifests/activation.yaml", "membership: replace", "membership: everything")
        broken = httpx.get(address, trust_env=False)
        assert broken.status_code == 503
        assert "manifests/activation.yaml:" in broken.text
        applied.edit("manifests/activation.yaml", "membership: everything", "membership: replace")
        assert httpx.get(address, trust_env=False).status_code == 200


@pytest.mark.parametrize(
    "path", ["nothing", "resource/query/none", "runs/none", "runs/..%2f..%2fetc", "assets/../app.py"]
)
def test_what_is_not_there_is_said_to_be(applied: Stage, path: str) -> None:
    with served(applied) as address:
        assert httpx.get(f"{address}{path}", trust_env=False).status_code == 404


def test_beyond_this_machine_a_token_lets_in(applied: Stage, looking: Looking) -> None:
    token = "dashboard-token-0123456789"
    with served(applied, "--dashboard", f"{EVERYWHERE}:0", TDR_DASHBOARD_TOKEN=token) as address:
        here = address.replace(EVERYWHERE, "127.0.0.1")
        page = looking.page
        page.goto(here)
        page.get_by_label("Token").fill("wrong-token-0123456789")
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("alert")).to_be_visible()
        page.get_by_label("Token").fill(token)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("shop: local")
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_label("Token")).to_be_visible()
        page.goto(here)
        expect(page.get_by_label("Token")).to_be_visible()
        assert httpx.get(here, headers={"authorization": f"Bearer {token}"}, trust_env=False).status_code == 200
    # A refused login is answered with 403, which a browser notes.
    assert [one for one in looking.complaints if "403" not in one] == []


def test_beyond_this_machine_it_does_not_start_without_a_token(applied: Stage) -> None:
    said = applied.tdr("serve", "--dashboard", f"{EVERYWHERE}:0", expect=64)
    assert "needs a token in TDR_DASHBOARD_TOKEN" in said.err


def test_without_a_dashboard_there_is_the_service_alone(applied: Stage) -> None:
    server = applied.spawn("serve", "--dashboard", "off")
    try:
        assert server.stderr is not None
        assert server.stderr.readline().startswith("Treasure Data API at ")
        assert "--dashboard" not in server.stderr.read(0)
    finally:
        server.send_signal(signal.SIGTERM)
        _, rest = server.communicate(timeout=60)
    assert "Dashboard" not in str(rest)
