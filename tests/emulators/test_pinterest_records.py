from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.emulators.pinterest.records import Batch, count, read

JANE = b"jane.doe@example.com"
SHA256 = hashlib.sha256(JANE)
SHA1 = hashlib.sha1(JANE)  # noqa: S324 - one of the three the vendor takes
MD5 = hashlib.md5(JANE)  # noqa: S324 - likewise
IDFA = "9D5A3A7E-0C2F-4B61-8E55-1F2A3B4C5D6E"


@pytest.mark.parametrize(
    ("records", "list_type", "batch"),
    [
        ("", "EMAIL", Batch(0)),
        (",", "EMAIL", Batch(0)),
        (SHA256.hexdigest(), "EMAIL", Batch(1, (SHA256.digest(),))),
        (f"{SHA256.hexdigest()},", "EMAIL", Batch(1, (SHA256.digest(),))),
        (f"{SHA256.hexdigest()},{SHA256.hexdigest()}", "EMAIL", Batch(2, (SHA256.digest(),) * 2)),
        (f"{SHA256.hexdigest()},,{SHA256.hexdigest()}", "EMAIL", Batch(2, (SHA256.digest(),) * 2)),
        (f"{SHA1.hexdigest()},{MD5.hexdigest()}", "EMAIL", Batch(2, (SHA1.digest(), MD5.digest()))),
        ("jane.doe@example.com", "EMAIL", Batch(1, (SHA256.digest(),))),
        (f"jane.doe@example.com,{SHA256.hexdigest()}", "EMAIL", Batch(2, (SHA256.digest(),) * 2)),
        ("Jane.Doe@example.com", "EMAIL", Batch(1, (), 1)),
        (" jane.doe@example.com", "EMAIL", Batch(1, (), 1)),
        ("jane.doe", "EMAIL", Batch(1, (), 1)),
        (f"{SHA256.hexdigest()}\n{SHA256.hexdigest()}", "EMAIL", Batch(1, (), 1)),
        (f" {SHA256.hexdigest()[1:]}", "EMAIL", Batch(1, (), 1)),
        (SHA256.hexdigest().upper(), "EMAIL", Batch(1, (), 1)),
        (SHA256.hexdigest()[:-1], "EMAIL", Batch(1, (), 1)),
        (hashlib.sha256(b"").hexdigest(), "EMAIL", Batch(1, (), 1)),
        (f"{hashlib.sha256(b'').hexdigest()},{SHA256.hexdigest()}", "EMAIL", Batch(2, (SHA256.digest(),), 1)),
        (IDFA, "IDFA", Batch(1, (), 1)),
        (IDFA.lower(), "MAID", Batch(1, (), 1)),
        (SHA256.hexdigest(), "IDFA", Batch(1, (SHA256.digest(),))),
        ("xy-1", "LR_ID", Batch(1, (hashlib.sha256(b"xy-1").digest(),))),
    ],
)
def test_records_are_values_between_commas(records: str, list_type: str, batch: Batch) -> None:
    assert read(records, list_type) == batch
    assert count(records) == Batch(batch.sent)


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=20), st.booleans())
def test_the_fast_way_reads_what_was_written(digests: list[bytes], ends_with_comma: bool) -> None:  # noqa: FBT001
    records = ",".join(digest.hex() for digest in digests) + ("," if ends_with_comma else "")

    assert read(records, "EMAIL") == Batch(len(digests), tuple(digests))


@given(st.text(alphabet="0123456789abcdefABCDEF, \n@é", max_size=300))
def test_reading_never_fails_and_counts_every_value(records: str) -> None:
    batch = read(records, "EMAIL")

    assert batch.sent == len(batch.digests) + batch.invalid == count(records).sent
