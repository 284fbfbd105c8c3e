"""One value of a written text is exchanged; every other byte stays."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reconciler.errors import TdrError
from reconciler.manifest.patching import ABSENT, as_written, patch
from reconciler.manifest.pointers import pointer
from reconciler.manifest.syntax import read_documents

TEXT = """\
# Audiences of spring
apiVersion: tdr/v1
kind: Audience   # one
metadata: {name: vip, labels: {team: crm}}

spec:
  connection: pinterest-main
  ad_account_id: "549700000001"   # ours
  title: 'Spring buyers'
  # told to marketers
  description: Bought in spring  # short

---
kind: Query
spec:
  database: shop
  sql: |
    SELECT email  -- all of them
    FROM customers

  # nightly
  schedule:
    cron: "0 3 * * *"
    timezone: Asia/Tokyo
  columns:
    - {name: email, type: string}
    # the season
    - name: spring
      type: string
  retries: 3
"""


@pytest.mark.parametrize(
    ("document", "path", "value", "before", "after"),
    [
        pytest.param(0, "/spec/description", "New", "Bought in spring  # s", "New  # s", id="plain"),
        pytest.param(
            0, "/spec/description", "a: b #c", "Bought in spring ", '"a: b #c" ', id="plain that needs quotes"
        ),
        pytest.param(
            0, "/spec/description", "yes", "Bought in spring ", '"yes" ', id="a word that YAML reads as a yes"
        ),
        pytest.param(0, "/spec/title", "Bob's", "'Spring buyers'", "'Bob''s'", id="single-quoted stays so"),
        pytest.param(0, "/spec/title", "a\tb\x07", "'Spring buyers'", '"a\\tb\\x07"', id="a control character"),
        pytest.param(0, "/spec/ad_account_id", "12", '"549700000001"', '"12"', id="double-quoted stays so"),
        pytest.param(0, "/metadata/labels/team", "ads, inc", "team: crm", 'team: "ads, inc"', id="flow"),
        pytest.param(0, "/metadata/labels/area", "jp", "{team: crm}", "{team: crm, area: jp}", id="new key in flow"),
        pytest.param(
            0,
            "/spec/identifier",
            "maid",
            "spring  # short\n",
            "spring  # short\n  identifier: maid\n",
            id="new key in block",
        ),
        pytest.param(
            0,
            "/lifecycle/adopt",
            "always",
            "spring  # short\n",
            "spring  # short\nlifecycle:\n  adopt: always\n",
            id="new key below a new key",
        ),
        pytest.param(
            0,
            "/spec/description",
            "one\ntwo\n",
            "description: Bought in spring  # short\n",
            "description: |  # short\n    one\n    two\n",
            id="plain becomes a block",
        ),
        pytest.param(
            0, "/spec/description", ABSENT, "  description: Bought in spring  # short\n", "", id="key removed"
        ),
        pytest.param(0, "/metadata/labels/team", ABSENT, "labels: {team: crm}", "labels: {}", id="only key removed"),
        pytest.param(0, "/metadata/name", ABSENT, "{name: vip, labels", "{labels", id="first key of flow removed"),
        pytest.param(0, "/metadata/labels", ABSENT, "vip, labels: {team: crm}", "vip", id="last key of flow removed"),
        pytest.param(
            1,
            "/spec/sql",
            "SELECT 2\n\nFROM x\n",
            "    SELECT email  -- all of them\n    FROM customers\n",
            "    SELECT 2\n\n    FROM x\n",
            id="literal block",
        ),
        pytest.param(
            1,
            "/spec/sql",
            "SELECT 2",
            "|\n    SELECT email  -- all of them\n    FROM customers\n",
            "|-\n    SELECT 2\n",
            id="literal block without a last line end",
        ),
        pytest.param(1, "/spec/schedule/cron", "@daily", '"0 3 * * *"', '"@daily"', id="nested"),
        pytest.param(
            1,
            "/spec/schedule",
            {"cron": "0 3 * * *", "delay": 60},
            "    timezone: Asia/Tokyo\n",
            "    delay: 60\n",
            id="nested mapping exchanged key by key",
        ),
        pytest.param(
            1,
            "/spec/schedule",
            "nightly",
            '  schedule:\n    cron: "0 3 * * *"\n    timezone: Asia/Tokyo\n',
            "  schedule: nightly\n",
            id="mapping becomes a scalar",
        ),
        pytest.param(
            1,
            "/spec/schedule",
            ABSENT,
            '  schedule:\n    cron: "0 3 * * *"\n    timezone: Asia/Tokyo\n',
            "",
            id="mapping removed",
        ),
        pytest.param(
            1,
            "/spec/columns",
            [{"name": "email", "type": "string"}, {"name": "age", "type": "int"}, {"name": "spring", "type": "string"}],
            "    # the season\n    - name: spring",
            "    # the season\n    - {name: age, type: int}\n    - name: spring",
            id="list item inserted",
        ),
        pytest.param(
            1,
            "/spec/columns",
            [{"name": "email", "type": "string"}],
            "    - name: spring\n      type: string\n",
            "",
            id="list item removed",
        ),
        pytest.param(
            1,
            "/spec/columns",
            [{"name": "email", "type": "long"}, {"name": "spring", "type": "string"}],
            "email, type: string",
            "email, type: long",
            id="inside a list item",
        ),
        pytest.param(1, "/spec/retries", 5, "retries: 3", "retries: 5", id="number"),
        pytest.param(1, "/spec/retries", None, "retries: 3", "retries: null", id="null"),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["no mark", "byte order mark"])
def test_only_the_value_changes(
    mark: str, newline: str, document: int, path: str, value: Any, before: str, after: str
) -> None:
    assert TEXT.count(before) == 1
    text = mark + TEXT.replace("\n", newline)

    changed = patch(text.encode(), "a.yaml", document, path, value)

    assert changed.decode() == mark + TEXT.replace(before, after).replace("\n", newline)


@pytest.mark.parametrize(
    ("text", "path", "value", "after"),
    [
        ("a: 1", "/a", 2, "a: 2"),
        ("a: 1", "/b", "x", "a: 1\nb: x"),
        ("a: 1\nb: 2", "/b", ABSENT, "a: 1"),
        ("a: 1\nb: 2", "/a", ABSENT, "b: 2"),
        ("a:\n  b: 1", "/a/b", ABSENT, "a: {}"),
        ("a:", "/a", "x", "a: x"),
        ("a: # why\nb: 1\n", "/a/c", "x", "a: # why\n  c: x\nb: 1\n"),
        ("a: {}\n", "/a/c", "x", "a: {c: x}\n"),
        ("a: []\n", "/a", ["x"], "a: [x]\n"),
        ("a:\n- - y\n", "/a/0", ["x", "y"], "a:\n- - x\n  - y\n"),
        ("a: []\n", "/a", "x\ny\n", "a: |\n  x\n  y\n"),
        ("a:\n  b: 1\nc: 2\n", "/a", "x\ny", 'a: "x\\ny"\nc: 2\n'),
        ("a: [x, y, z] # k\n", "/a", ["x", "z"], "a: [x, z] # k\n"),
        ("a: [x, z]\n", "/a", ["w", "x", "y", "z"], 'a: [w, x, "y", z]\n'),
        ("a:\n- x\n- z\nb: 1\n", "/a", ["w", "x", "y", "z"], 'a:\n- w\n- x\n- "y"\n- z\nb: 1\n'),
        ("a:\n- x # one\n- y\n", "/a", ["y"], "a:\n- y\n"),
        ("a:\n- x\nb: 1\n", "/a", [], "a: []\nb: 1\n"),
        ("a:\n- b: 1\n  c: 2\n", "/a/0/b", ABSENT, "a:\n- c: 2\n"),
        ("a:\n- b: 1\n  c: 2\n", "/a", [{"b": "1", "c": "2"}, {"b": 3}], "a:\n- b: 1\n  c: 2\n- b: 3\n"),
        ("a: >-\n  long\n  text\nb: 1\n", "/a", "short", "a: short\nb: 1\n"),
        ("a: |+\n  x\n\n\nb: 1\n", "/b", "2", 'a: |+\n  x\n\n\nb: "2"\n'),
        ('a: "one\n  two"\n', "/a", "x", 'a: "x"\n'),
        ("a: one\n  two # k\n", "/a", "x", "a: x # k\n"),
        ("a: 'it\twas'\n\tb: 1", "/a", "x", None),
        ("a: x\n", "/a", "${var:y}", "a: $${var:y}\n"),
        ("a: x\n", "/a", "$${secret:y", "a: $$${secret:y\n"),
        ("a: !!str 5\n", "/a", "6", 'a: "6"\n'),
        ("? a\n: 1\n", "/a", 2, "? a\n: 2\n"),
        ("{a: 1}\n", "/a", 2, "{a: 2}\n"),
        ("{a: 1,\n b: 2,\n}\n", "/c", 3, "{a: 1,\n b: 2, c: 3,\n}\n"),
        ("---\n# none\n---\na: 1\n...\n", "/a", 2, "---\n# none\n---\na: 2\n...\n"),
        ("b: &x 1\na: 1\n", "/a", 2, "b: &x 1\na: 2\n"),
    ],
)
def test_small_texts_are_changed_in_place(text: str, path: str, value: Any, after: str | None) -> None:
    if after is None:
        with pytest.raises(TdrError):
            patch(text.encode(), "a.yaml", 0, path, value)
        return
    assert patch(text.encode(), "a.yaml", 0, path, value).decode() == after


@pytest.mark.parametrize(
    ("text", "path", "said"),
    [
        ("a: &x 1\nb: *x\n", "/b", "a.yaml:2:1: /b is repeated from a block above by `*`"),
        ("a: &x 1\nb: *x\n", "/a", "a.yaml:1:4: /a is repeated below by `*`"),
        ("a: &x {c: 1}\nb: *x\n", "/a/c", "a.yaml:1:4: /a/c stands in a block that is repeated below by `*`"),
        ("a: &x {c: 1}\nb: {<<: *x}\n", "/b/c", "a.yaml:2:4: /b/c is merged from another block by `<<`"),
        ("a: ${var:title}\n", "/a", "a.yaml:1:4: /a is written as ${var:title}"),
        ("a: the ${env:X|y} one\n", "/a", "a.yaml:1:4: /a is written as ${env:X|y}"),
        ("a: [", "/a", "a.yaml does not parse: "),
    ],
)
def test_what_is_written_elsewhere_is_refused_with_its_place(text: str, path: str, said: str) -> None:
    with pytest.raises(TdrError) as refused:
        patch(text.encode(), "a.yaml", 0, path, "new")

    assert refused.value.message.startswith(said)
    assert refused.value.hint


# -- the law -----------------------------------------------------------------------------------------------------------

LETTERS = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\x85\u2028\u2029\x00", exclude_categories=("Cs", "Cn")),
    max_size=12,
)
NAMES = st.text("abcxyz_", min_size=1, max_size=4)
SCALARS = st.one_of(LETTERS, st.sampled_from(["yes", "012", "~", "a: b", "- x", "#", "x\ny\n", "x\n\n  y", "", " "]))
TREES = st.recursive(
    SCALARS,
    lambda below: st.one_of(st.lists(below, max_size=3), st.dictionaries(NAMES, below, max_size=3)),
    max_leaves=8,
)
MAPPINGS = st.dictionaries(NAMES, TREES, min_size=1, max_size=4)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(MAPPINGS, min_size=1, max_size=3),
    st.data(),
    st.one_of(TREES, st.just(ABSENT)),
    st.sampled_from([None, True, False]),
)
def test_what_was_patched_reads_as_wanted_and_all_else_as_before(
    trees: list[Any],
    data: st.DataObject,
    value: Any,
    flow: bool | None,  # noqa: FBT001 - drawn
) -> None:
    text = yaml.safe_dump_all(trees, default_flow_style=flow, sort_keys=False, allow_unicode=True).encode()
    before = [one.tree for one in read_documents(text, "a.yaml").documents]
    number = data.draw(st.integers(0, len(before) - 1))
    path: list[Any] = []
    node = before[number]
    while isinstance(node, dict | list) and node and (not path or data.draw(st.booleans())):
        part = data.draw(st.sampled_from(sorted(node) if isinstance(node, dict) else list(range(len(node)))))
        path.append(part)
        node = node[part]

    # A document that says nothing any more is none.
    assume(value is not ABSENT or len(path) > 1 or len(trees[number]) > 1)
    changed = patch(text, "a.yaml", number, pointer(*path), value)

    wanted = [one.tree for one in read_documents(text, "a.yaml").documents]
    holder: Any = wanted[number]
    for part in path[:-1]:
        holder = holder[part]
    if value is ABSENT:
        del holder[path[-1]]
    else:
        holder[path[-1]] = as_written(value)
    assert [one.tree for one in read_documents(changed, "a.yaml").documents] == wanted
