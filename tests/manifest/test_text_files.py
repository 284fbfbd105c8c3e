"""SQL files that manifests name."""

from __future__ import annotations

from pathlib import Path

import pytest
from manifest_texts import Load, Refusals, brief, query, shown

from reconciler.model.address import Address
from reconciler.model.kinds import ActivationSpec, QuerySpec


def sql(loaded: Load, content: str | bytes) -> str | None:
    found = loaded({"manifests/m.yaml": query("file: sql/q.sql"), "sql/q.sql": content})
    spec = found.resources[Address("query", "q")].spec
    assert isinstance(spec, QuerySpec)
    assert spec.file == "sql/q.sql"
    return spec.sql


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"SELECT 1\n", "SELECT 1\n"),
        (b"SELECT 1\r\nFROM t\r\n", "SELECT 1\nFROM t\n"),
        (b"\xef\xbb\xbfSELECT 1", "SELECT 1"),
        ("SELECT '東京'".encode(), "SELECT '東京'"),
        (b"", ""),
        (b"SELECT 'a: &x [*x] \t@ ${var:x} $${env:Y}'\n", "SELECT 'a: &x [*x] \t@ ${var:x} $${env:Y}'\n"),
    ],
)
def test_the_text_arrives_with_line_feeds_and_otherwise_as_it_is(content: bytes, text: str, loaded: Load) -> None:
    assert sql(loaded, content) == text


def test_a_file_deep_inside_an_activation_is_read(loaded: Load) -> None:
    text = """\
apiVersion: tdr/v1
kind: Activation
metadata: {name: a}
spec:
  from: {query: {database: shop, file: q.sql}}
  to: {audience: v}
  membership: add
---
apiVersion: tdr/v1
kind: Audience
metadata: {name: v}
spec: {connection: c, ad_account_id: 1, title: V}
---
apiVersion: tdr/v1
kind: Connection
metadata: {name: c}
spec: {type: files}
"""
    spec = loaded({"manifests/m.yaml": text, "q.sql": "SELECT 2"}).resources[Address("activation", "a")].spec
    assert isinstance(spec, ActivationSpec)
    assert spec.from_.query.sql == "SELECT 2"


@pytest.mark.parametrize(
    ("body", "finding"),
    [
        ("file: sql/missing.sql", "file-not-found 6:9 file 'sql/missing.sql' does not exist"),
        ("file: sql", "not-a-file 6:9 `sql` is a folder, not a file"),
        ("file: sql/binary.sql", "not-utf-8 6:9 file 'sql/binary.sql' is not valid UTF-8: byte 0xFF at offset 4"),
        ("file: ../outside.sql", "file-outside-project 6:9 file '../outside.sql' lies outside the project"),
        (
            "file: sql/../../outside.sql",
            "file-outside-project 6:9 file 'sql/../../outside.sql' lies outside the project",
        ),
        ("file: link.sql", "file-outside-project 6:9 file 'link.sql' lies outside the project"),
        ("file: linked/outside.sql", "file-outside-project 6:9 file 'linked/outside.sql' lies outside the project"),
        ("file: /etc/hostname", "file-outside-project 6:9 file '/etc/hostname' lies outside the project"),
        (
            "file: \\\\host\\share\\x",
            "file-outside-project 6:9 file '\\\\\\\\host\\\\share\\\\x' lies outside the project",
        ),
        ("file: sql/good.sql\nsql: SELECT 1", "file-and-text 6:9 `file` and `sql` are both given"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_not_shown(
    body: str, finding: str, refused: Refusals, root: Path
) -> None:
    (root / "sql").mkdir()
    (root / "sql" / "binary.sql").write_bytes(b"FAKE\xff")
    (root / "sql" / "good.sql").write_text("FAKE")
    (root.parent / "outside.sql").write_text("FAKE")
    (root / "link.sql").symlink_to(root.parent / "outside.sql")
    (root / "linked").symlink_to(root.parent)
    problems = refused({"manifests/m.yaml": query(body)})
    assert brief(problems) == [finding.replace(" ", " manifests/m.yaml:", 1)]
    assert "FAKE" not in shown(problems)


def test_a_link_inside_the_project_is_followed(loaded: Load, root: Path) -> None:
    (root / "sql").mkdir()
    (root / "sql" / "q.sql").symlink_to(root / "real.sql")
    found = loaded({"real.sql": "SELECT 3", "manifests/m.yaml": query("file: sql/q.sql")})
    assert found.resources[Address("query", "q")].spec.model_dump()["sql"] == "SELECT 3"


def test_typographic_quotes_in_an_sql_file_are_told(loaded: Load) -> None:
    content = "SELECT *\nFROM \N{LEFT DOUBLE QUOTATION MARK}t\N{RIGHT DOUBLE QUOTATION MARK}"
    found = loaded({"manifests/m.yaml": query("file: q.sql"), "q.sql": content})
    assert brief(list(found.notices)) == [
        (
            "typographic-quotes q.sql:2:6 contains typographic quotes: "
            "U+201C LEFT DOUBLE QUOTATION MARK, U+201D RIGHT DOUBLE QUOTATION MARK"
        )
    ]
    assert found.resources[Address("query", "q")].spec.model_dump()["sql"] == content


def test_a_manifest_that_is_a_link_out_of_the_project_is_refused(refused: Refusals, root: Path) -> None:
    (root.parent / "outside.yaml").write_text(query("sql: FAKE"))
    (root / "manifests").mkdir()
    (root / "manifests" / "m.yaml").symlink_to(root.parent / "outside.yaml")
    problems = refused({})
    assert brief(problems) == [
        "file-outside-project manifests/m.yaml:1:1 file 'manifests/m.yaml' lies outside the project"
    ]
    assert "FAKE" not in shown(problems)


def test_a_linked_folder_of_manifests_is_not_read_in_silence(loaded: Load, root: Path) -> None:
    (root.parent / "elsewhere").mkdir()
    (root / "manifests").mkdir()
    (root / "manifests" / "more").symlink_to(root.parent / "elsewhere")
    found = loaded({"manifests/m.yaml": query("sql: SELECT 1")})
    assert brief(list(found.notices)) == [
        "link-not-followed manifests/more:1:1 the folder is a link, and manifests in it are not read"
    ]
