from __future__ import annotations

import hashlib
import json
import threading
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.dataplane.identifiers import Screening, screen
from reconciler.dataplane.workspace import open_workspace
from reconciler.errors import Permanent, Transient
from reconciler.model.kinds import Identifier

ZERO = "00000000-0000-0000-0000-000000000000"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def screened(
    values: list[str | None], folder: Path, identifier: Identifier = Identifier.EMAIL
) -> tuple[Screening, set[str]]:
    """What `screen` says of *values*, and the keys it wrote."""
    keys = folder / "wanted.keys"
    with duckdb.connect() as connection, open_workspace() as workspace:
        connection.execute(f'CREATE TABLE rows ("{identifier.value}" VARCHAR)')
        connection.execute("INSERT INTO rows SELECT unnest(?::VARCHAR[])", [values])
        screening = screen(connection, workspace, identifier, keys, threading.Event())
    content = keys.read_bytes()
    assert len(content) == screening.keys * 32
    return screening, {content[at : at + 32].hex() for at in range(0, len(content), 32)}


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("jane@example.com", "jane@example.com"),
        (" JANE@Example.com\t\r\n", "jane@example.com"),
        ("\u3000jane@example.com\u00a0", "jane@example.com"),
        ("a.b+c@gmail.com", "a.b+c@gmail.com"),
        ("taro..yamada.@docomo.ne.jp", "taro..yamada.@docomo.ne.jp"),
        ("山田@例え.jp", "山田@例え.jp"),
        ("o'hara@example.com", "o'hara@example.com"),
        ("root@localhost", "root@localhost"),
    ],
)
def test_an_address_is_trimmed_lower_cased_and_hashed(tmp_path: Path, written: str, sent: str) -> None:
    screening, keys = screened([written], tmp_path)
    assert keys == {digest(sent)}
    assert (screening.rows, screening.rejections.counts()) == (1, {})


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (None, "empty"),
        ("", "empty"),
        (" \u00a0\t", "empty"),
        (hashlib.md5(b"x").hexdigest(), "looks_like_md5"),  # noqa: S324 - what people send
        (hashlib.sha1(b"x").hexdigest().upper(), "looks_like_sha1"),  # noqa: S324 - what people send
        (f" {digest('').upper()} ", "hash_of_empty"),
        ("not-an-address", "not_an_address"),
        ("@example.com", "not_an_address"),
        ("jane@", "not_an_address"),
        ("a@b@example.com", "not_an_address"),
        ("hanako\uff20example.com", "not_an_address"),
        (digest("x") + "00", "not_an_address"),
        ("id:" + digest("x"), "not_an_address"),
        ("a,jane@example.com", "forbidden_character"),
        ("jane doe@example.com", "forbidden_character"),
        ("jane\u00a0doe@example.com", "forbidden_character"),
        ("<jane@example.com>", "forbidden_character"),
        ("mailto:jane@example.com", "forbidden_character"),
        ("\u200bjane@example.com", "forbidden_character"),
        ("jane@example.com\ufeff", "forbidden_character"),
        ("ja\u00adne@example.com", "forbidden_character"),
        ("jane\u3164@example.com", "forbidden_character"),
        ("jane@example.com\u0000", "forbidden_character"),
    ],
)
def test_what_cannot_be_an_address_is_refused_with_its_reason(tmp_path: Path, written: str | None, reason: str) -> None:
    screening, keys = screened([written], tmp_path)
    assert keys == set()
    assert screening.rejections.counts() == {reason: 1}
    assert screening.rejections.first_invalid() == (1, reason)


@pytest.mark.parametrize("identifier", [Identifier.MAID, Identifier.IDFA])
def test_ids_must_be_hashed_and_the_zero_id_is_dropped_without_being_a_mistake(
    tmp_path: Path, identifier: Identifier
) -> None:
    good = digest("ea7583cd-a667-48bc-b806-42ecb2b48606")
    rows = [
        digest(ZERO),
        f" {good.upper()}",
        "ea7583cd-a667-48bc-b806-42ecb2b48606",
        "jane@example.com",
        None,
        digest(""),
    ]
    screening, keys = screened(rows, tmp_path, identifier)
    assert keys == {good}
    assert screening.rejections.counts() == {"empty": 1, "hash_of_empty": 1, "not_sha256": 2, "zero_id": 1}
    assert screening.rejections.first_invalid() == (3, "not_sha256")


