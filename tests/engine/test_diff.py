"""Declared, applied, remote: who moved, and what must be written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.engine.diff import Rules, differences, secrets_in, without_secrets
from reconciler.model.address import Address
from reconciler.model.change import FieldChange, Origin
from reconciler.model.record import Record
from reconciler.model.secret import MASK, Secret
from reconciler.model.unknown import Unknown
from reconciler.ports.provider import FieldClass, KindTraits

KEY = b"k" * 32


def fingerprint(secret: Secret, path: str) -> str:
    return f"k1:{secret.fingerprint(KEY, path)}"


def compare(
    desired: dict[str, Any],
    remote: dict[str, Any],
    applied: dict[str, Any] | None = None,
    *,
    traits: KindTraits | None = None,
    ignored: tuple[str, ...] = (),
    fingerprints: dict[str, str] | None = None,
) -> list[tuple[str, object, object, str]]:
    record = None if applied is None else Record("1", applied, fingerprints or {})
    rules = Rules(traits or KindTraits(), fingerprint, ignored)
    return [(f.path, f.before, f.after, f.origin.value) for f in differences(desired, remote, record, rules)]


@pytest.mark.parametrize(
    ("declared", "applied", "remote", "origin"),
    [
        ("a", "a", "a", None),
        ("a", "b", "a", None),
        ("b", "a", "a", "config"),
        ("a", "a", "b", "drift"),
        ("c", "a", "b", "config_and_drift"),
    ],
)
def test_every_difference_has_an_origin(declared: str, applied: str, remote: str, origin: str | None) -> None:
    found = compare({"title": declared}, {"title": remote}, {"title": applied})

    assert found == ([] if origin is None else [("/title", remote, declared, origin)])


def test_what_nobody_declared_is_not_ours() -> None:
    assert compare({"title": "a"}, {"title": "a", "delay": 7, "extra": {"x": 1}}, {"title": "a"}) == []


def test_what_was_declared_and_is_not_any_more_returns_to_the_default() -> None:
    traits = KindTraits(defaults={"priority": 0})

    assert compare({}, {"priority": 2}, {"priority": 2}, traits=traits) == [("/priority", 2, 0, "config")]
    assert compare({}, {"priority": 2}, {}, traits=traits) == []


def test_what_people_named_themselves_goes_when_they_do_not_any_more() -> None:
    traits = KindTraits(removes=frozenset({"/extra"}))
    applied = {"extra": {"gone": "1", "kept": "2", "below": {"deep": "3"}}, "title": "a"}
    there = {"extra": {"gone": "1", "kept": "2", "below": {"deep": "3"}, "theirs": "4"}, "title": "a"}

    assert compare({"extra": {"kept": "2"}}, there, applied, traits=traits) == [
        ("/extra/below/deep", "3", None, "config"),
        ("/extra/gone", "1", None, "config"),
    ]
    assert [path for path, *_ in compare({}, there, applied, traits=traits)] == [
        "/extra/below/deep",
        "/extra/gone",
        "/extra/kept",
    ]
    assert compare({"extra": {}}, {"extra": {"theirs": "4"}}, applied, traits=traits) == []
    assert compare({"extra": {}}, there, traits=traits) == []
    assert compare({"extra": {}}, {"extra": {"gone": "5"}}, applied, traits=traits) == [
        ("/extra/gone", "5", None, "config_and_drift")
    ]
    assert compare({"extra": {}}, there, applied) == []


def test_a_secret_that_is_not_declared_any_more_goes_where_its_field_does() -> None:
    secret = Secret("env:TOKEN", "FAKE-value")
    known = {path: fingerprint(secret, path) for path in ("/secrets/old", "/secrets/kept", "/other/old")}
    declared = {"secrets": {"kept": secret}, "other": {}}
    traits = KindTraits(removes=frozenset({"/secrets"}))

    found = compare(declared, {}, {"secrets": {}, "other": {}}, traits=traits, fingerprints=known)

    assert found == [("/secrets/old", MASK, None, "config")]


def test_setting_back_to_empty_is_a_change() -> None:
    found = compare({"cron": "", "description": ""}, {"cron": "0 3 * * *", "description": "old"})

    assert [(path, after) for path, _, after, _ in found] == [("/cron", ""), ("/description", "")]


@pytest.mark.parametrize(("field_class", "changed"), [(FieldClass.INPUT, True), (FieldClass.SET, False)])
def test_order_matters_only_where_it_means_something(field_class: FieldClass, *, changed: bool) -> None:
    traits = KindTraits(classes={"/items": field_class})

    found = compare({"items": ["a", "b"]}, {"items": ["b", "a"]}, traits=traits)

    assert bool(found) is changed


def test_nested_fields_are_named_by_their_path() -> None:
    found = compare(
        {"export": {"action": "ADD", "id": "7"}},
        {"export": {"action": "CREATE", "id": "7"}},
        {"export": {"action": "ADD", "id": "7"}},
    )

    assert found == [("/export/action", "CREATE", "ADD", "drift")]


def test_an_ignored_field_and_all_below_it_may_move() -> None:
    assert compare({"a": {"b": 1}, "ab": 1}, {"a": {"b": 2}, "ab": 2}, ignored=("/a",)) == [("/ab", 2, 1, "config")]


def test_a_write_only_field_is_compared_with_what_was_applied() -> None:
    traits = KindTraits(classes={"/kind": FieldClass.WRITE_ONLY})

    assert compare({"kind": "x"}, {}, {"kind": "x"}, traits=traits) == []
    assert compare({"kind": "y"}, {}, {"kind": "x"}, traits=traits) == [("/kind", "x", "y", "config")]


def test_a_secret_converges_and_shows_only_its_mask() -> None:
    secret = Secret("env:TOKEN", "FAKE-value")
    known = {"/token": fingerprint(secret, "/token")}

    assert compare({"token": secret}, {"token": "***"}, {}, fingerprints=known) == []
    assert compare({"token": Secret("env:TOKEN", "FAKE-other")}, {"token": "***"}, {}, fingerprints=known) == [
        ("/token", MASK, MASK, "config")
    ]
    assert compare({"token": secret}, {}) == [("/token", None, MASK, "config")]


def test_what_is_known_only_later_is_always_a_change() -> None:
    later = Unknown(Address("audience", "vip"))

    assert compare({"id": later}, {"id": "7"}, {"id": "7"}) == [("/id", "7", later, "config")]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=3), inner, max_size=3),
    max_leaves=8,
)
trees = st.dictionaries(st.text(min_size=1, max_size=3), json_values, max_size=5)


@given(trees)
def test_what_was_written_is_no_difference(tree: dict[str, Any]) -> None:
    assert compare(tree, tree, tree) == []
    assert compare(tree, tree) == []


@given(trees, trees)
def test_changes_are_sorted_and_each_path_once(desired: dict[str, Any], remote: dict[str, Any]) -> None:
    paths = [path for path, *_ in compare(desired, remote)]

    assert paths == sorted(set(paths))


def test_secrets_are_found_and_left_out() -> None:
    secret = Secret("env:A", "FAKE")
    tree = {"export": {"type": "pinterest", "token": secret}, "id": Unknown(Address("audience", "vip"))}

    assert dict(secrets_in(tree)) == {"/export/token": secret}
    assert without_secrets(tree) == {"export": {"type": "pinterest"}}


def test_a_field_change_sorts_by_path() -> None:
    changes = [FieldChange("/b", 1, 2, Origin.CONFIG), FieldChange("/a", 1, 2, Origin.CONFIG)]

    assert [change.path for change in sorted(changes)] == ["/a", "/b"]
