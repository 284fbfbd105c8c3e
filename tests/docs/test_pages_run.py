"""The tutorial, the how-tos and the README do what they say, each in one process."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from as_written import Command, Reader, WrittenFile, fits, steps

CHECKOUT = Path(__file__).resolve().parents[2]
DOCS = CHECKOUT / "docs"
RUN = [DOCS / "tutorial.md", *sorted(page for page in (DOCS / "how-to").glob("*.md") if page.name != "index.md")]


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_a_page_does_what_it_says(page: Path, tmp_path: Path) -> None:
    folder = tmp_path / "reader"
    folder.mkdir()
    with Reader(folder) as reader:
        assert reader.follow(page.read_text(encoding="utf-8")) > 5


def test_the_readme_does_what_it_says(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    shutil.copytree(CHECKOUT / "manifests", folder / "manifests")
    shutil.copy(CHECKOUT / "tdr.yaml", folder)
    customers = "customer_id,name,email,last_purchase,orders\n0000001,Jane Doe,jane.doe@example.com,2026-04-02,3\n"
    with Reader(folder) as reader:
        reader.stage.environ["TDR_YES"] = "true"  # somebody is at the terminal, and says yes
        assert reader.follow((CHECKOUT / "README.md").read_text(), files={"data/customers.csv": customers}) > 10
        assert len(reader.stage.members()) == 1


def test_every_how_to_and_every_example_is_in_its_index() -> None:
    how_tos = (DOCS / "how-to" / "index.md").read_text(encoding="utf-8")
    examples = (DOCS / "examples.md").read_text(encoding="utf-8")

    assert [page.name for page in RUN[1:] if f"({page.name})" not in how_tos] == []
    numbered = [path.name for path in (CHECKOUT / "examples").glob("[0-9]*")]
    assert [name for name in numbered if f"(../examples/{name}/README.md)" not in examples] == []


def test_every_example_shows_what_it_prints() -> None:
    silent = [
        page.parent.name
        for page in (CHECKOUT / "examples").glob("[0-9]*/README.md")
        if not any(isinstance(step, Command) and step.shown for step in steps(page.read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_the_layers_of_the_architecture_are_those_that_are_checked() -> None:
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    told = [sorted(re.findall(r"`(\w+)`", row)) for row in re.findall(r"^\| (`.*?`) \| ", page, re.MULTILINE)]
    contract = (CHECKOUT / ".importlinter").read_text(encoding="utf-8").split("layers =\n")[1].split("\n\n")[0]

    assert told == [sorted(re.findall(r"\w+", line)) for line in contract.splitlines()]


def test_a_page_is_read_as_it_is_meant() -> None:
    page = (
        "Write `a/b.yaml`:\n\n```yaml\nx: 1\n```\n\n1. Then\n\n   ```console\n   $ tdr plan # exits 3\n   + a\n     …\n"
        "   $ tdr apply\n   ```\n\n```yaml\ny: 2\n```\n"
    )

    assert list(steps(page)) == [
        WrittenFile("a/b.yaml", "x: 1\n"),
        Command("tdr plan # exits 3", 3, "+ a\n  …"),
        Command("tdr apply", 0, None),
    ]


@pytest.mark.parametrize(
    ("shown", "printed", "is_it"),
    [
        ("a\nb", "a\nb\n", True),
        ("a\nb", "a\nc\n", False),
        ("a", "a\nb\n", False),
        ("a\n…", "a\nb\nc\n", True),
        ("a\n…\nc", "a\nc\n", True),
        ("…\nc", "a\nb\n", False),
        ("a sha256:… b", "a sha256:00ff b\n", True),
        ("a (x) …", "a (y) z\n", False),
    ],
)
def test_what_is_shown_is_held_against_what_is_printed(shown: str, printed: str, *, is_it: bool) -> None:
    assert fits(shown, printed) is is_it
