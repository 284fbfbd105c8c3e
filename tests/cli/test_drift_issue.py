"""What moved, as the body of an issue that a program keeps: found again, edited when something moved, and harmless."""

from __future__ import annotations

import json
import re
import shlex

import pytest
from stage import Stage

from reconciler.reports.drift_issue import body

QUERY = "query/buyers-per-month"


def moved(stage: Stage, cron: str = "0 5 * * *") -> None:
    """Somebody changes the schedule of the query."""
    with stage.somebody() as client:
        client.update_saved_query("buyers-per-month", {"cron": cron})


def mark(text: str) -> dict[str, str]:
    """What the first line says to programs."""
    found = re.fullmatch(r"<!-- tdr:drift (.*) -->", text.splitlines()[0])
    assert found is not None
    return dict(part.split("=", 1) for part in found[1].split())


def test_without_drift_the_body_says_so(applied: Stage) -> None:
    said = applied.tdr("drift", "--issue", "--report", "json=drift.json")

    digest = json.loads((applied.folder / "drift.json").read_text())["digest"]
    assert mark(said.out) == {"project": "shop", "env": "local", "v": "1", "digest": digest}
    assert said.out.splitlines()[1] == "### Drift of `local`: none"
    assert "What now" not in said.out


def test_every_call_that_it_names_does_what_it_says(applied: Stage) -> None:
    moved(applied)
    said = applied.tdr("drift", "--issue", expect=2)
    assert said.out == applied.tdr("drift", "--issue", expect=2).out, "the same drift, the same bytes"
    calls = [shlex.split(call) for call in re.findall(r"<code>(tdr [^<]*)</code>", said.out)]
    assert [call[1] for call in calls] == ["apply", "drift"]

    applied.tdr(*calls[0][1:], "--yes")
    applied.tdr("drift")

    moved(applied)
    applied.tdr(*calls[1][1:])
    assert 'cron: "0 5 * * *"' in (applied.folder / "manifests" / "shop.yaml").read_text()


def test_the_mark_tells_one_drift_from_another(applied: Stage) -> None:
    moved(applied)
    first = mark(applied.tdr("drift", "--issue", expect=2).out)
    moved(applied, "0 6 * * *")
    second = mark(applied.tdr("drift", "--issue", expect=2).out)

    assert first.pop("digest") != second.pop("digest")
    assert first == second


def test_what_is_gone_can_only_be_put_back(applied: Stage) -> None:
    with applied.somebody() as client:
        client.delete_saved_query("buyers-per-month")

    said = applied.tdr("drift", "--issue", expect=2)

    assert f"tdr apply --env local --target {QUERY}" in said.out
    assert "--accept" not in said.out
    assert "lifecycle" not in said.out


def test_it_is_markdown_and_looks_only(applied: Stage) -> None:
    for other in (("--format", "json"), ("--unmanaged",), ("--accept", QUERY)):
        said = applied.tdr("drift", "--issue", *other, expect=64)
        assert "--issue goes with none of" in said.err
    applied.environ["TDR_FORMAT"] = "json"
    assert mark(applied.tdr("drift", "--issue").out)["env"] == "local"


def document(resources: list[dict[str, object]]) -> dict[str, object]:
    """A drift document of *resources*."""
    summary: dict[str, int] = {}
    for one in resources:
        summary[str(one["verdict"])] = summary.get(str(one["verdict"]), 0) + 1
    return {
        "format": "tdr.drift",
        "environment": "prod",
        "digest": "sha256:" + "a" * 64,
        "clean": False,
        "summary": summary,
        "resources": resources,
    }


def drifted(address: str, path: str, found: str) -> dict[str, object]:
    """A resource of which one field moved."""
    field = {"path": path, "applied": "a", "found": found}
    return {
        "address": address,
        "verdict": "drifted",
        "note": "",
        "source": "manifests/shop.yaml:1",
        "fields": [field],
        "changed_at": None,
        "changed_by": "",
    }


@pytest.mark.parametrize(
    "attack", ["--> @everyone", "`; rm -rf ~`", "</code></pre><script>", "![x](https://a.example)"]
)
def test_what_vendors_write_neither_mentions_nor_ends_anything(attack: str) -> None:
    text = body(document([drifted("workflow/nightly", f"/files/{attack}", attack)]), "shop")

    assert text.count("-->") == 1
    first, rest = text.split("\n", 1)
    assert mark(first)
    # Nothing inside <pre> is Markdown, but for what ends it.
    outside = re.sub(r"<pre>.*?</pre>", "", rest, flags=re.DOTALL)
    assert attack not in outside
    assert "@everyone" not in rest
    assert "<script" not in rest


def test_it_is_as_short_as_asked_for_and_names_what_it_leaves_out() -> None:
    many = [drifted(f"query/daily-{number:04}", "/description", "x" * 200) for number in range(300)]

    text = body(document(many), "shop", max_chars=20_000)

    assert len(text) <= 20_000
    assert "**Left out**" in text
    assert "and 280 more in the same ways" in text
