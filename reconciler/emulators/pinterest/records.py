"""Reading the ``records`` string: values separated by commas, hashed or plain.

Plain values are hashed here and nowhere kept.
Source: openapi.json 5.23.0, CustomerListRequest.records and its example, which ends with a comma.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

_DIGEST = re.compile(r"[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32}")  # SHA-256, SHA-1, MD5
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_OPAQUE = re.compile(r"[!-~]+")  # visible ASCII: LR_ID, DLX_ID, HASHED_PINNER_ID have no published form
_EMPTY_SHA256 = hashlib.sha256(b"").digest()
_NOBODY = frozenset((_EMPTY_SHA256, hashlib.sha1(b"").digest(), hashlib.md5(b"").digest()))  # noqa: S324 - as sent
_SHA256_DIGITS = 64
_SHA256_BYTES = 32

PLAIN_KINDS: Mapping[str, re.Pattern[str] | None] = {
    "EMAIL": _EMAIL,
    "IDFA": None,  # the schema wants these two hashed
    "MAID": None,
    "LR_ID": _OPAQUE,
    "DLX_ID": _OPAQUE,
    "HASHED_PINNER_ID": _OPAQUE,
}


@dataclass(frozen=True, slots=True)
class Batch:
    """What one ``records`` string held.

    sent: values, whatever they are worth; empty ones do not count.
    digests: one a valid value, in order, with repetitions; empty when they were only counted.
    """

    sent: int
    digests: tuple[bytes, ...] = ()
    invalid: int = 0


def read(records: str, list_type: str) -> Batch:
    """Take *records* of a list of *list_type* apart."""
    return _sha256_only(records) or _any_kind(records, PLAIN_KINDS[list_type])


def count(records: str) -> Batch:
    """Only count the values."""
    return Batch(sent=sum(map(bool, records.split(","))))


def _sha256_only(records: str) -> Batch | None:
    """The fast way, for what nearly every batch is; None when it is not."""
    separators = records[_SHA256_DIGITS :: _SHA256_DIGITS + 1]
    if separators.strip(",") or records != records.lower():
        return None
    values = (len(records) + 1) // (_SHA256_DIGITS + 1)
    try:
        joined = bytes.fromhex(records.replace(",", ""))
    except ValueError:
        return None
    if not values or len(joined) != values * _SHA256_BYTES:
        return None
    digests = tuple(joined[at : at + _SHA256_BYTES] for at in range(0, len(joined), _SHA256_BYTES))
    return None if _EMPTY_SHA256 in digests else Batch(values, digests)


def _any_kind(records: str, plain: re.Pattern[str] | None) -> Batch:
    values = [value for value in records.split(",") if value]
    digests = tuple(digest for value in values if (digest := _digest(value, plain)) is not None)
    return Batch(len(values), digests, len(values) - len(digests))


def _digest(value: str, plain: re.Pattern[str] | None) -> bytes | None:
    if _DIGEST.fullmatch(value):
        digest = bytes.fromhex(value)
        return None if digest in _NOBODY else digest
    if plain is None or not plain.fullmatch(value) or value != value.lower():
        return None
    return hashlib.sha256(value.encode()).digest()
