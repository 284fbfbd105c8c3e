"""Pages of Markdown: in full, made shorter, and harmless whatever the values are."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scene import Scene, activation, audience, query

from reconciler.diagnostics import Diagnostic, Position, Severity
from reconciler.engine.drift import drift
from reconciler.engine.fingerprints import plan_digest
from reconciler.engine.planning import prepare
from reconciler.engine.refresh import refresh
from reconciler.engine.review import reviewed
from reconciler.errors import StalePlan, TdrError
from reconciler.model.policy import PolicySpec
from reconciler.model.resource import Resource
from reconciler.policy.book import book_of
from reconciler.reports import documents
from reconciler.reports import drift as drift_report
from reconciler.reports.characters import block, code, prose
from reconciler.reports.markdown import page

AT = "2026-03-01T00:00:00Z"
HOSTILE = "`@everyone` ``` #12 </pre><script>alert(1)</script> | a --> GH-7 https://evil.example !3 \u202ereversed"


GOLDEN = """\
### Plan for `test`: 1 to create, 3 to update, **1 to delete**, **held by a gate**

Plan `DIGEST`, audiences `acc-1`, exports `td-1`, serial 8 of the state.

**Held by gates**

- `protected`: query/gone is protected, and this plan would delete it
  <br>apply its document with &#96;lifecycle: &#123;protect: false&#125;&#96; first
  <br>if it is meant: <code>--approve protected=DIGEST --reason WHY</code>

**Risks**

- `activation/vip-daily`: `replaces_members`, `starts_egress:phone_plain`

**Data that leaves**

<pre>
  + phone (phone, plain) starts leaving to ads:549700000001, from its next scheduled run on (0 3 * * * UTC)
      by activation/vip-daily
</pre>

**Changes** (4)

| | resource | | fields | origin |
|---|---|---|---|---|
| - | `query/gone` | delete |  | config |
| ~ | `activation/vip-daily` | update in place | `sql` | config |
| ~ | `query/a` | update in place | `sql` | config |
| + | `query/new` | create | 2 new | config |

<details><summary><code>activation/vip-daily</code> update in place</summary>

<pre>
~ activation/vip-daily                           update in place  [config_changed]
    risk: replaces_members
    resolved to REPLACE: audience 501 'VIP' exists
  ~ sql                    "SELECT email FROM buyers" → "SELECT email, phone FROM buyers"
</pre>

</details>

<details><summary><code>query/a</code> update in place</summary>

<pre>
~ query/a                                        update in place  [config_changed]
  ~ sql                    "SELECT 1" → "SELECT 3"
</pre>

</details>

<details><summary><code>query/new</code> create</summary>

<pre>
+ query/new                                      create           [not_yet_created]
  + database               "shop"
  + sql                    "SELECT 1"
</pre>

</details>

**Not caused by this change** (1)

| | resource | | fields | origin |
|---|---|---|---|---|
| ~ | `query/b` | update in place | `sql` | drift |

<details><summary><code>query/b</code> update in place</summary>

<pre>
~ query/b                                        update in place  [drift]
  ~ sql                    "SELECT 2" → "SELECT 1"   [drift]
</pre>

</details>

**Warnings**

<pre>
warning: query/new looks like query/gone under another name, and would be made while query/gone goes
    if it is the same, add these lines to a file of the manifests:
      ---
      apiVersion: tdr/v1
      kind: Transitions
      moved:
      - {from: query/gone, to: query/new}
