"""The reference is what the source says now, and says all of it."""

from __future__ import annotations

import ast
from pathlib import Path

import codes_in_source
import codes_page
import kinds_pages
import pages
import pytest
import variables_page

from reconciler.ports.provider import RUNNABLE, FieldClass
from reconciler.wiring.supported import supported

PACKAGE = Path(__file__).resolve().parents[2] / "reconciler"
MAKES_NO_FINDING = {
    "Approval": "lifts a gate",
    "Breach": "of a rule of a policy, which is documented with its set",
    "Field": "tells by which rule of comparing a field is in a plan",
    "SegmentSpec": "who is in a segment",
    "Waiver": "names a rule of a policy",
}
"""Classes with a field `rule` that make no finding of tdr's own, and what they are."""


def test_the_reference_is_made_of_this_source() -> None:
    assert pages.differing() == [], "run `make reference` and commit what it writes"


def test_every_code_of_the_source_has_an_entry_and_every_entry_a_code() -> None:
    documented, there = codes_page.documented(), codes_page.in_source()

    assert {sort: set(entries) for sort, entries in documented.items()} == there
    assert len(there["findings"]) > 150
    texts = [its for entries in documented.values() for its in entries.values()]
    assert [its for its in texts if set(its) != {"means", "why", "now"} or not all(its.values())] == []


def test_every_code_has_a_heading_on_the_page() -> None:
    headings = {
        line.removeprefix("### ") for line in codes_page.pages()["codes.md"].splitlines() if line.startswith("### ")
    }

    assert {code for codes in codes_page.in_source().values() for code in codes} - headings == set()


def test_every_kind_says_what_must_be_allowed_at_each_vendor_that_holds_it() -> None:
    told = kinds_pages.permissions()

    assert set(told) == {one.kind for one in supported()}
    for kind, entries in told.items():
        assert entries, kind
        for one in entries:
            assert {"at", "look", "write", "sure"} <= one.keys() <= {"at", "look", "write", "run", "sure"}, (kind, one)
        assert ("run" in set().union(*entries)) == (kind in RUNNABLE), kind


def test_a_code_that_nobody_can_read_from_the_source_is_refused(tmp_path: Path) -> None:
    (tmp_path / "stray.py").write_text("def told(name):\n    return Diagnostic(name + '-x', 'message')\n")

    with pytest.raises(LookupError, match=r"stray\.py:2: nobody can tell which code"):
        codes_in_source.codes(tmp_path)


def test_nothing_else_carries_a_code() -> None:
    """A new class with a field `rule` has to be made known to the scanner, or to be said to make no finding."""
    carriers = set()
    for _, tree in codes_in_source.parsed(PACKAGE):
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                fields = {
                    one.target.id
                    for one in node.body
                    if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
                }
                carriers |= {node.name} if "rule" in fields else set()

    known = {maker for maker, _ in codes_in_source._RULES_BEFORE}
    assert carriers - known == set(MAKES_NO_FINDING)


ALSO_COMPARED = {("dataflow", "/schedule/waits_until")}
"""Compared in the place of a field that has a row of its own: the `start` of a schedule that a document does not name."""


def test_every_field_that_replaces_is_said_to() -> None:
    unsaid = []
    for one in supported():
        page = (pages.REFERENCE / "kinds" / f"{one.kind}.md").read_text(encoding="utf-8")
        for path, its in one.traits.classes.items():
            if its is FieldClass.IMMUTABLE:
                said = page.count("| replaces |")
                compared = sum(
                    each is FieldClass.IMMUTABLE and (one.kind, name) not in ALSO_COMPARED
                    for name, each in one.traits.classes.items()
                )
                unsaid += [f"{one.kind}{path}"] if f"`{path}`" not in page or said < compared else []

    assert unsaid == []


def test_every_variable_is_told() -> None:
    told = {*variables_page.OTHERS, *variables_page.of_options()}

    assert variables_page.in_source() - told == set()
