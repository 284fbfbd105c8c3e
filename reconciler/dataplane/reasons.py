"""Why a row is not sent."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Reason(StrEnum):
    """Why a row is not sent. Stable codes; a reason's number, where one is needed, is its place here, from 1."""

    EMPTY = "empty"
    LOOKS_LIKE_MD5 = "looks_like_md5"
    LOOKS_LIKE_SHA1 = "looks_like_sha1"
    HASH_OF_EMPTY = "hash_of_empty"
    NOT_AN_ADDRESS = "not_an_address"
    FORBIDDEN_CHARACTER = "forbidden_character"
    NOT_SHA256 = "not_sha256"
    ZERO_ID = "zero_id"

    @property
    def is_invalid(self) -> bool:
        """Whether the row is a mistake. The hash of an all-zero id is none: a device without permission reports it."""
        return self is not Reason.ZERO_ID


REASONS = tuple(Reason)

EXPLANATIONS: Mapping[Reason, str] = {
    Reason.EMPTY: "it is empty",
    Reason.LOOKS_LIKE_MD5: "it looks like MD5, and only SHA-256 or plain addresses can be matched",
    Reason.LOOKS_LIKE_SHA1: "it looks like SHA-1, and only SHA-256 or plain addresses can be matched",
    Reason.HASH_OF_EMPTY: "it is the hash of an empty text",
    Reason.NOT_AN_ADDRESS: "it is neither an address with one @ nor a SHA-256",
    Reason.FORBIDDEN_CHARACTER: "a comma, a blank or an invisible character stands inside the address",
    Reason.NOT_SHA256: "it must be SHA-256 and is a raw id or something else",
    Reason.ZERO_ID: "it is the hash of an all-zero id, which stands for nobody",
}
