"""Every relative link of every page leads to a file that is there, and to a heading that it has."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote

CHECKOUT = Path(__file__).resolve().parents[2]
PAGES = [
    *sorted(CHECKOUT.glob("*.md")),
    *sorted((CHECKOUT / "docs").rglob("*.md")),
    *sorted(page for page in (CHECKOUT / "examples").rglob("*.md") if "state" not in page.parts),
]
_FENCED = re.compile(r"^( *)(```+|~~~+).*?^\1\2 *$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)", re.DOTALL)


def links(text: str) -> list[str]:
    """Targets of the links in *text* that lead to files of this repository, or to a heading of the same page."""
    plain = _CODE.sub("", _FENCED.sub("", text))
    inline = re.findall(r"\]\(\s*<?([^)\s>]+)>?[^)]*\)", plain)
    by_name = re.findall(r"^\[[^\]]+\]:\s+(\S+)", plain, re.MULTILINE)
    return [one for one in (*inline, *by_name) if not re.match(r"[a-z][a-z0-9+.-]*:", one)]


@cache
def anchors(page: Path) -> frozenset[str]:
    """What `#…` may name in *page*: its headings as GitHub, and the site's generator after it, make anchors of them."""
    found: list[str] = []
    for heading in re.findall(r"^#{1,6} +(.+?) *#*$", _FENCED.sub("", page.read_text(encoding="utf-8")), re.MULTILINE):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        plain = re.sub(r"[^\w\- ]", "", shown.strip().lower()).replace(" ", "-")
        again = sum(1 for one in found if re.fullmatch(re.escape(plain) + r"(-\d+)?", one))
        found.append(f"{plain}-{again}" if again else plain)
    return frozenset(found)


def dead(page: Path) -> list[str]:
    """Links of *page* that lead nowhere."""
    missing = []
    for link in links(page.read_text(encoding="utf-8")):
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        is_there = target.exists() and target.is_relative_to(CHECKOUT)
        if not is_there or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            missing.append(f"{page.name}: {link}")
    return missing


def test_every_link_leads_somewhere() -> None:
    assert [one for page in PAGES for one in dead(page)] == []
    assert sum(len(links(page.read_text(encoding="utf-8"))) for page in PAGES) > 200


def test_a_dead_link_would_be_seen(tmp_path: Path) -> None:
    page = CHECKOUT / "docs" / "parts.md"
    shown = tmp_path / "page.md"
    shown.write_text(
        "# One `two`\n\n# One two\n\n[a](#one-two-1) `[b](none.md)`\n\n```\n[c](none.md)\n```\n\n[d](none.md#x)\n"
    )

    assert links(shown.read_text(encoding="utf-8")) == ["#one-two-1", "none.md#x"]
    assert anchors(shown) == {"one-two", "one-two-1"}
    assert dead(shown) == ["page.md: #one-two-1", "page.md: none.md#x"]  # it stands outside of this repository
    assert "making-something-anew" in anchors(page)
