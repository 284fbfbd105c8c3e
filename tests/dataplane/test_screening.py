from __future__ import annotations

import hashlib
import json
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from full_disk import no_file_longer_than
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.dataplane.identifiers import judge, screener
from reconciler.dataplane.screening import Screening, screen
from reconciler.errors import Permanent, Transient
from reconciler.model.kinds import Identifier

ZERO = "00000000-0000-0000-0000-000000000000"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture(params=["quick", "careful"])
def way(request: pytest.FixtureRequest) -> str:
    """Whether plain addresses are hashed by the quicker engine: what comes of it is the same."""
    if request.param == "quick":
        pytest.importorskip("datafusion", reason="the extra `datafusion` is not installed")
    return str(request.param)


def screened(
    values: list[str | None], folder: Path, identifier: Identifier = Identifier.EMAIL, *, way: str
) -> tuple[Screening, set[str]]:
    """What `screen` says of *values*, and the keys it wrote."""
    keys = folder / "wanted.keys"
    with duckdb.connect() as connection:
        connection.execute(f'CREATE TABLE rows ("{identifier.value}" VARCHAR)')
        connection.execute("INSERT INTO rows SELECT unnest(?::VARCHAR[])", [values])
        screening = screen(connection, identifier, keys, threading.Event(), quick=way == "quick")
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
def test_an_address_is_trimmed_lower_cased_and_hashed(tmp_path: Path, way: str, written: str, sent: str) -> None:
    screening, keys = screened([written], tmp_path, way=way)
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
def test_what_cannot_be_an_address_is_refused_with_its_reason(
    tmp_path: Path, way: str, written: str | None, reason: str
) -> None:
    screening, keys = screened([written], tmp_path, way=way)
    assert keys == set()
    assert screening.rejections.counts() == {reason: 1}
    assert screening.rejections.first_invalid() == (1, reason)


@pytest.mark.parametrize("identifier", [Identifier.MAID, Identifier.IDFA])
def test_ids_must_be_hashed_and_the_zero_id_is_dropped_without_being_a_mistake(
    tmp_path: Path, way: str, identifier: Identifier
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
    screening, keys = screened(rows, tmp_path, identifier, way=way)
    assert keys == {good}
    assert screening.rejections.counts() == {"empty": 1, "hash_of_empty": 1, "not_sha256": 2, "zero_id": 1}
    assert screening.rejections.first_invalid() == (3, "not_sha256")


def test_rejected_rows_are_listed_by_number_without_values(tmp_path: Path, way: str) -> None:
    rows: list[str | None] = ["a@example.com", "planted", None, "A@example.com", "b,c@example.com"]
    screening, _ = screened(rows, tmp_path, way=way)
    screening.rejections.save(tmp_path / "q" / "job.jsonl")
    listed = [json.loads(line) for line in (tmp_path / "q" / "job.jsonl").read_text().splitlines()]
    assert listed == [
        {"row": 2, "reason": "not_an_address"},
        {"row": 3, "reason": "empty"},
        {"row": 5, "reason": "forbidden_character"},
    ]
    assert (screening.duplicates, screening.keys) == (1, 1)


def test_the_list_of_rejected_rows_is_bounded_and_keeps_the_first(tmp_path: Path, way: str) -> None:
    screening, _ = screened([f"planted{number}" for number in range(25_000)], tmp_path, way=way)
    screening.rejections.save(tmp_path / "job.jsonl")
    listed = [json.loads(line)["row"] for line in (tmp_path / "job.jsonl").read_text().splitlines()]
    assert listed == list(range(1, 10_001))
    assert screening.rejections.counts() == {"not_an_address": 25_000}


def test_rows_are_numbered_across_batches(tmp_path: Path, way: str) -> None:
    rows: list[str | None] = [f"p{number}@example.com" for number in range(250_000)]
    rows[249_998] = "planted"
    screening, _ = screened(rows, tmp_path, way=way)
    assert screening.rejections.first_invalid() == (249_999, "not_an_address")
    assert (screening.rows, screening.keys) == (250_000, 249_999)


@pytest.mark.parametrize("bad_row", [0, 350_000], ids=["at once", "in the middle of the stream"])
def test_an_error_of_the_query_is_not_quoted(tmp_path: Path, way: str, bad_row: int) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"""
            CREATE VIEW rows AS SELECT CAST(CASE i WHEN {bad_row} THEN CAST('planted' AS INTEGER) ELSE i END AS VARCHAR) AS email
            FROM range({bad_row + 1}) t(i)
        """)
        with pytest.raises(Permanent) as caught:
            screen(connection, Identifier.EMAIL, tmp_path / "k", threading.Event(), quick=way == "quick")
        assert connection.sql("SELECT 1").fetchall() == [(1,)], "the connection is free for other queries"
    told = "".join(traceback.format_exception(caught.value))
    assert "planted" not in told.replace("CAST('planted'", "")
    assert caught.value.message == "the rows could not be read: ConversionException"