def test_rejected_rows_are_listed_by_number_without_values(tmp_path: Path) -> None:
    rows: list[str | None] = ["a@example.com", "planted", None, "A@example.com", "b,c@example.com"]
    screening, _ = screened(rows, tmp_path)
    screening.rejections.save(tmp_path / "q" / "job.jsonl")
    listed = [json.loads(line) for line in (tmp_path / "q" / "job.jsonl").read_text().splitlines()]
    assert listed == [
        {"row": 2, "reason": "not_an_address"},
        {"row": 3, "reason": "empty"},
        {"row": 5, "reason": "forbidden_character"},
    ]
    assert (screening.duplicates, screening.keys) == (1, 1)


def test_the_list_of_rejected_rows_is_bounded_and_keeps_the_first(tmp_path: Path) -> None:
    screening, _ = screened([f"planted{number}" for number in range(25_000)], tmp_path)
    screening.rejections.save(tmp_path / "job.jsonl")
    listed = [json.loads(line)["row"] for line in (tmp_path / "job.jsonl").read_text().splitlines()]
    assert listed == list(range(1, 10_001))
    assert screening.rejections.counts() == {"not_an_address": 25_000}


def test_rows_are_numbered_across_batches(tmp_path: Path) -> None:
    rows: list[str | None] = [f"p{number}@example.com" for number in range(250_000)]
    rows[249_998] = "planted"
    screening, _ = screened(rows, tmp_path)
    assert screening.rejections.first_invalid() == (249_999, "not_an_address")
    assert (screening.rows, screening.keys) == (250_000, 249_999)


def test_a_workspace_gets_more_memory_when_spilling_is_not_enough(tmp_path: Path) -> None:
    with duckdb.connect() as connection, open_workspace(memory_mib=4) as workspace:
        connection.execute("CREATE VIEW rows AS SELECT 'p' || i || '@example.com' AS email FROM range(150_000) t(i)")
        assert screen(connection, workspace, Identifier.EMAIL, tmp_path / "k", threading.Event()).keys == 150_000


def test_an_error_of_the_query_is_not_quoted(tmp_path: Path) -> None:
    with duckdb.connect() as connection, open_workspace() as workspace:
        connection.execute("CREATE VIEW rows AS SELECT CAST(CAST('planted' AS INTEGER) AS VARCHAR) AS email")
        with pytest.raises(Permanent) as caught:
            screen(connection, workspace, Identifier.EMAIL, tmp_path / "k", threading.Event())
    assert "planted" not in repr(caught.value)
    assert caught.value.message == "the rows could not be read: ConversionException"


def test_a_cancelled_run_stops_while_rows_are_read(tmp_path: Path) -> None:
    cancelled = threading.Event()
    cancelled.set()
    with duckdb.connect() as connection, open_workspace() as workspace:
        connection.execute("CREATE VIEW rows AS SELECT 'p' || i || '@example.com' AS email FROM range(10) t(i)")
        with pytest.raises(Transient, match="nothing was sent"):
            screen(connection, workspace, Identifier.EMAIL, tmp_path / "k", cancelled)


LOCAL = st.text("abcxyzABC019._%+-'", min_size=1, max_size=8)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.tuples(LOCAL, LOCAL, st.sampled_from(["", " ", "\t", "\u00a0", "\u3000"])), max_size=8))
def test_an_address_and_its_own_digest_are_one_member(tmp_path: Path, parts: list[tuple[str, str, str]]) -> None:
    plain: list[str | None] = [f"{blank}{local}@{domain}{blank}" for local, domain, blank in parts]
    wanted = {digest(f"{local}@{domain}".lower()) for local, domain, _ in parts}
    hashed: list[str | None] = [one.upper() for one in sorted(wanted)]
    screening, keys = screened([*plain, *hashed], tmp_path)
    assert keys == wanted
    assert screening.duplicates == len(plain) + len(hashed) - len(wanted)
