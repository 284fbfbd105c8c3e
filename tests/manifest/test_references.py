"""Names that fields give to other resources."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from manifest_texts import CONNECTION, Load, Refusals, brief, query

from reconciler.manifest.references import cycles
from reconciler.model.address import Address
from reconciler.model.resource import Reference

SCHEDULE = "apiVersion: tdr/v1\nkind: Schedule\nmetadata: {name: nightly}\nspec: {cron: '0 3 * * *'}\n"
DATABASE = "apiVersion: tdr/v1\nkind: Database\nmetadata: {name: shop}\nspec: {}\n"
AUDIENCE = (
    "apiVersion: tdr/v1\nkind: Audience\nmetadata: {name: vip}\n"
    "spec: {connection: pinterest-main, ad_account_id: 1, title: VIP}\n"
)
ACTIVATION = """\
apiVersion: tdr/v1
kind: Activation
metadata: {name: daily}
spec:
  from: {query: {database: shop, sql: select 1}}
  to: {audience: vip}
  membership: replace
  schedule: nightly
"""
IMPORT = """\
apiVersion: tdr/v1
kind: Import
metadata: {name: load}
spec:
  from: {type: files, paths: [a.csv], connection: lake}
  to: {database: shop, table: orders}
"""


def references(loaded: Load, address: str, *documents: str) -> list[str]:
    found = loaded({f"manifests/{n}.yaml": text for n, text in enumerate(documents)})
    resource = found.resources[Address.parse(address)]
    return [f"{reference.path} -> {reference.target}" for reference in resource.references]


def test_references_are_found_in_nested_specs_and_sorted(loaded: Load) -> None:
    assert references(loaded, "activation/daily", ACTIVATION, AUDIENCE, CONNECTION, DATABASE, SCHEDULE) == [
        "/spec/from/query/database -> database/shop",
        "/spec/schedule -> schedule/nightly",
        "/spec/to/audience -> audience/vip",
    ]


def test_an_optional_reference_may_name_what_no_document_declares(loaded: Load) -> None:
    assert references(loaded, "activation/daily", ACTIVATION, AUDIENCE, CONNECTION, SCHEDULE) == [
        "/spec/schedule -> schedule/nightly",
        "/spec/to/audience -> audience/vip",
    ]


def test_references_of_an_import_are_those_of_its_kind_of_source(loaded: Load) -> None:
    lake = "apiVersion: tdr/v1\nkind: Connection\nmetadata: {name: lake}\nspec: {type: files}\n"
    assert references(loaded, "import/load", IMPORT, lake, DATABASE) == [
        "/spec/from/connection -> connection/lake",
        "/spec/to/database -> database/shop",
    ]


def test_a_timing_in_place_of_a_name_is_no_reference(loaded: Load) -> None:
    text = query("sql: select 1\nschedule: {cron: '@daily'}")
    assert references(loaded, "query/q", text, SCHEDULE) == []


def test_depends_on_names_each_resource_once(loaded: Load) -> None:
    found = loaded({"manifests/m.yaml": f"{ACTIVATION}---\n{AUDIENCE}---\n{CONNECTION}---\n{DATABASE}---\n{SCHEDULE}"})
    resource = found.resources[Address("activation", "daily")]
    assert resource.depends_on == (
        Address("audience", "vip"),
        Address("database", "shop"),
        Address("schedule", "nightly"),
    )
    assert resource.references[0] == Reference("/spec/from/query/database", Address("database", "shop"))


def test_a_name_without_document_is_an_error_with_a_suggestion(refused: Refusals) -> None:
    text = ACTIVATION.replace("nightly", "nihgtly").replace("audience: vip", "audience: pinterest-main")
    files = {"manifests/a.yaml": text, "manifests/b.yaml": SCHEDULE + "---\n" + CONNECTION}
    problems = refused(files)
    assert brief(problems) == [
        "unresolved-reference manifests/a.yaml:6:18 no audience `pinterest-main` is declared",
        "unresolved-reference manifests/a.yaml:8:13 no schedule `nihgtly` is declared",
    ]
    assert [problem.hint for problem in problems] == [
        "`pinterest-main` is declared as connection, and this field names an audience",
        "did you mean `nightly`?",
    ]
    assert [problem.subject for problem in problems] == ["activation/daily"] * 2


def test_a_document_with_a_mistake_is_declared_all_the_same(refused: Refusals) -> None:
    broken = SCHEDULE.replace("cron:", "crom:")
    problems = refused({"manifests/m.yaml": query("sql: select 1\nschedule: nightly") + "---\n" + broken})
    assert [problem.rule for problem in problems] == ["unknown-key"]


def test_names_are_not_missed_while_a_file_cannot_be_read(refused: Refusals) -> None:
    files = {"manifests/a.yaml": query("sql: select 1\nschedule: nightly"), "manifests/b.yaml": SCHEDULE + "x: @y\n"}
    assert [problem.rule for problem in refused(files)] == ["needs-quotes"]


def a(name: str) -> Address:
    kind, _, rest = name.partition("/")
    return Address(kind, rest)


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        ({}, []),
        ({"x/a": ["y/a"], "y/a": ["z/a"], "z/a": []}, []),
        ({"x/a": ["x/b"], "x/b": ["x/c"], "x/c": []}, []),
        ({"x/a": ["x/a"]}, [["x/a", "x/a"]]),
        ({"x/a": ["x/b"], "x/b": ["x/a"]}, [["x/a", "x/b", "x/a"]]),
        ({"y/c": ["x/b"], "x/b": ["x/a"], "x/a": ["y/c"]}, [["x/a", "y/c", "x/b", "x/a"]]),
        (
            {"x/a": ["x/b"], "x/b": ["x/a"], "y/a": ["y/b"], "y/b": ["y/a"], "z/a": ["x/a", "y/a"]},
            [["x/a", "x/b", "x/a"], ["y/a", "y/b", "y/a"]],
        ),
    ],
)
def test_circles_are_told_with_their_path(edges: dict[str, list[str]], expected: list[list[str]]) -> None:
    found = cycles({a(source): [Reference("/x", a(target)) for target in targets] for source, targets in edges.items()})
    assert sorted([str(step) for step in cycle] for cycle in found) == expected


GRAPHS = st.dictionaries(
    st.integers(0, 8).map(lambda n: Address("x", str(n))),
    st.lists(st.integers(0, 8).map(lambda n: Address("x", str(n))), max_size=3),
)


@given(GRAPHS)
def test_every_circle_is_a_walk_along_edges_back_to_its_start(edges: dict[Address, list[Address]]) -> None:
    for cycle in cycles({source: [Reference("/x", target) for target in targets] for source, targets in edges.items()}):
        assert cycle[0] == cycle[-1]
        assert all(target in edges[source] for source, target in itertools.pairwise(cycle))


@pytest.mark.parametrize(
    ("written", "declared", "near"),
    [
        ("shpo", "shop", "shop"),
        ("custmers", "customers", "customers"),
        ("customer", "customers", "customers"),
        ("web-logs", "web_logs", "web_logs"),
        ("events_2024", "events_2025", ""),
        ("warehouse", "shop", ""),
        ("customers", "customers", ""),
    ],
)
def test_a_name_that_need_not_be_declared_is_noticed_when_it_looks_like_a_declared_one(
    written: str, declared: str, near: str, loaded: Load
) -> None:
    database = f"apiVersion: tdr/v1\nkind: Database\nmetadata: {{name: {declared}}}\nspec: {{}}\n"
    text = query("sql: select 1").replace("database: shop", f"database: {written}")
    notices = loaded({"manifests/m.yaml": f"{text}---\n{database}"}).notices
    assert [(one.rule, str(one.position), one.message, one.hint) for one in notices] == (
        [
            (
                "undeclared-lookalike",
                "manifests/m.yaml:5:13",
                f"no database `{written}` is declared, so one that exists already is meant",
                f"did you mean `{near}`?",
            )
        ]
        if near
        else []
    )