def test_a_cancelled_run_stops_while_rows_are_read(tmp_path: Path, way: str) -> None:
    cancelled = threading.Event()
    cancelled.set()
    with duckdb.connect() as connection:
        connection.execute("CREATE VIEW rows AS SELECT 'p' || i || '@example.com' AS email FROM range(10) t(i)")
        with pytest.raises(Transient, match="nothing was sent"):
            screen(connection, Identifier.EMAIL, tmp_path / "k", cancelled, quick=way == "quick")


LOCAL = st.text("abcxyzABC019._%+-'", min_size=1, max_size=8)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.tuples(LOCAL, LOCAL, st.sampled_from(["", " ", "\t", "\u00a0", "\u3000"])), max_size=8))
def test_an_address_and_its_own_digest_are_one_member(
    tmp_path: Path, way: str, parts: list[tuple[str, str, str]]
) -> None:
    plain: list[str | None] = [f"{blank}{local}@{domain}{blank}" for local, domain, blank in parts]
    wanted = {digest(f"{local}@{domain}".lower()) for local, domain, _ in parts}
    hashed: list[str | None] = [one.upper() for one in sorted(wanted)]
    screening, keys = screened([*plain, *hashed], tmp_path, way=way)
    assert keys == wanted
    assert screening.duplicates == len(plain) + len(hashed) - len(wanted)


def test_rows_of_every_kind_among_each_other_are_told_apart_in_every_batch(tmp_path: Path, way: str) -> None:
    """Four batches, so that several threads look at rows at the same time."""
    with duckdb.connect() as connection:
        connection.execute("""
            CREATE VIEW rows AS SELECT CASE i % 5
                WHEN 0 THEN 'p' || i || '@example.com '
                WHEN 1 THEN sha256('p' || (i - 1) || '@example.com')
                WHEN 2 THEN 'Ä' || i || '@example.com'
                WHEN 3 THEN 'planted' || i
                END AS email FROM range(350_000) t(i)
        """)
        screening = screen(connection, Identifier.EMAIL, tmp_path / "k", threading.Event(), quick=way == "quick")

    content = (tmp_path / "k").read_bytes()
    assert {content[at : at + 32].hex() for at in range(0, len(content), 32)} == {
        digest(f"{letter}{number + place}@example.com")
        for number in range(0, 350_000, 5)
        for letter, place in (("p", 0), ("ä", 2))
    }
    assert (screening.rows, screening.keys, screening.duplicates) == (350_000, 140_000, 70_000)
    assert screening.rejections.counts() == {"empty": 70_000, "not_an_address": 70_000}
    assert screening.rejections.first_invalid() == (4, "not_an_address")


