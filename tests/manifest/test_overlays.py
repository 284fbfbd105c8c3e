"""What an environment says otherwise than a document: merged, checked as any document, and found again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from manifest_texts import CONNECTION, SETTINGS, Load, Refusals, brief, query

from reconciler.manifest import Loaded
from reconciler.model.address import Address
from reconciler.model.kinds import Column, QuerySpec, TableSpec
from reconciler.model.secret import Secret
from reconciler.model.timing import Timing

Q, T, C = Address("query", "q"), Address("table", "t"), Address("connection", "pinterest-main")
ENV = "manifests/environments/prod.yaml"
TABLE = """\
apiVersion: tdr/v1
kind: Table
metadata: {name: t, labels: {team: growth, tier: gold}}
spec:
  database: shop
  columns:
    - {name: id, type: long}
    - {name: email, type: string}
"""


def files(overlays: str, document: str = "") -> dict[str, str | bytes]:
    """A document, and an environment that lays *overlays* over it."""
    lines = "".join(f"  {line}\n" for line in overlays.splitlines())
    text = document or query("sql: select 1\npriority: 1\nschedule: {cron: '0 3 * * *', timezone: Asia/Tokyo}")
    return {"manifests/m.yaml": text, ENV: f"overlays:\n{lines}"}


def query_spec(found: Loaded) -> QuerySpec:
    spec = found.resources[Q].spec
    assert isinstance(spec, QuerySpec)
    return spec


def test_mappings_are_merged_scalars_replaced_and_null_takes_away(loaded: Load) -> None:
    spec = query_spec(
        loaded(files("query/q: {spec: {sql: select 2, priority: null, retry_limit: 3, schedule: {cron: ''}}}"))
    )
    assert (spec.sql, spec.priority, spec.retry_limit) == ("select 2", None, 3)
    assert spec.schedule == Timing(cron="", timezone="Asia/Tokyo")


def test_labels_lifecycle_and_what_is_waited_for_are_overlaid_too(loaded: Load) -> None:
    other = query("sql: select 1", "other")
    overlay = """\
table/t:
  metadata: {labels: {team: null, cost: '7'}}
  lifecycle: {protect: true}
  dependsOn: [query/other]
