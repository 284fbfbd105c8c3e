"""`tdr preview activation/NAME`: what would be sent, and what not, with nothing sent and nobody shown."""

from __future__ import annotations

import hashlib

import pytest
from stage import Stage

ADDRESS = "jane.doe@example.com"
DIGEST = hashlib.sha256(ADDRESS.encode()).hexdigest()
OTHER = hashlib.sha256(b"john@example.com").hexdigest()
ROWS = (
    (f"  {ADDRESS.upper()} ", "email", DIGEST),
    (DIGEST.upper(), "sha256", DIGEST),  # the same person
    (OTHER, "sha256", OTHER),
    ("", "empty", ""),
    ("5f4dcc3b5aa765d61d8327deb882cf99", "looks_like_md5", ""),
    ("jane doe", "not_an_address", ""),
    ("jane,doe@example.com", "forbidden_character", ""),
    (hashlib.sha256(b"").hexdigest(), "hash_of_empty", ""),
)


def asked_for(stage: Stage, sql: str) -> None:
    stage.edit("manifests/activation.yaml", "SELECT email FROM customers WHERE spring = 'yes'", sql)


@pytest.fixture
def odd(loaded: Stage) -> Stage:
    """An activation that is not applied, of the rows above in their order."""
    values = ", ".join(f"({number}, '{value}')" for number, (value, _, _) in enumerate(ROWS))
    asked_for(loaded, f'"SELECT email FROM (VALUES {values}) AS t(n, email) ORDER BY n -- all of them"')
    return loaded


def test_rows_are_told_as_the_destination_would_take_them(odd: Stage) -> None:
    told = odd.tdr("preview", "activation/spring-buyers-daily", "--format", "json").document

    assert told["sending"] == {
        "rows": 8,
        "is_whole": True,
        "sent": 2,
        "duplicates": 1,
        "already_hashed": 2,
        "left_out": {
            "empty": 1, "forbidden_character": 1, "hash_of_empty": 1, "looks_like_md5": 1, "not_an_address": 1,
        },
    }  # fmt: skip
    assert told["columns"] == ["email", "is", "becomes"]
    assert [row[:2] for row in told["first_rows"]] == [["***", kind] for _, kind, _ in ROWS]
    assert [row[2] for row in told["first_rows"][:3]] == [f"{digest[:8]}…" for _, _, digest in ROWS[:3]]
    assert all(row[2].startswith("left out: ") for row in told["first_rows"][3:])


def test_nothing_is_made_sent_or_remembered(odd: Stage) -> None:
    odd.tdr("preview", "activation/spring-buyers-daily")

    assert odd.audiences() == []
    assert odd.batches() == 0
    assert "activation/spring-buyers-daily" not in odd.records()


def test_nobody_is_shown(odd: Stage) -> None:
    odd.tdr("preview", "activation/spring-buyers-daily")
    odd.tdr("preview", "activation/spring-buyers-daily", "--format", "json")

    said = "".join(odd.heard).lower()
    assert "jane" not in said
    assert DIGEST[:12] not in said
    assert OTHER[:12] not in said


def test_people_read_counts_and_reasons(odd: Stage) -> None:
    said = odd.tdr("preview", "activation/spring-buyers-daily", "--rows", "4").out

    assert said.splitlines()[:3] == [
        "activation/spring-buyers-daily: 8 rows, nothing is sent",
        "  2 would be sent, 2 of the rows came hashed already",
        "  1 say the same as another",
    ]
    assert "  1 left out: looks_like_md5" in said
    assert "left out: it is empty" in said
    assert said.count("***") == 4


def test_what_is_applied_and_sent_is_what_was_shown(applied: Stage) -> None:
    told = applied.tdr("preview", "activation/spring-buyers-daily", "--format", "json").document["sending"]

    assert told["sent"] == len(applied.members()) == 120
    assert told["left_out"] == {}


@pytest.mark.parametrize(
    ("sql", "message", "hint"),
    [
        ("SELECT spring FROM customers", "its query has no column 'email'", "it has spring"),
        ("SELECT email FROM nowhere", "its query ended as error", "nowhere"),
        ("SELECT email FROM customers; ", "", ""),
    ],
)
def test_what_cannot_be_looked_at_says_why(loaded: Stage, sql: str, message: str, hint: str) -> None:
    asked_for(loaded, f'"{sql}"')

    said = loaded.tdr("preview", "activation/spring-buyers-daily", expect=1 if message else 0)

    assert message in said.err
    assert hint in said.err


@pytest.mark.parametrize("address", ["query/buyers", "audience/spring-buyers", "activation/nobody"])
def test_other_things_are_refused(loaded: Stage, address: str) -> None:
    assert loaded.tdr("preview", address, expect=1).err.startswith(f"error: {address} is n")
