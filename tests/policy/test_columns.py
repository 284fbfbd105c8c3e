"""What a query's text tells of the columns it puts out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.policy.columns import Column, columns_of, pii_class


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT email FROM t", [("email", "")]),
        ("select distinct Email, phone_number from t", [("email", ""), ("phone_number", "")]),
        ("SELECT email_sha256 FROM t", [("email_sha256", "sha256")]),
        ("SELECT a.email FROM a JOIN b ON a.id = b.id", [("email", "")]),
        ("SELECT lower(mail) AS email FROM t", [("email", "")]),
        ("SELECT to_hex(sha256(to_utf8(mail))) AS email FROM t", [("email", "sha256")]),
        ("WITH t AS (SELECT * FROM u) SELECT email FROM t", [("email", "")]),
        ("SELECT email FROM a UNION ALL SELECT mail FROM b", [("email", "")]),
        ("SELECT count(1) FROM t", [("_col0", "")]),
        ("SELECT * FROM t", None),
        ("SELECT email, t.* FROM t", None),
        ("SELECT FROM WHERE", None),
        ("DROP TABLE t", None),
        ("", None),
    ],
)
def test_output_columns_are_read_off_or_said_to_be_unknown(sql: str, expected: list[tuple[str, str]] | None) -> None:
    columns = None if expected is None else tuple(Column(name, hashing) for name, hashing in expected)

    assert columns_of(sql, "trino") == columns


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("email", "email"),
        ("e_mail", "email"),
        ("email_sha256", "email"),
        ("customerEmail", "email"),
        ("phone", "phone"),
        ("mobile_number", "phone"),
        ("maid", "maid"),
        ("idfa", "maid"),
        ("first_name", "name"),
        ("LastName", "name"),
        ("date_of_birth", "birth_date"),
        ("zip_code", "address"),
        ("ip", "ip"),
        ("gender", "gender"),
        ("customer_id", "customer_id"),
        ("city", ""),
        ("filename", ""),
        ("shipped", ""),
        ("descriptions", ""),
    ],
)
def test_a_name_tells_what_a_column_says_of_a_person(column: str, expected: str) -> None:
    assert pii_class(column) == expected


@given(st.text(max_size=60))
def test_no_text_breaks_the_reading(sql: str) -> None:
    assert columns_of("SELECT " + sql, "trino") is None or columns_of("SELECT " + sql, "trino")