</pre>
"""


def planned(scene: Scene, *resources: Resource) -> dict[str, Any]:
    world = scene.world(*resources)
    prepared = reviewed(world, prepare(world, scene.store().read()), book_of(PolicySpec(), PolicySpec()))
    document: dict[str, Any] = documents.plan_document(prepared, plan_digest(world, prepared), AT, world.fingerprint)
    return document


def shown(document: dict[str, Any], max_chars: int | None = None, *, verbose: bool = False) -> str:
    return page(document, verbose=verbose, max_chars=max_chars)


def test_a_plan_with_something_of_everything_reads_as_a_comment(scene: Scene) -> None:
    held = {"protect": True}
    scene.apply(audience(), activation(), query("a"), query("b"), query("gone", lifecycle=held))
    scene.exports.objects["b"]["sql"] = "SELECT 2"
    more = activation(sql="SELECT email, phone FROM buyers")

    document = planned(scene, audience(), more, query("a", sql="SELECT 3"), query("b"), query("new"))

    digest = document["plan_digest"]
    assert shown(document) == GOLDEN.replace("DIGEST", digest)


def test_a_page_of_no_changes_is_two_lines(scene: Scene) -> None:
    scene.apply(query("q"))
    document = planned(scene, query("q"))

    assert shown(document) == (
        f"### Plan for `test`: no changes\n\nPlan `{document['plan_digest']}`, exports `td-1`, serial 2 of the state.\n"
    )


def crowd(count: int) -> dict[str, Any]:
    """A plan with *count* resources of each kind of change, a gate, a risk, notes and warnings."""
    field = {
        "path": "/sql",
        "before": "SELECT 1",
        "after": "SELECT 2\n" * 9,
        "origin": "config",
        "sensitive": False,
        "unknown": False,
    }
    changes = [
        {
            "address": f"query/{action}-{number:04}",
            "order": 1,
            "actions": [action],
            "reason": "config_changed",
            "origin": None if action in {"noop", "undecided"} else "config",
            "id": "7",
            "source": "manifests/a.yaml:3",
            "depends_on": [],
            "fields": [] if action in {"noop", "delete", "undecided"} else [field],
            "risk": ["irreversible"] if action == "replace" else [],
            **({"note": f"filling {number}"} if action == "noop" else {}),
            **({"note": "no access"} if action == "undecided" else {}),
        }
        for action in ("create", "update", "delete", "replace", "noop", "adopt", "undecided")
        for number in range(count)
    ]
    gate = {"rule": "deletes", "message": f"{count} deletes", "addresses": [], "hint": "look", "approve": "--approve x"}
    warning = {"rule": "w", "severity": "warning", "message": "odd", "hint": "", "file": None}
    return {
        "format": "tdr.plan",
        "environment": "prod",
        "complete": True,
        "base": {"accounts": {"td": "1"}, "serial": 3},
        "plan_digest": "sha256:" + "0" * 64,
        "summary": {},
        "gates": [gate],
        "warnings": [warning],
        "changes": changes,
    }


def short(document: dict[str, Any], max_chars: int | None) -> str | None:
    """The page; None when what must be seen is longer."""
    try:
        return shown(document, max_chars)
    except TdrError as error:
        needed = int(re.findall(r"what must not be left out takes (\d+) characters", error.message)[0])
        # So long it is with everything else left out, and there it does fit.
        assert max_chars is not None
        assert max_chars < needed
        assert len(shown(document, needed)) <= needed
        return None


CUTS = [
    "lines about what stays as it is",
    "the fields of 30 resources to create",
    "the fields of 60 other resources",
    "the names of 90 resources and the warnings",
    "counts by kind",
    "the fields of 30 resources to replace",
]


def test_what_is_left_out_goes_in_order_and_is_named() -> None:
    document = crowd(30)
    seen: list[list[str]] = []
    size: int | None = None
    while (text := short(document, size)) is not None:
        cut = [cut for cut in CUTS if cut in text.rpartition("**Left out**")[2]]
        if cut not in seen:
            seen.append(cut)
        size = len(text) - 1
    assert seen == [CUTS[:count] for count in range(len(CUTS) + 1)]


def test_counts_by_kind_stand_in_for_names() -> None:
    document = crowd(30)
    text = next(text for size in range(30_000, 0, -200) if CUTS[3] in (text := shown(document, size)))

    assert "- create: 30 query\n- update in place: 30 query\n" in text.replace("- adopt: 30 query\n", "")
    assert "query/create-0001" not in text


@given(count=st.integers(0, 25), max_chars=st.integers(1, 20_000))
def test_a_page_fits_and_lacks_nothing_that_must_be_seen(count: int, max_chars: int) -> None:
    document = crowd(count)
    text = short(document, max_chars)
    if text is None:
        return

    assert len(text) <= max_chars
    for change in document["changes"]:
        if change["actions"][0] in {"delete", "replace", "undecided"}:
            assert f"`{change['address']}`" in text
    assert text.count("`irreversible`") == count
    assert "- `deletes`: " in text
    assert ("**Left out**" in text) == (len(shown(document)) > max_chars)


@pytest.mark.parametrize("where", ["name", "gate", "hint", "warning", "field", "account", "note"])
def test_a_value_mentions_nobody_and_breaks_out_of_nothing(where: str) -> None:
    document: dict[str, Any] = json.loads(json.dumps(crowd(1)))
    update = next(one for one in document["changes"] if one["actions"] == ["update"])
    match where:
        case "name":
            update["made_by"] = HOSTILE
        case "gate":
            document["gates"][0]["message"] = HOSTILE
        case "hint":
            document["gates"][0]["hint"] = HOSTILE
        case "warning":
            document["warnings"][0]["message"] = HOSTILE
        case "field":
            update["fields"][0] |= {"before": None, "after": HOSTILE, "path": f"/{HOSTILE.replace('/', '')}"}
        case "account":
            document["base"]["accounts"] = {HOSTILE: HOSTILE}
        case _:
            update["note"] = HOSTILE

    text = shown(document)

    assert "everyone" in text, "it is there, as text"
    harmless(text)
    assert text.count("<pre>") == text.count("</pre>")
    assert text.count("<details>") == text.count("</details>")


def harmless(text: str) -> None:
    """Nothing but our own tags and code; and outside of code, what a reader sees mentions, refers and links to nothing."""
    for forbidden in ("@", "```", "\u202e"):
        assert forbidden not in text
    tags = re.compile(r"</?(pre|code|details|summary|br)>")
    assert "<" not in tags.sub("", text)
    outside = html.unescape(re.sub(r"<pre>.*?</pre>|<code>.*?</code>|`[^`\n]*`", "", text, flags=re.DOTALL))
    for forbidden in ("@everyone", "#12", "GH-7", "!3", "https://evil"):
        assert forbidden not in outside


TEXTS = st.text(st.sampled_from("`@#<>|&*_[]!~$%^\\'\"/:. \n\tab1花-") | st.characters(codec="utf-8"), max_size=60)


@given(TEXTS)
def test_no_text_can_be_more_than_text(text: str) -> None:
    for made, marks in (
        (prose(text), "`@<>|*_[]!~$^\\{}"),
        (code(text), "`@<>|*_[]!~$^\\{}"),
        (block([text]).removeprefix("<pre>\n").removesuffix("\n</pre>"), "`@<>|"),
    ):
        if re.fullmatch(r"`[\w.:/-]+`", made):
            continue
        bare = made.removeprefix("<code>").removesuffix("</code>")
        assert not set(marks) & set(bare)
        assert re.sub(r"&#\d+;", "", bare).count("#") == 0
        assert re.sub(r"&#\d+;", "", bare).count("&") == 0
    assert "\n" not in prose(text)
    assert "\n" not in code(text)


def test_drift_reads_as_an_issue(scene: Scene) -> None:
    scene.apply(query("a"), query("b"), query("c"), audience(), activation())
    scene.exports.objects["a"]["sql"] = f"SELECT '{HOSTILE}'"
    del scene.exports.objects["b"]
    world = scene.world(query("a"))
    state = scene.store().read().state
    report = drift(world, state, refresh(world, state, {}))
    document: dict[str, Any] = drift_report.document(report, "test", AT)

    text = shown(document)

    assert text.startswith(
        "### Drift of `test`: 3 in sync, **1 drifted**, **1 missing**\n"
        "\n"
        f"Digest `{document['digest']}`.\n"
        "\n"
        "| | resource | | fields | written at |\n"
        "|---|---|---|---|---|\n"
        "| - | `query/b` | missing"
    )
    assert "| ~ | `query/a` | drifted | `sql` |" in text
    harmless(text)
    short = shown(document, len(text) - 1)
    assert short.endswith("**Left out** to make it short enough: the fields of 1 resource.\n")
    assert "`query/b`" in short


def test_findings_and_failures_have_pages() -> None:
    finding = Diagnostic(
        "unknown-key", f"{HOSTILE} is not known", Severity.ERROR, Position("a.yaml", 3, 5), frame="crom: 1\n^"
    )
    notice = Diagnostic("odd", "odd " * 50, Severity.NOTICE)
    found: dict[str, Any] = documents.validation_document((finding, notice), AT)

    text = shown(found)
    assert text.startswith("### Manifests: **1 error**\n\n<pre>\nerror[unknown-key]: ")
    harmless(text)
    assert shown(found, len(text) - 1).endswith("enough: 1 warning.\n")

    failed: dict[str, Any] = documents.error_document("tdr apply", StalePlan("too old", hint="plan again"), 4, AT)
    assert shown(failed) == "### tdr apply failed, exit code 4\n\ntoo old\n\nplan again\n"


def result(address: str, status: str, message: str = "", hint: str = "") -> dict[str, str]:
    return {"address": address, "action": "create", "status": status, "message": message, "hint": hint}


RUN: dict[str, Any] = {
    "format": "tdr.run",
    "environment": "prod",
    "plan_digest": "sha256:0",
    "run": "568b8b9e918a",
    "exit_code": 6,
    "interrupted": True,
    "summary": {"done": 2, "failed": 1, "skipped": 1, "unknown": 1},
    "approvals": [{"rule": "deletes", "who": "jo@host", "reason": "it is meant"}],
    "results": [
        result("query/a", "done"),
        result("query/b", "done"),
        result("query/c", "failed", "query/c: 400 no such column", "look at the column"),
        result("query/d", "skipped", "needs query/c, which failed"),
        result("query/e", "unknown", "no answer"),
    ],
    "unsettled": ["query/a: /cron sent '@daily', came back ''"],
}


def test_a_run_reads_as_what_failed_and_then_what_was_done() -> None:
    assert shown(RUN) == (
        "### Apply to `prod` interrupted: 2 done, **1 failed**, 1 skipped, **1 unknown**\n"
        "\n"
        "Plan `sha256:0`, run `568b8b9e918a`, exit code 6.\n"
        "\n"
        "Approved: `deletes` by jo&#64;&#8203;host: it is meant\n"
        "\n"
        "**Failed** (1)\n"
        "\n"
        "- `query/c` (create): 400 no such column\n"
        "  <br>look at the column\n"
        "\n"
        "**Unknown: the next run looks before it does anything** (1)\n"
        "\n"
        "- `query/e` (create): no answer\n"
        "\n"
        "**Skipped** (1)\n"
        "\n"
        "- `query/d` (create): needs query/c, which failed\n"
        "\n"
        "**Does not settle**\n"
        "\n"
        "<pre>\n"
        "query/a: /cron sent '&#64;daily', came back ''\n"
        "</pre>\n"
        "\n"
        "<details><summary>Done (2)</summary>\n"
        "\n"
        "<pre>\n"
        "create     query/a\n"
        "create     query/b\n"
        "</pre>\n"
        "\n"
        "</details>\n"
    )


def test_a_run_that_is_too_long_keeps_what_failed() -> None:
    crowded = RUN | {
        "summary": {"done": 40, "failed": 2, "skipped": 40},
        "results": [
            *(result(f"query/done-{number}", "done") for number in range(40)),
            *(result(f"query/failed-{number}", "failed", "no") for number in range(2)),
            *(result(f"query/skipped-{number}", "skipped", "needs another") for number in range(40)),
        ],
    }

    full = shown(crowded)
    first = shown(crowded, len(full) - 1)
    second = shown(crowded, len(first) - 1)

    assert "query/done-7" not in first
    assert "query/skipped-7" in first
    assert "**Left out** to make it short enough: the names of 40 resources that were done.\n" in first
    assert "query/skipped-7" not in second
    for page_ in (first, second):
        assert "`query/failed-0`" in page_
        assert "`query/failed-1`" in page_
        assert "came back" in page_


def test_any_other_document_is_its_text_in_a_block_and_may_be_cut() -> None:
    rows = [{"name": f"<{number}>", "size": number} for number in range(100)]
    document = {"format": "tdr.state_list", "environment": "prod", "rows": rows}

    assert shown(document).startswith("### State list\n\n<pre>\nenvironment: prod\n")
    assert "&#60;99&#62;" in shown(document)
    assert shown(document, 700).endswith("</pre>\n\n**Left out** to make it short enough: the last 82 lines.\n")
