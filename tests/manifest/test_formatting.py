"""A file is put in form and says the very same; every comment stays, and what is in form stays byte by byte."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.errors import ManifestError
from reconciler.manifest.formatting import formatted
from reconciler.manifest.key_order import Shape, document_shape, ordered
from reconciler.manifest.rendering import is_plain, is_text, quoted
from reconciler.manifest.syntax import read_documents
from reconciler.model.environment import EnvironmentSpec, ProjectSpec

ROOT = Path(__file__).parents[2]

WRITTEN = """\
# yaml-language-server: $schema=manifest.json
# Who bought in spring
kind: Audience   # one
metadata: {labels: {team: no, "area": 'jp'}, name: 'vip'}
spec:
    # what marketers see
    title: 'Spring buyers'

    description: 'Say "hi"'  # short
      # and more of it
    connection: "pinterest-main"
    ad_account_id: "549700000001"   # ours \t
# the version
apiVersion: 'tdr/v1'
---

kind: Table
apiVersion: tdr/v1
metadata:
        name: orders
spec:
      columns:
      -   type: string
          # what it is called
          name: email
      - name: at
        type: 'long'

      - {type: long, name: orders}
      database: shop
      description: |
           text
             more
"""
IN_FORM = """\
# yaml-language-server: $schema=manifest.json
# Who bought in spring
# the version
apiVersion: tdr/v1
kind: Audience   # one
metadata: {name: vip, labels: {team: "no", area: jp}}
spec:
  connection: pinterest-main

  ad_account_id: "549700000001"   # ours
  # what marketers see
  title: Spring buyers
  description: 'Say "hi"'  # short
    # and more of it
---

apiVersion: tdr/v1
kind: Table
metadata:
  name: orders
spec:
  database: shop
  columns:
    - # what it is called
      name: email
      type: string
    - name: at
      type: long

    - {name: orders, type: long}
  description: |
       text
         more
