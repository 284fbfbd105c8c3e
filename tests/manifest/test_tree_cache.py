"""The cache of parsed trees changes nothing but the time."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from manifest_texts import CONNECTION, SECRETS, Load, Refusals, brief, query, write

from reconciler.manifest.cache import FILE_NAME, TreeCache
from reconciler.manifest.syntax import read_documents
from reconciler.model.address import Address

FILES = {"manifests/a.yaml": CONNECTION, "manifests/b.yaml": query("sql: ${var:x}\nschedule: {cron: '0 3 * * *'}")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "manifests"


def test_a_load_from_the_cache_equals_one_from_the_files(loaded: Load, folder: Path) -> None:
    fresh = loaded(FILES, variables={"x": "1"})
    first = loaded(FILES, variables={"x": "1"}, cache_dir=folder)
    cached = loaded(FILES, variables={"x": "1"}, cache_dir=folder)
    assert fresh.resources == first.resources == cached.resources
    assert cached.sources == fresh.sources
    assert cached.locate(Address("query", "q"), "/spec/sql") == fresh.locate(Address("query", "q"), "/spec/sql")


def test_what_the_cache_holds_for_a_file_is_not_parsed_again(loaded: Load, folder: Path) -> None:
    text = query("sql: select 1")
    planted = TreeCache(folder)
    planted.put(
        hashlib.sha256(text.encode()).hexdigest(), read_documents(query("sql: select 1", "planted"), "").documents
    )
    planted.save()
    assert [str(address) for address in loaded({"manifests/m.yaml": text}, cache_dir=folder).resources] == [
        "query/planted"
    ]


def test_variables_and_secrets_are_put_in_after_the_cache(loaded: Load, folder: Path) -> None:
    loaded(FILES, variables={"x": "1"}, cache_dir=folder)
    found = loaded(FILES, variables={"x": "2"}, environ={**SECRETS, "CLIENT_ID": "other"}, cache_dir=folder)
    assert found.resources[Address("query", "q")].spec.model_dump()["sql"] == "2"
    content = (folder / FILE_NAME).read_bytes()
    assert not any(value.encode() in content for value in [*SECRETS.values(), "other"])
    assert b"${secret:env:CLIENT_ID}" in content


def test_a_changed_file_is_read_anew_and_the_old_one_forgotten(loaded: Load, folder: Path) -> None:
    loaded(FILES, variables={"x": "1"}, cache_dir=folder)
    changed = {**FILES, "manifests/b.yaml": query("sql: select 2")}
    found = loaded(changed, cache_dir=folder)
    assert found.resources[Address("query", "q")].spec.model_dump()["sql"] == "select 2"
    assert b"${var:x}" not in (folder / FILE_NAME).read_bytes()


@pytest.mark.parametrize(
    "damage",
    [lambda b: b"", lambda b: b[:-10], lambda b: b.replace(b"cron", b"crop"), lambda b: b"x" * 99, lambda b: b + b"]"],
)
def test_a_damaged_cache_is_rebuilt_in_silence(damage: object, loaded: Load, folder: Path) -> None:
    fresh = loaded(FILES, variables={"x": "1"}, cache_dir=folder)
    file = folder / FILE_NAME
    good = file.read_bytes()
    file.write_bytes(damage(good))  # type: ignore[operator] # one of the above
    assert loaded(FILES, variables={"x": "1"}, cache_dir=folder).resources == fresh.resources
    assert file.read_bytes() == good


def test_a_cache_that_cannot_be_written_is_no_failure(loaded: Load, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where a folder should be")
    assert loaded(FILES, variables={"x": "1"}, cache_dir=tmp_path / "taken" / "manifests").resources


def test_mistakes_and_notices_are_told_every_time(loaded: Load, refused: Refusals, folder: Path) -> None:
    files = {"manifests/a.yaml": query('sql: "select 1 -- \\x01"'), "manifests/b.yaml": query("sql: select 1", "r")}
    notices = [loaded(files, cache_dir=folder).notices for _ in range(2)]
    assert brief(list(notices[0])) == [
        "control-character manifests/a.yaml:6:8 `sql` contains the control character U+0001"
    ]
    assert notices[0] == notices[1]
    broken = {"manifests/a.yaml": query("sql: @x"), "manifests/b.yaml": query("sql: select 1\nfoo: x", "r")}
    assert [problem.rule for problem in refused(broken, cache_dir=folder)] == ["needs-quotes", "unknown-key"]
    assert [problem.rule for problem in refused(broken, cache_dir=folder)] == ["needs-quotes", "unknown-key"]


def test_nothing_is_written_when_nothing_changed(loaded: Load, folder: Path) -> None:
    loaded(FILES, variables={"x": "1"}, cache_dir=folder)
    before = (folder / FILE_NAME).stat()
    loaded(FILES, variables={"x": "1"}, cache_dir=folder)
    after = (folder / FILE_NAME).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert sorted(path.name for path in folder.iterdir()) == ["queries.json", FILE_NAME]


def test_files_of_the_same_content_share_a_place_and_keep_their_names(
    refused: Refusals, folder: Path, root: Path
) -> None:
    write(root, {"manifests/a.yaml": query("sql: select 1"), "manifests/b.yaml": query("sql: select 1")})
    for _ in range(2):
        assert brief(refused({}, cache_dir=folder)) == [
            "duplicate-address manifests/b.yaml:3:18 `query/q` is declared twice: at manifests/a.yaml:3:18 and here"
        ]
