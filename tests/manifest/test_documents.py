"""Documents: envelope, kinds, types, and every mistake in its place."""

from __future__ import annotations

import pytest
from manifest_texts import CONNECTION, Load, Refusals, brief, query

from reconciler.diagnostics import Diagnostic
from reconciler.model.address import Address
from reconciler.model.kinds import QuerySpec
from reconciler.model.queries import Engine
from reconciler.model.resource import Origin
from reconciler.model.spec import Adopt, Lifecycle, OnDelete
from reconciler.model.timing import Timing

AUDIENCE = """\
apiVersion: tdr/v1
kind: Audience
metadata: {name: vip, labels: {team: growth}}
spec: {connection: pinterest-main, ad_account_id: 0547, title: VIP}
lifecycle: {protect: yes, adopt: always, on_delete: forget, ignore: [/description]}
"""


def test_a_document_becomes_a_typed_resource(loaded: Load) -> None:
    text = query("sql: select 1\nengine: hive\npriority: -1\nschedule: {cron: '0 3 * * *', delay: 10m}")
    found = loaded({"manifests/a/b.yml": AUDIENCE + "---\n" + CONNECTION, "manifests/m.yaml": text})
    assert [str(address) for address in found.resources] == ["audience/vip", "connection/pinterest-main", "query/q"]
    resource = found.resources[Address("query", "q")]
    assert resource.spec == QuerySpec(
        database="shop",
        sql="select 1",
        engine=Engine.HIVE,
        priority=-1,
        schedule=Timing(cron="0 3 * * *", delay=600),
    )
    assert (resource.origin, resource.lifecycle, resource.references) == (
        Origin("manifests/m.yaml", 0),
        Lifecycle(),
        (),
    )
    audience = found.resources[Address("audience", "vip")]
    assert audience.labels == {"team": "growth"}
    assert audience.lifecycle == Lifecycle(
        protect=True, adopt=Adopt.ALWAYS, on_delete=OnDelete.FORGET, ignore=("/description",)
    )


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("- x", ["not-a-document m.yaml:1:1 a document must be a mapping"]),
        ("text", ["not-a-document m.yaml:1:1 a document must be a mapping"]),
        ("kind: Qery", ["unknown-kind m.yaml:1:7 there is no kind 'Qery'"]),
        (
            "kind: [x]\na: 1",
            ["unknown-key m.yaml:2:1 key `a` is not known here", "missing-key m.yaml:1:1 `kind` is missing"],
        ),
        ("knid: Query\nspec: {}", ["unknown-key m.yaml:1:1 key `knid` is not known here"]),
        ("spec: {}", ["missing-key m.yaml:1:1 `kind` is missing"]),
        (
            "kind: Database",
            [
                "missing-key m.yaml:1:1 `apiVersion` is missing",
                "missing-key m.yaml:1:1 `metadata` is missing",
                "missing-key m.yaml:1:1 `spec` is missing",
            ],
        ),
        (
            "apiVersion: tdr/v2\nkind: Database\nmetadata: {name: Shop}\nspec:\nlifecycle: {protect: maybe, adpot: ask}",
            [
                "unknown-value m.yaml:1:13 `apiVersion` must be tdr/v1: 'tdr/v2'",
                (
                    "invalid-value m.yaml:3:18 `metadata.name` must be lower-case letters, digits, `-`, `_` and `.`, "
                    "with a letter or digit first and last, 120 characters at most: 'Shop'"
                ),
                "empty-value m.yaml:4:1 `spec` has no value",
                "wrong-type m.yaml:5:22 `lifecycle.protect` must be true or false: 'maybe'",
                "unknown-key m.yaml:5:29 key `adpot` is not known here",
            ],
        ),
        (
            query("sql: select 1\npriority: 3"),
            ["invalid-value m.yaml:7:13 `spec.priority` should be less than or equal to 2: '3'"],
        ),
        (
            query("sql: select 1\npriority: high"),
            ["wrong-type m.yaml:7:13 `spec.priority` must be a whole number: 'high'"],
        ),
        (query("sql: select 1\npriority:"), []),
        (query("sql: select 1\nengine:"), ["empty-value m.yaml:7:3 `spec.engine` has no value"]),
        (query("sql: [select 1]"), ["wrong-type m.yaml:6:8 `spec.sql` must be text"]),
        (query("name: x"), ["invalid-value m.yaml:5:3 `spec` needs `sql` or `file`"]),
        (
            query("sql: select 1\nengine: presto"),
            ["unknown-value m.yaml:7:11 `spec.engine` must be one of trino, hive: 'presto'"],
        ),
        (query("sql: select 1\nschedule: [x]"), ["wrong-type m.yaml:7:13 `spec.schedule` must be text or a mapping"]),
        (
            query("sql: select 1\nschedule: {crn: x, delay: soon}"),
            [
                "unknown-key m.yaml:7:14 key `crn` is not known here",
                "wrong-type m.yaml:7:29 `spec.schedule.delay` must be a whole number: 'soon'",
            ],
        ),
        (query('sql: select 1\nname: "a\\tb"'), ["invalid-value m.yaml:7:9 `spec.name` contains a control character"]),
    ],
)
def test_every_mistake_of_a_document_has_its_place(
    document: str, expected: list[str], refused: Refusals, loaded: Load
) -> None:
    files = {"manifests/m.yaml": document}
    if not expected:
        assert loaded(files).resources
        return
    problems = [problem for problem in refused(files) if problem.is_error]
    assert sorted(brief(problems)) == sorted(entry.replace(" m.yaml", " manifests/m.yaml") for entry in expected)


