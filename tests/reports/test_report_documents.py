"""Documents and their texts, in full."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from scene import Scene, activation, audience, query, secret

from reconciler.diagnostics import Diagnostic, Position, Severity
from reconciler.engine.drift import drift
from reconciler.engine.fingerprints import plan_digest
from reconciler.engine.planning import prepare
from reconciler.engine.refresh import refresh
from reconciler.engine.review import reviewed
from reconciler.model.policy import PolicySpec
from reconciler.model.resource import Resource
from reconciler.policy.book import book_of
from reconciler.reports import documents, text
from reconciler.reports import drift as drift_report
from reconciler.reports.collections import entries_that_differ

AT = "2026-03-01T00:00:00Z"
SCHEMAS = files("reconciler.reports") / "schemas"


def valid(document: dict[str, Any]) -> dict[str, Any]:
    """*document* after a trip through JSON, held against the schema that is shipped for it."""
    name = str(document["format"]).removeprefix("tdr.")
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    travelled: dict[str, Any] = json.loads(json.dumps(document))
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(travelled)
    return travelled


def plan_of(scene: Scene, *resources: Resource) -> dict[str, Any]:
    world = scene.world(*resources)
    prepared = prepare(world, scene.store().read())
    return valid(documents.plan_document(prepared, plan_digest(world, prepared), AT))


def test_a_first_plan_reads_as_what_will_happen(scene: Scene) -> None:
    document = plan_of(scene, audience(description="Best"), activation())

    assert text.plan(document) == (
        "Environment test (audiences acc-1, exports td-1)\n"
        f"Plan {document['plan_digest']}, from serial 0 of the state\n"
        "+ activation/vip-daily                           create           [not_yet_created]\n"
        "    resolved to CREATE: no audience 'VIP'; its first run makes it\n"
        "      1. write the export in create mode, schedule off\n"
        "      2. run it once and wait\n"
        "      3. find the audience and verify it\n"
        "      4. write the export in update mode, schedule on\n"
        '  + cron                   "0 3 * * *"\n'
        '  + export.action          "REPLACE"\n'
        "  + export.id_replace      (known after audience/vip)\n"
        "  + export.token           (secret set)\n"
        '  + sql                    "SELECT email FROM buyers"\n'
        "\n"
        "+ audience/vip                                   create           [not_yet_created]"
        "  by the first run of activation/vip-daily\n"
        '  + account                "549700000001"\n'
        '  + description            "Best"\n'
        '  + title                  "VIP"\n'
        "\n"
        f"Plan: 2 to create, 0 to update, 0 to delete. {document['plan_digest'][:15]}\n"
    )


def test_data_that_starts_or_stops_leaving_stands_before_the_changes(scene: Scene) -> None:
    scene.apply(audience(), activation())
    world = scene.world(audience(), activation(sql="SELECT phone, to_hex(md5(email)) AS email FROM buyers"))
    book = book_of(PolicySpec(), PolicySpec())
    prepared = reviewed(world, prepare(world, scene.store().read()), book)
    digest = plan_digest(world, prepared)
    document = valid(documents.plan_document(prepared, digest, AT, world.fingerprint))

    assert document["egress"] == [
        {
            "activation": "activation/vip-daily",
            "destination": "ads:549700000001",
            "change": "changes",
            "column": "email",
            "pii": "email",
            "hashing": "md5",
            "before": {"column": "email", "pii": "email", "hashing": "sha256"},
            "effective": "from its next scheduled run on (0 3 * * * UTC)",
        },
        {
            "activation": "activation/vip-daily",
            "destination": "ads:549700000001",
            "change": "starts",
            "column": "phone",
            "pii": "phone",
            "hashing": None,
            "before": None,
            "effective": "from its next scheduled run on (0 3 * * * UTC)",
        },
    ]
    assert document["changes"][0]["risk"] == [
        "changes_egress:email_md5",
        "replaces_members",
        "starts_egress:phone_plain",
    ]
    assert text.plan(document) == (
        "Environment test (audiences acc-1, exports td-1)\n"
        f"Plan {digest}, from serial 5 of the state\n"
        "Data that leaves:\n"
        "  ~ email (email, sha256) → email (email, md5) changes leaving to ads:549700000001,"
        " from its next scheduled run on (0 3 * * * UTC)\n"
        "      by activation/vip-daily\n"
        "  + phone (phone, plain) starts leaving to ads:549700000001, from its next scheduled run on (0 3 * * * UTC)\n"
        "      by activation/vip-daily\n"
        "\n"
        "~ activation/vip-daily                           update in place  [config_changed]\n"
        "    risk: replaces_members\n"
        "    resolved to REPLACE: audience 501 'VIP' exists\n"
        '  ~ sql                    "SELECT email FROM buyers" → '
        '"SELECT phone, to_hex(md5(email)) AS email FROM buyers"\n'
        "\n"
        f"Plan: 0 to create, 1 to update, 0 to delete. {digest[:15]}\n"
    )


def test_a_secret_is_told_by_its_reference_and_fingerprint(scene: Scene) -> None:
    world = scene.world(audience(), activation())
    prepared = prepare(world, scene.store().read())

    document = valid(documents.plan_document(prepared, plan_digest(world, prepared), AT, world.fingerprint))

    told = document["changes"][0]["secrets"]
    assert told == [
        {
            "path": "/export/token",
            "reference": "env:TOKEN",
            "fingerprint": world.fingerprint(secret(), "/export/token"),
        }
    ]
    assert "FAKE-token" not in json.dumps(document)


def test_a_plan_with_nothing_to_do_is_one_line(scene: Scene) -> None:
    scene.apply(query("q"))

    assert text.plan(plan_of(scene, query("q"))) == (
        "Environment test (exports td-1)\nNo changes. 1 resource as declared.\n"
    )


def test_what_both_sides_left_is_shown_with_what_was_applied(scene: Scene) -> None:
    scene.apply(query("a", sql="SELECT 1"), query("b", sql="SELECT 1\nFROM a"))
    scene.exports.objects["a"]["sql"] = "SELECT 2"
    scene.exports.objects["b"]["sql"] = "SELECT 2\nFROM a"

    document = valid(plan_of(scene, query("a", sql="SELECT 3"), query("b", sql="SELECT 3\nFROM a")))

    assert [change["fields"][0]["applied"] for change in document["changes"]] == ["SELECT 1", "SELECT 1\nFROM a"]
    told = text.plan(document).splitlines()
    assert [line.strip() for line in told if "conflict" in line] == [
        'conflict: the vendor and the manifest both left what was last applied, "SELECT 1"',
        "conflict: the vendor and the manifest both left what was last applied; `tdr explain` shows all three",
    ]
    assert document["origins"] == {"config_and_drift": 2}


def test_what_is_gone_comes_from_the_vendor_and_what_is_new_from_the_manifests(scene: Scene) -> None:
    scene.apply(query("a"), query("b"))
    scene.exports.objects.clear()

    document = plan_of(scene, query("a"), query("c"))

    assert {change["address"]: change["reason"] for change in document["changes"]} == {
        "query/a": "missing_remotely",
        "query/b": "gone",
        "query/c": "not_yet_created",
    }
    assert document["origins"] == {"config": 1, "drift": 2}


def test_what_stays_is_named_when_asked_for_even_if_nothing_changes(scene: Scene) -> None:
    scene.apply(query("a"), query("b"))

    assert text.plan(plan_of(scene, query("a"), query("b")), verbose=True) == (
        "Environment test (exports td-1)\n"
        "No changes. 2 resources as declared.\n"
        "  query/a  unchanged\n"
        "  query/b  unchanged\n"
        "Requests: audiences 0, exports 1\n"
    )


def test_drift_and_a_held_delete_stand_out(scene: Scene) -> None:
    scene.apply(query("a", lifecycle={"protect": True}), query("b"))
    scene.exports.objects["b"]["sql"] = "SELECT 2"

    document = plan_of(scene, query("b"))

    assert text.plan(document) == (
        "Environment test (exports td-1)\n"
        f"Plan {document['plan_digest']}, from serial 3 of the state\n"
        "! protected: query/a is protected, and this plan would delete it\n"
        "    apply its document with `lifecycle: {protect: false}` first\n"
        f"    or, if it is meant: --approve protected={document['plan_digest']} --reason WHY\n"
        "\n"
        "- query/a                                        delete           [not_in_config]\n"
        "\n"
        "~ query/b                                        update in place  [drift]\n"
        '  ~ sql                    "SELECT 2" → "SELECT 1"   [drift]\n'
        "\n"
        f"Plan: 0 to create, 1 to update, 1 to delete. 1 from config, 1 from drift. {document['plan_digest'][:15]}\n"
    )


def test_one_line_of_a_long_query_shows_with_a_few_around_it(scene: Scene) -> None:
    lines = [f"  column_{number}," for number in range(700)]
    before = "SELECT\n" + "\n".join(lines)
    after = before.replace("column_411,", "column_four_one_one,")
    scene.apply(query("q", sql=before))

    shown = text.plan(plan_of(scene, query("q", sql=after)))

    assert "-  column_411,\n" in shown
    assert "+  column_four_one_one,\n" in shown
    assert len(shown.splitlines()) < 20


def test_documents_are_the_same_bytes_for_the_same_facts(scene: Scene) -> None:
    documents_ = (audience(), activation(), query("q"))

    one = json.dumps(plan_of(scene, *documents_))
    other = json.dumps(plan_of(scene, *reversed(documents_)))

    assert one == other


def test_a_secret_never_reaches_a_document(scene: Scene) -> None:
    document = plan_of(scene, audience(), activation())

    assert "FAKE-token" not in json.dumps(document)
    assert '"before": null, "after": "(secret)"' in json.dumps(document)


def test_the_plan_digest_follows_the_operations_and_nothing_else(scene: Scene) -> None:
    one = plan_of(scene, query("q"))["plan_digest"]
    scene.clock.sleep(1000)

    assert plan_of(scene, query("q"))["plan_digest"] == one
    assert plan_of(scene, query("q", sql="SELECT 2"))["plan_digest"] != one


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        (lambda vendor: None, "in_sync"),
        (lambda vendor: vendor["q"].update(sql="x"), "drifted"),
        (lambda vendor: vendor.clear(), "missing"),
    ],
    ids=["untouched", "changed", "deleted"],
)
def test_drift_says_what_moved(scene: Scene, change: Any, verdict: str) -> None:
    scene.apply(query("q"))
    change(scene.exports.objects)
    world = scene.world(query("q"))
    state = scene.store().read().state

    report = drift(world, state, refresh(world, state, {}))

    document = valid(drift_report.document(report, "test", AT))
    assert [entry["verdict"] for entry in document["resources"]] == [verdict]
    assert document["clean"] is (verdict == "in_sync")
    assert document["complete"] is True


def test_a_scan_that_could_not_read_is_never_clean(scene: Scene) -> None:
    scene.apply(query("q"))
    scene.exports.denied = True
    world = scene.world(query("q"))
    state = scene.store().read().state

    report = drift(world, state, refresh(world, state, {}))

    assert (report.is_clean, report.is_complete) == (False, False)
    assert drift_report.text(valid(drift_report.document(report, "test", AT))) == (
        "Environment test\n"
        "? query/q                                        unknown  no access\n"
        "Drift: 1 unknown. sha256:4f53cda1\n"
    )


def test_findings_show_place_line_and_what_to_write() -> None:
    finding = Diagnostic(
        rule="unknown-key",
        message="`crom` is not known",
        severity=Severity.ERROR,
        position=Position("manifests/a.yaml", 3, 5),
        path="/spec/crom",
        hint="did you mean `cron`?",
        frame='crom: "0 3 * * *"\n^^^^',
    )

    document = valid(documents.validation_document((finding,), AT))

    assert text.validation(document) == (
        "error[unknown-key]: `crom` is not known\n"
        "  --> manifests/a.yaml:3:5\n"
        '   | crom: "0 3 * * *"\n'
        "   | ^^^^\n"
        "  hint: did you mean `cron`?\n"
        "\n"
        "1 error in the manifests.\n"
    )


def test_every_document_has_a_schema_that_is_one() -> None:
    names = sorted(path.name for path in SCHEMAS.iterdir() if path.name.endswith(".json"))

    assert len(names) >= 11
    for name in names:
        schema = json.loads((SCHEMAS / name).read_text(encoding="utf-8"))
        Draft202012Validator.check_schema(schema)
        assert schema["properties"]["format"] == {"const": f"tdr.{name.removesuffix('.json')}"}


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ([["id", "string"], ["n", "long"]], [["x", "int"], ["id", "string"], ["n", "long"]], ['+ 1: ["x", "int"]']),
        ([["id", "string"], ["n", "long"]], [["id", "string"], ["n", "int"]], ['~ 2: ["n", "long"] → ["n", "int"]']),
        (["a", "b", "c"], ["a", "c"], ['- 2: "b"']),
        (["a", "b"], ["b", "a"], ['~ 1: "a" → "b"', '~ 2: "b" → "a"']),
        ([], ["花子"], ['+ 1: "花子"']),
    ],
)
def test_of_two_lists_only_the_entries_that_differ_are_shown(
    before: list[Any], after: list[Any], lines: list[str]
) -> None:
    assert list(entries_that_differ(before, after)) == lines