"""
    found = loaded(files(overlay, f"{TABLE}---\n{other}")).resources[T]
    assert dict(found.labels) == {"tier": "gold", "cost": "7"}
    assert found.lifecycle.protect
    assert found.depends_on == (Address("query", "other"),)


def test_a_list_is_replaced_unless_its_entries_have_a_key(loaded: Load) -> None:
    overlay = "table/t: {spec: {columns: [{name: email, type: long, optional: true}, {name: city, type: string}]}}"
    spec = loaded(files(overlay, TABLE)).resources[T].spec
    assert isinstance(spec, TableSpec)
    assert spec.columns == (
        Column(name="id", type="long"),
        Column(name="email", type="long", optional=True),
        Column(name="city", type="string"),
    )
    ignoring = query("sql: select 1") + "lifecycle: {ignore: [/sql]}\n"
    (entry,) = loaded(files("query/q: {lifecycle: {ignore: [/priority]}}", ignoring)).resources[Q].lifecycle.ignore
    assert entry.path == "/priority"


def test_values_are_put_in_after_merging_with_the_variables_of_the_environment(loaded: Load) -> None:
    found = files("query/q: {spec: {sql: 'select ${var:n}', name: '${env:NAME}'}}")
    found[ENV] = f"variables: {{n: '2'}}\n{found[ENV]!s}"
    spec = query_spec(loaded(found, environ={"NAME": "Buyers"}))
    assert (spec.sql, spec.name) == ("select 2", "Buyers")


def test_a_document_is_found_by_a_name_with_a_variable(loaded: Load) -> None:
    text = query("sql: select 1").replace("name: q", "name: '${var:prefix|q}'")
    assert query_spec(loaded(files("query/q: {spec: {sql: select 2}}", text))).sql == "select 2"


def test_only_the_chosen_environment_lays_over(loaded: Load) -> None:
    both = {**files("query/q: {spec: {sql: select 2}}"), "manifests/environments/test.yaml": ""}
    assert query_spec(loaded(both, environment="prod")).sql == "select 2"
    assert query_spec(loaded(both, environment="test")).sql == "select 1"


def test_an_environment_of_the_settings_lays_over_too(refused: Refusals) -> None:
    settings = SETTINGS + "environments:\n  dev:\n    overlays:\n      query/q: {spec: {sqql: x}}\n"
    problems = refused({"manifests/m.yaml": query("sql: select 1"), "tdr.yaml": settings})
    assert brief(problems) == ["unknown-key tdr.yaml:6:24 key `sqql` is not known here"]
    assert problems[0].hint == "did you mean `sql`?"


@pytest.mark.parametrize(
    ("overlay", "expected", "hint"),
    [
        (
            "query/p: {spec: {sql: x}}",
            f"unknown-address {ENV}:2:3 no document declares `query/p`, over which this is laid",
            "did you mean `query/q`?",
        ),
        (
            "query/q: {spec: {priorty: null}}",
            f"unknown-key {ENV}:2:20 key `priorty` is not known here",
            "did you mean `priority`?",
        ),
        (
            "query/q: {spec: {schedule: {timezon: UTC}}}",
            f"unknown-key {ENV}:2:31 key `timezon` is not known here",
            "did you mean `timezone`?",
        ),
        (
            "query/q: {spec: {priority: high}}",
            f"wrong-type {ENV}:2:30 `spec.priority` must be a whole number: 'high'",
            "",
        ),
        ("query/q: {spec: {database: null}}", f"missing-key {ENV}:2:20 `spec.database` is missing", "add `database`"),
        (
            "query/q: {spec: {name: '${var:nam}'}}",
            f"undefined-variable {ENV}:2:26 `spec.name`: no variable `nam` is defined",
            "add it to `variables` of the environment, or give a default: ${var:nam|…}",
        ),
        (
            "query/q: {spec: {schedule: nightly}}",
            f"unresolved-reference {ENV}:2:30 no schedule `nightly` is declared",
            "declare a schedule `nightly`",
        ),
        (
            "query/q: {spec: {sql: selec 1}}",
            f"sql-syntax {ENV}:2:31 the SQL does not parse: `1` is not expected here",
            "look at what stands before the mark, too: parsers tell where they gave up",
        ),
        (
            "query/q: {metadata: {name: p}}",
            f"unknown-key {ENV}:2:24 key `name` is not known here",
            "known here: labels, annotations",
        ),
        ("query/q: {spce: {}}", f"unknown-key {ENV}:2:13 key `spce` is not known here", "did you mean `spec`?"),
    ],
)
def test_a_mistake_is_told_where_the_overlay_makes_it(
    overlay: str, expected: str, hint: str, refused: Refusals
) -> None:
    problems = refused(files(overlay))
    assert brief(problems) == [expected]
    assert problems[0].hint == hint


def test_a_mistake_of_the_document_is_told_in_the_document(refused: Refusals) -> None:
    document = query("sql: select 1\nprioritty: 1")
    problems = refused(files("query/q: {spec: {retry_limit: 3}}", document))
    assert brief(problems) == ["unknown-key manifests/m.yaml:7:3 key `prioritty` is not known here"]


def test_a_secret_stays_a_reference_and_a_literal_one_is_refused(loaded: Load, refused: Refusals) -> None:
    good = files("connection/pinterest-main: {spec: {refresh_token: '${secret:env:OTHER}'}}", CONNECTION)
    environ = {"CLIENT_ID": "a", "CLIENT_SECRET": "FAKE-b", "OTHER": "FAKE-other"}
    token: Any = loaded(good, environ=environ).resources[C].spec
    assert isinstance(token.refresh_token, Secret)
    assert token.refresh_token.reveal() == "FAKE-other"
    (problem,) = refused(files("connection/pinterest-main: {spec: {refresh_token: FAKE-literal}}", CONNECTION))
    assert (problem.rule, str(problem.position)) == ("literal-secret", f"{ENV}:2:53")
    assert "FAKE" not in f"{problem!r}"


def test_what_changes_nothing_is_warned_of(loaded: Load) -> None:
    overlay = "query/q: {spec: {priority: 1, retry_limit: null, sql: select 2}}\ntable/t: {}\n"
    document = f"{query('sql: select 1' + chr(10) + 'priority: 1')}---\n{TABLE}"
    notices = loaded(files(overlay, document)).notices
    assert [(one.rule, str(one.position), one.message) for one in notices if one.rule.startswith("overlay")] == [
        (
            "overlay-without-effect",
            f"{ENV}:2:20",
            "the overlay changes nothing: spec.priority of query/q is so already",
        ),
        (
            "overlay-without-effect",
            f"{ENV}:2:33",
            "the overlay changes nothing: spec.retry_limit of query/q is so already",
        ),
        ("overlay-without-effect", f"{ENV}:3:3", "the overlay of table/t is empty"),
    ]


def test_values_are_found_where_they_are_written(loaded: Load) -> None:
    overlay = "table/t: {spec: {description: x, columns: [{name: email, type: long}]}}"
    found = loaded(files(overlay, TABLE))
    assert str(found.locate(T, "/spec/description")) == f"{ENV}:2:33"
    assert str(found.locate(T, "/spec/columns/1/type")) == f"{ENV}:2:66"
    assert str(found.locate(T, "/spec/columns/0/type")) == "manifests/m.yaml:7:24"
    assert found.source(T) == "manifests/m.yaml:1"
    assert sorted(found.overlaid(T)) == ["/spec/columns/1/type", "/spec/description"]


def test_the_digest_covers_it_and_no_cache_hides_it(loaded: Load, tmp_path: Path) -> None:
    def digest(found: Loaded) -> str:
        return found.config_digest(lambda secret, path: str(secret) + path)

    cache = tmp_path / "cache"
    digests = {
        digest(loaded(files(overlay), cache_dir=cache))
        for overlay in (
            "{}",
            "query/q: {spec: {sql: select 2}}",
            "query/q: {spec: {sql: select 3}}",
            "query/q: {metadata: {labels: {team: a}}}",
        )
    }
    assert len(digests) == 4