def test_a_run_is_cancelled_in_the_middle_of_rows_without_end(tmp_path: Path, way: str) -> None:
    cancelled = threading.Event()
    timer = threading.Timer(0.2, cancelled.set)
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE VIEW rows AS SELECT 'p' || i % 10 || '@example.com' AS email FROM range(1_000_000_000_000_000) t(i)"
        )
        timer.start()
        with pytest.raises(Transient, match="nothing was sent"):
            screen(connection, Identifier.EMAIL, tmp_path / "k", cancelled, quick=way == "quick")
        assert connection.sql("SELECT 1").fetchall() == [(1,)], "the connection is free for other queries"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("rows", [100_000, 600_000], ids=["of the keys", "of what does not fit into memory"])
def test_a_disk_that_is_full_is_said_and_nothing_is_left_on_it(tmp_path: Path, way: str, rows: int) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"CREATE VIEW rows AS SELECT 'p' || i || '@example.com' AS email FROM range({rows}) t(i)")
        with (
            no_file_longer_than(1_000_000),
            pytest.raises(Permanent, match=r"cannot be kept in .*File too large") as caught,
        ):
            screen(connection, Identifier.EMAIL, tmp_path / "k", threading.Event(), quick=way == "quick")
        assert connection.sql("SELECT 1").fetchall() == [(1,)], "the connection is free for other queries"
    assert "nothing was sent" in caught.value.hint
    assert not (tmp_path / "k.spill").exists()


# Kelvin's sign is a letter whose small one is ASCII; the others are what is taken away, what is refused, and what looks like it.
ODD = st.text(" \t\u00a0@,;:<>!~aZ09._-+\u007f\u0000\u212a\u0130\u03a3\u00df\uff20", max_size=10)


DOUBTFUL = [digest(""), digest(ZERO), digest("0" * 32)]
DIGEST = st.sampled_from([digest("x"), digest("y").upper(), digest("x")[:-1], *DOUBTFUL])


def taken_on(values: Sequence[str | None], identifier: Identifier) -> dict[int, str]:
    """Place -> key of each value that the quicker engine takes on."""
    pytest.importorskip("datafusion", reason="the extra `datafusion` is not installed")
    with screener(identifier) as one, screener(identifier, quick=False) as other:
        assert one.plain is not None
        assert other.plain is None
        found = {}
        for place, value in enumerate(values):
            keys, rest = one.plain(pa.array([value], pa.string()))
            told = [key.hex() for some in keys for key in some.to_pylist()]
            assert (len(told), len(rest)) in {(1, 0), (0, 1)}, value
            if told:
                [found[place]] = told
        keys, rest = one.plain(pa.array(values, pa.string()))
    assert sorted(key.hex() for some in keys for key in some.to_pylist()) == sorted(found.values())
    assert rest.to_pylist() == [place for place in range(len(values)) if place not in found]
    return found


@pytest.mark.parametrize("identifier", [Identifier.EMAIL, Identifier.MAID])
@settings(max_examples=25, deadline=None)
@given(values=st.lists(ODD | DIGEST | st.text(max_size=6) | st.none(), min_size=1, max_size=8))
def test_what_the_quicker_engine_takes_on_is_what_the_other_makes_of_it(
    identifier: Identifier, values: list[str | None]
) -> None:
    found = taken_on(values, identifier)

    for place, (value, judged) in enumerate(zip(values, judge(values, identifier), strict=True)):
        assert found.get(place) in (None, judged.key), value
        if value is not None and value.isascii() and value.strip() == value.strip(" ") and value not in DOUBTFUL:
            assert (place in found) == (judged.reason is None), value


def test_every_visible_letter_of_ascii_is_judged_alike_by_both_engines() -> None:
    values = [form.replace("?", chr(code)) for code in range(0x21, 0x7F) for form in ("?a@b", "a?c@b", "a@?b", "a@b?")]

    found = taken_on(values, Identifier.EMAIL)

    assert found == {place: one.key for place, one in enumerate(judge(values, Identifier.EMAIL)) if one.reason is None}
    assert 0 < len(found) < len(values)