def test_a_mistake_inside_a_list_and_inside_an_alias_is_found(refused: Refusals) -> None:
    text = """\
apiVersion: tdr/v1
kind: Table
metadata: {name: t}
spec:
  database: shop
  columns:
    - &c {name: ok, type: strin}
    - {<<: *c, name: Bad}
    - *c
"""
    assert brief(refused({"manifests/m.yaml": text})) == [
        (
            "invalid-value manifests/m.yaml:7:27 `spec.columns.0.type` must be "
            "string, int, long, float, double, array<…> or map<…>: 'strin'"
        ),
        (
            "invalid-value manifests/m.yaml:7:27 `spec.columns.1.type` must be "
            "string, int, long, float, double, array<…> or map<…>: 'strin'"
        ),
        (
            "invalid-value manifests/m.yaml:7:27 `spec.columns.2.type` must be "
            "string, int, long, float, double, array<…> or map<…>: 'strin'"
        ),
        (
            "invalid-value manifests/m.yaml:8:22 `spec.columns.1.name` must be lower-case letters, digits and `_`, "
            "with no digit first: 'Bad'"
        ),
    ]


def test_problems_of_all_files_come_in_reading_order(refused: Refusals) -> None:
    files = {
        "manifests/b.yaml": query("sql: select 1\nengine: x") + "---\n" + query("sql: select 1\nengine: y", "r"),
        "manifests/a.yaml": "a: @x\n---\n" + query("sql: select 1\nfoo: x", "s"),
        "manifests/c/d.yml": b"\xff",
    }
    assert [f"{d.rule} {d.position}" for d in refused(files)] == [
        "needs-quotes manifests/a.yaml:1:4",
        "unknown-key manifests/a.yaml:9:3",
        "unknown-value manifests/b.yaml:7:11",
        "unknown-value manifests/b.yaml:15:11",
        "not-utf-8 manifests/c/d.yml:1:1",
    ]


def test_a_finding_is_complete(refused: Refusals) -> None:
    (problem,) = refused({"manifests/m.yaml": query("sql: select 1\nretry_limt: 3")})
    assert problem == Diagnostic(
        "unknown-key",
        "key `retry_limt` is not known here",
        position=problem.position,
        subject="query/q",
        path="/spec/retry_limt",
        hint="did you mean `retry_limit`?",
        frame="  retry_limt: 3\n  ^",
    )
    assert str(problem.position) == "manifests/m.yaml:7:3"


def test_a_name_is_unique_among_documents_of_its_kind(refused: Refusals, loaded: Load) -> None:
    database = "apiVersion: tdr/v1\nkind: Database\nmetadata: {name: q}\nspec: {}\n"
    assert len(loaded({"manifests/a.yaml": query("sql: select 1"), "manifests/b.yaml": database}).resources) == 2
    (problem,) = refused({"manifests/c.yaml": database + "---\n" + query("sql: select 2")})[:1]
    assert (problem.rule, str(problem.position), problem.message) == (
        "duplicate-address",
        "manifests/c.yaml:3:18",
        "`database/q` is declared twice: at manifests/b.yaml:3:18 and here",
    )


def test_no_manifests_at_all_is_an_error(refused: Refusals) -> None:
    message = "no manifests found: no *.yaml or *.yml below `manifests` holds a document"
    assert brief(refused({})) == [f"no-manifests manifests:1:1 {message}"]
    assert brief(refused({"manifests/empty.yaml": "# nothing\n"})) == [f"no-manifests manifests:1:1 {message}"]


def test_only_yaml_files_that_are_not_hidden_are_read(loaded: Load) -> None:
    files = {
        "manifests/a.yaml": query("sql: select 1"),
        "manifests/.b.yaml": "@",
        "manifests/.git/c.yaml": "@",
        "manifests/d.json": "@",
        "manifests/e.yaml~": "@",
        "other/f.yaml": "@",
    }
    assert [str(address) for address in loaded(files).resources] == ["query/q"]
