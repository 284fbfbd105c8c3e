"""What `kind: Transitions` and an environment's `imports` may say, and every mistake in them at its place."""

from __future__ import annotations

from manifest_texts import Load, Refusals, brief, query

from reconciler.model.address import Address
from reconciler.model.spec import OnDelete

HEAD = "apiVersion: tdr/v1\nkind: Transitions\n"


def at(text: str) -> Address:
    return Address.parse(text)


def test_entries_of_all_documents_and_of_the_environment_come_together(loaded: Load) -> None:
    found = loaded(
        {
            "manifests/q.yaml": query("sql: SELECT 1", "a") + "---\n" + query("sql: SELECT 1", "b"),
            "manifests/moves.yaml": HEAD
            + "moved:\n- {from: query/older, to: query/old}\n- {from: query/old, to: query/b}\n",
            "manifests/gone.yaml": HEAD
            + "imports: [{to: query/a, id: Daily}]\nremoved: [{address: query/x}, {address: query/y, on_delete: delete}]\n",
            "manifests/environments/prod.yaml": "imports: [{to: query/b, id: '${var:b}'}]\nvariables: {b: Weekly}\n",
        }
    ).transitions

    assert found.imports == {at("query/a"): "Daily", at("query/b"): "Weekly"}
    assert found.moved == {at("query/older"): at("query/b"), at("query/old"): at("query/b")}
    assert found.removed == {at("query/x"): OnDelete.FORGET, at("query/y"): OnDelete.DELETE}


def test_transitions_count_in_the_digest_of_what_is_declared(loaded: Load) -> None:
    plain = loaded({"manifests/q.yaml": query("sql: SELECT 1", "a")}).config_digest(lambda *_: "")
    with_move = loaded({"manifests/t.yaml": HEAD + "moved: [{from: query/old, to: query/a}]\n"})

    assert with_move.config_digest(lambda *_: "") != plain


def test_all_mistakes_are_told_in_one_pass(refused: Refusals) -> None:
    documents = query("sql: SELECT 1", "a") + "---\n" + query("sql: SELECT 1", "b")
    schedule = "---\napiVersion: tdr/v1\nkind: Schedule\nmetadata: {name: nightly}\nspec: {cron: '0 3 * * *'}\n"
    text = """\
imports:
- {to: query/c, id: X}
- {to: query/a, id: Daily}
- {to: query/a, id: Weekly}
- {to: query/b, id: Daily}
- {to: schedule/nightly, id: N}
moved:
- {from: query/b, to: query/a}
- {from: query/m, to: query/n}
- {from: query/n, to: query/m}
- {from: query/q, to: database/q}
- {from: query/s, to: query/t}
- {from: query/s, to: query/a}
removed:
- {address: query/a}
"""

    found = refused({"manifests/q.yaml": documents + schedule, "manifests/t.yaml": HEAD + text})

    assert brief(found) == [
        "unknown-address manifests/t.yaml:4:8 no document declares `query/c`",
        "two-imports manifests/t.yaml:6:8 `query/a` is imported twice: at manifests/t.yaml:5:3 and here",
        (
            "one-id-twice manifests/t.yaml:7:21 the object 'Daily' is imported as `query/a` at manifests/t.yaml:5:3 "
            "and as `query/b` here"
        ),
        "wrong-kind manifests/t.yaml:8:8 `schedule/nightly` is nothing at any vendor, so there is nothing to take over",
        "moved-declared manifests/t.yaml:10:10 `query/b` is still declared, so it has not moved",
        "moved-circle manifests/t.yaml:11:23 moves run in a circle: query/m -> query/n -> query/m",
        "unknown-address manifests/t.yaml:13:23 no document declares `database/q`",
        "wrong-kind manifests/t.yaml:13:23 `query/q` cannot become `database/q`: the kinds differ",
        "unknown-address manifests/t.yaml:14:23 no document declares `query/t`",
        "two-moves manifests/t.yaml:15:10 `query/s` is the `from` of two moves: at manifests/t.yaml:14:3 and here",
        "two-moves manifests/t.yaml:15:23 `query/a` is the `to` of two moves: at manifests/t.yaml:10:3 and here",
        "removed-declared manifests/t.yaml:17:13 `query/a` is declared, so it is not removed",
    ]


def test_what_is_no_entry_is_told_with_its_place(refused: Refusals) -> None:
    text = "imports: [{to: no address, id: X}]\nremoved: [{address: query/x, on_delete: block}]\nmovd: []\n"

    found = refused({"manifests/q.yaml": query("sql: SELECT 1", "a"), "manifests/t.yaml": HEAD + text})

    assert brief(found) == [
        (
            "invalid-value manifests/t.yaml:3:16 `imports.0.to` 'no address' is not an address; write kind/name, such as "
            "audience/spring-buyers"
        ),
        "unknown-value manifests/t.yaml:4:41 `removed.0.on_delete` must be one of forget, delete, disable: 'block'",
        "unknown-key manifests/t.yaml:5:1 key `movd` is not known here",
    ]


def test_a_move_of_what_was_removed_later_may_stay(loaded: Load) -> None:
    found = loaded(
        {
            "manifests/q.yaml": query("sql: SELECT 1", "a"),
            "manifests/t.yaml": HEAD + "moved: [{from: query/x, to: query/y}]\nremoved: [{address: query/y}]\n",
        }
    ).transitions

    assert (found.moved, found.removed) == ({at("query/x"): at("query/y")}, {at("query/y"): OnDelete.FORGET})