"""


def text_of(written: str, shape: Shape = None) -> str:
    return formatted(written.encode(), "a.yaml", shape).decode()


def test_a_file_comes_into_form() -> None:
    assert text_of(WRITTEN) == IN_FORM
    assert text_of(IN_FORM) == IN_FORM


@pytest.mark.parametrize(
    ("written", "in_form"),
    [
        pytest.param("a: 'no'\n", 'a: "no"\n', id="a word that is a yes elsewhere stays quoted"),
        pytest.param(
            "a: 'y'\nb: '012'\nc: \"1:30\"\n", 'a: "y"\nb: "012"\nc: "1:30"\n', id="so do numbers and letters"
        ),
        pytest.param("a: '2026-01-01'\n", 'a: "2026-01-01"\n', id="so does a day"),
        pytest.param("a: ''\nb: 'null'\n", 'a: ""\nb: "null"\n', id="and what would be nothing"),
        pytest.param("a: no\nb: 12\n", "a: no\nb: 12\n", id="what no model knows is not quoted"),
        pytest.param("a: 'b''c'\n", 'a: "b\'c"\n', id="double quotes are the rule"),
        pytest.param("a: 'x\\d \"'\n", "a: 'x\\d \"'\n", id="single ones where something would be escaped"),
        pytest.param('{"a":1}\n', '{"a":1}\n', id="a key that needs its quotes to end"),
        pytest.param("a: 'b: c'\n", 'a: "b: c"\n', id="text with a colon"),
        pytest.param("- 'b'\n-   - c\n    - d\n", "- b\n- - c\n  - d\n", id="lists in lists"),
        pytest.param("a:\n-\n    b: 1\n", "a:\n  -\n    b: 1\n", id="an item below its dash"),
        pytest.param("a: b  \n# c  \n\n\n", "a: b\n# c\n", id="blanks before line ends, and lines after the last"),
        pytest.param("a: b", "a: b\n", id="no line end"),
        pytest.param("a: |\n  b", "a: |\n  b", id="no line end where it would be text"),
        pytest.param("a: |+\n  b\n\n", "a: |+\n  b\n\n", id="line ends that are text"),
        pytest.param(
            "a:\n    b: |2\n           c\n        d\n", "a:\n  b: |2\n         c\n      d\n", id="indented text"
        ),
        pytest.param(
            "a:\n    b: >-\n       c\n          \n       d\n", "a:\n  b: >-\n     c\n        \n     d\n", id="folded"
        ),
        pytest.param("a:\n    b: c\n     d\n", "a:\n  b: c\n   d\n", id="text of several lines"),
        pytest.param(
            "a:\n    b: 'c\n\n      # d  \n      e'\n", "a:\n  b: 'c\n\n    # d  \n    e'\n", id="quoted lines"
        ),
        pytest.param("a:\n    b: [c,\n        d]\n", "a:\n  b: [c,\n      d]\n", id="brackets over lines"),
        pytest.param(
            "# one\n\n---\n# two\n---\n  a: b\n...\n", "# one\n\n---\n# two\n---\na: b\n...\n", id="empty documents"
        ),
        pytest.param("", "", id="nothing"),
        pytest.param("# only\n", "# only\n", id="a comment alone"),
    ],
)
def test_what_becomes_of(written: str, in_form: str) -> None:
    assert text_of(written) == in_form


def test_names_of_blocks_and_what_is_merged_stay_where_they_are() -> None:
    written = "spec:\n    title: &t Best\n    connection: *t\nkind: Audience\nmetadata:\n    <<: &m {labels: {}}\n    name: vip\n"
    in_form = written.replace("    ", "  ")

    assert text_of(written) == in_form


def test_line_ends_and_the_mark_in_front_stay() -> None:
    written = b"\xef\xbb\xbfkind: Database\r\nspec: {}\r\nmetadata:\r\n    name: 'shop'\r\n"

    assert formatted(written, "a.yaml") == (b"\xef\xbb\xbfkind: Database\r\nmetadata:\r\n  name: shop\r\nspec: {}\r\n")


@pytest.mark.parametrize(
    ("shape", "written", "in_form"),
    [
        (
            EnvironmentSpec,
            "variables: {a: on, b: 'x'}\n# ours\ntreasure_data:\n    api_key: k\n    endpoint: us01\n",
            'treasure_data:\n  endpoint: us01\n  api_key: k\n# ours\nvariables: {a: "on", b: x}\n',
        ),
        (
            ProjectSpec,
            "environments:\n   local:\n      protect: true\n      accounts: {}\nproject: shop\n",
            "project: shop\nenvironments:\n  local:\n    accounts: {}\n    protect: true\n",
        ),
    ],
)
def test_settings_come_into_form(shape: Shape, written: str, in_form: str) -> None:
    if shape is EnvironmentSpec:
        # A comment above the first key is about the document; this one is about the second.
        in_form = in_form.replace("# ours\n", "").replace("treasure_data", "# ours\ntreasure_data")

    assert text_of(written, shape) == in_form


@pytest.mark.parametrize("written", ["a: [\n", "a: 1\na: 2\n", "a: \tb: c\n", "? [a]\n: b\n"])
def test_what_cannot_be_read_is_an_error_with_its_place(written: str) -> None:
    with pytest.raises(ManifestError) as refused:
        text_of(written)

    assert all(one.position is not None and one.position.line for one in refused.value.diagnostics)


# -- laws -----------------------------------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    ["a", "no", "on", "y", "012", "1_000", "2026-01-01", "1:30", "null", "~", "", "x: y", "a # b", "it's", 'say "a"', "é",
     "\\d", "- a", "*a", "&a", "${var:x}", "a b", " a", "a\nb", "a\n\n b\n", "x\n", "12", "1.50", "#", "shop", "{", "true"]
)  # fmt: skip
KEYS = st.sampled_from(
    ["name", "labels", "database", "sql", "cron", "no", "x y", "columns", "type", "from", "schedule"]
)
TREES = st.recursive(
    WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


class Hand:
    """Writes trees as people do: each with an indentation, quotes and comments of its own."""

    def __init__(self, draw: Any) -> None:
        self._draw = draw
        self.comments: list[str] = []

    def choose(self, *of: Any) -> Any:
        return self._draw(st.sampled_from(of))

    def document(self, tree: dict[str, Any]) -> list[str]:
        return [*self.comment(0), *self.block(tree, self.choose(0, 0, 3)), *self.comment(0)]

    def block(self, tree: Any, indent: int) -> list[str]:
        lines: list[str] = []
        entries = tree.items() if isinstance(tree, dict) else ((None, one) for one in tree)
        for key, value in entries:
            lines += self.choose([], [], [""])
            lines += self.comment(indent)
            head = " " * indent + (f"{self.scalar(key)}:" if key is not None else "-")
            lines += self.entry(head, value, indent, is_item=key is None)
        return lines

    def entry(self, head: str, value: Any, indent: int, *, is_item: bool) -> list[str]:
        end = self.choose("", "", "  ", "  # at the end") if self.choose(0, 1) else ""
        if isinstance(value, str) and "\n" in value and self.choose(0, 1) and not value.startswith((" ", "\n")):
            return self.literal(head, value, indent)
        if not value or isinstance(value, str) or self.choose(0, 0, 1):
            if end.strip():
                self.comments.append(end.strip())
            return [f"{head} {self.flow(value)}{end}"]
        below = indent + (self.choose(0, 1, 2, 4) if isinstance(value, list) and not is_item else self.choose(1, 2, 4))
        block = self.block(value, below)
        first = next((line for line in block if line.strip()), "")
        if is_item and block[0] == first and not first.lstrip().startswith("#") and below >= indent + 2:
            return [head + " " * (below - indent - 1) + first.lstrip(), *block[1:]]
        return [head + end, *block] if not end.strip() else [head, *block]

    def literal(self, head: str, value: str, indent: int) -> list[str]:
        text = value.rstrip("\n")
        kept = len(value) - len(text)
        blanks = " " * (indent + self.choose(1, 2, 5))
        header = ("|-", "|", "|+")[min(kept, 2)]
        return [f"{head} {header}", *(blanks + line if line else "" for line in text.split("\n")), *[""] * (kept - 1)]

    def flow(self, value: Any) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{self.scalar(key)}: {self.flow(one)}" for key, one in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(self.flow(one) for one in value) + "]"
        return self.scalar(value)

    def scalar(self, value: str) -> str:
        ways = [quoted(value)]
        if "\n" not in value:
            ways.append("'" + value.replace("'", "''") + "'")
        if is_plain(value):
            ways.append(value)
        return str(self.choose(*ways))

    def comment(self, indent: int) -> list[str]:
        if self.choose(0, 0, 0, 1) == 0:
            return []
        self.comments.append(text := f"# {len(self.comments)}")
        return [" " * self.choose(indent, indent, 0, indent + 3) + text]


@st.composite
def files(draw: Any) -> tuple[str, list[str]]:
    hand = Hand(draw)
    documents = []
    for _ in range(draw(st.integers(1, 2))):
        kind = draw(st.sampled_from(["Query", "Table", "Activation", "Nothing"]))
        tree = {
            "kind": kind,
            "metadata": draw(TREES),
            "spec": draw(TREES),
            "apiVersion": "tdr/v1",
            "lifecycle": draw(WORDS),
        }
        keys = draw(st.permutations(sorted(tree)))
        documents.append("\n".join(hand.document({key: tree[key] for key in keys})))
    newline = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    text = "\n---\n".join(documents)
    # A block that the end of the file cuts off lacks its last line feed, and would get one anywhere else.
    ends = ["\n", "\n\n"] if re.search(r"\|\+?$", text, re.MULTILINE) else ["", "\n", "\n\n"]
    text += draw(st.sampled_from(ends))
    return text.replace("\n", newline), sorted(hand.comments)


def trees_of(text: str) -> list[Any]:
    parsed = read_documents(text, "a.yaml")
    assert [problem for problem in parsed.problems if problem.is_error] == []
    return [document.tree for document in parsed.documents]


def comments_of(text: str) -> list[str]:
    """Those that `Hand` writes; nothing else looks like them."""
    return sorted(re.findall(r"# \d+$|# at the end$", text.replace("\r", ""), re.MULTILINE))


@settings(max_examples=250, deadline=None)
@given(files())
def test_a_file_in_form_says_the_same_keeps_its_comments_and_is_in_form_for_good(
    given_file: tuple[str, list[str]],
) -> None:
    written, comments = given_file

    in_form = text_of(written)

    assert trees_of(in_form) == trees_of(written)
    assert comments_of(in_form) == comments_of(written) == comments
    assert text_of(in_form) == in_form
    for tree in trees_of(in_form):
        shape = document_shape(tree["kind"])
        assert keys_of(tree) == keys_of(ordered(tree, shape) if shape else tree)
    assert in_form.count("\r") == (in_form.count("\n") if "\r" in written else 0)


@pytest.mark.parametrize("header", ["|", "|+", ">", ">+"])
def test_a_block_that_the_end_of_the_file_cuts_off_stays_there(header: str) -> None:
    written = f"kind: Query\nspec: {{database: shop}}\nmetadata:\n  name: x\n  sql: {header}\n    SELECT 1\n\n     + 2"

    in_form = text_of(written)

    assert trees_of(in_form) == trees_of(written)
    assert text_of(in_form) == in_form
    assert in_form.endswith("+ 2")


def keys_of(tree: Any) -> Any:
    """All keys, in their order."""
    if isinstance(tree, dict):
        return [(key, keys_of(value)) for key, value in tree.items()]
    return [keys_of(one) for one in tree] if isinstance(tree, list) else None


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(KEYS, TREES, min_size=1, max_size=4), st.data())
def test_every_reader_of_yaml_reads_the_same_where_no_model_says_that_it_is_text(tree: Any, data: Any) -> None:
    written = "\n".join(Hand(data.draw).document(tree)) + "\n"

    assert yaml.safe_load(text_of(written)) == yaml.safe_load(written)


@given(st.text(alphabet="abnoy019_.:- /@+~xeE#", max_size=8))
def test_quotes_only_go_where_nobody_reads_something_else_then(value: str) -> None:
    in_form = text_of(f"a: {quoted(value)}\n")

    assert yaml.safe_load(in_form) == {"a": value}
    assert in_form.startswith('a: "') or is_text(value)


# -- the project's own ----------------------------------------------------------------------------------------------------


def own_files() -> Sequence[Path]:
    folders = (ROOT / "manifests", *sorted((ROOT / "examples").glob("*/manifests")))
    template = ROOT / "reconciler" / "commands" / "project_template"
    settings = (ROOT / "tdr.yaml", template / "tdr.yaml", *sorted((ROOT / "examples").glob("*/tdr.yaml")))
    return [*settings, *(path for folder in (*folders, template) for path in sorted(folder.rglob("*.y*ml")))]


@pytest.mark.parametrize("path", own_files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_manifests_of_the_project_its_examples_and_its_template_are_in_form(path: Path) -> None:
    shape = ProjectSpec if path.name == "tdr.yaml" else EnvironmentSpec if path.parent.name == "environments" else None

    assert formatted(path.read_bytes(), path.name, shape) == path.read_bytes()
