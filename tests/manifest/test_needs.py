"""`dependsOn`: edges that no field of a spec gives."""

from __future__ import annotations

import pytest
from manifest_texts import CONNECTION, Load, Refusals, brief, query

from reconciler.manifest import Loaded
from reconciler.model.address import Address
from reconciler.model.resource import Reference
from reconciler.model.secret import Secret

AUDIENCE = """\
apiVersion: tdr/v1
kind: Audience
metadata: {name: vip}
spec: {connection: pinterest-main, ad_account_id: "549700000001", title: VIP}
"""
NIGHTLY = "apiVersion: tdr/v1\nkind: Schedule\nmetadata: {name: nightly}\nspec: {cron: '0 3 * * *'}\n"
FIRST, SECOND = Address("query", "first"), Address("query", "second")


def needing(*entries: str, name: str = "second") -> str:
    lines = "".join(f"  - {entry}\n" for entry in entries)
    return query("sql: select 1", name) + f"dependsOn:\n{lines}"


def test_a_document_may_name_what_it_waits_for(loaded: Load) -> None:
    found = loaded(
        {"manifests/m.yaml": f"{query('sql: select 1', 'first')}---\n{needing('query/${var:which}')}"},
        variables={"which": "first"},
    )
    assert found.resources[SECOND].references == (Reference("/dependsOn/0", FIRST),)
    assert found.resources[SECOND].depends_on == (FIRST,)


def test_what_is_not_declared_is_an_error_with_a_suggestion(refused: Refusals) -> None:
    problems = refused(
        {"manifests/m.yaml": f"{query('sql: select 1', 'first')}---\n{needing('query/frist', 'audience/vip')}"}
    )
    assert brief(problems) == [
        "unresolved-reference manifests/m.yaml:15:5 no document declares `query/frist`",
        "unresolved-reference manifests/m.yaml:16:5 no document declares `audience/vip`",
    ]
    assert [problem.hint for problem in problems] == [
        "did you mean `query/first`?",
        "declare `audience/vip` in a document, or remove this entry",
    ]


def test_a_circle_is_told_with_its_path(refused: Refusals) -> None:
    first = needing("query/second", name="first")
    problems = refused({"manifests/m.yaml": f"{first}---\n{needing('query/first')}"})
    assert brief(problems) == [
        ("cycle manifests/m.yaml:8:5 resources name each other in a circle: query/first -> query/second -> query/first")
    ]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            needing("Query/First"),
            (
                "invalid-value manifests/m.yaml:8:5 `dependsOn.0` must be an address, kind/name in lower case such as "
                "audience/spring-buyers: 'Query/First'"
            ),
        ),
        (
            needing("schedule/nightly"),
            "wrong-kind manifests/m.yaml:8:5 `schedule/nightly` is nothing at any vendor, so there is nothing to wait for",
        ),
        (
            NIGHTLY.replace("nightly", "daily") + "dependsOn: [query/x]\n",
            "wrong-kind manifests/m.yaml:5:12 `schedule/daily` is nothing at any vendor, so it waits for nothing",
        ),
        (
            AUDIENCE + "dependsOn: [connection/pinterest-main]\n",
            (
                "wrong-kind manifests/m.yaml:5:13 `audience/vip` is managed through one connection, "
                "and `connection/pinterest-main` stands beside it"
            ),
        ),
        (
            query("sql: select 1") + "depends_on: [query/x]\n",
            "unknown-key manifests/m.yaml:7:1 key `depends_on` is not known here",
        ),
    ],
)
def test_an_entry_that_cannot_be_meant_is_refused(document: str, expected: str, refused: Refusals) -> None:
    assert brief(refused({"manifests/m.yaml": document, "manifests/n.yaml": f"{NIGHTLY}---\n{CONNECTION}"})) == [
        expected
    ]


def test_an_entry_is_not_repeated_where_a_document_holds_secrets(refused: Refusals) -> None:
    (problem,) = refused({"manifests/m.yaml": CONNECTION + "dependsOn: [FAKE-token]\n"})
    assert problem.rule == "invalid-value"
    assert "FAKE" not in f"{problem!r}"


def test_while_a_file_cannot_be_read_nothing_is_missed(refused: Refusals) -> None:
    problems = refused({"manifests/a.yaml": needing("query/elsewhere"), "manifests/b.yaml": "x: @y\n"})
    assert [problem.rule for problem in problems] == ["needs-quotes"]


def test_what_is_waited_for_is_part_of_what_is_declared(loaded: Load) -> None:
    def digest(found: Loaded) -> str:
        return found.config_digest(lambda secret, path: Secret("x", str(secret)).reference + path)

    first, second = query("sql: select 1", "first"), query("sql: select 1", "second")
    plain = digest(loaded({"manifests/m.yaml": f"{first}---\n{second}"}))
    waiting = digest(loaded({"manifests/m.yaml": f"{first}---\n{needing('query/first')}"}))
    assert plain != waiting
    assert plain == digest(loaded({"manifests/m.yaml": f"{second}dependsOn: []\n---\n{first}"}))
