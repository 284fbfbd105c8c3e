"""Which columns a query puts out, and what they tell of a person, as far as names and text show it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_CLASSES: Final = (
    ("email", r"e?_?mail(_?address)?"),
    ("phone", r"phone(_?number)?|mobile(_?number)?|tel(ephone)?|msisdn"),
    ("maid", r"maid|idfa|gaid|aaid|adid|idfv|mobile_?(ad(vertising)?_?)?id|device_?id"),
    ("name", r"((first|last|given|family|full|sur|middle)_?)name|name"),
    ("birth_date", r"birth_?(date|day)|date_?of_?birth|dob"),
    ("address", r"(street|postal|home|billing|shipping)_?address|address|street|zip(_?code)?|post(al)?_?code"),
    ("ip", r"ip(_?address)?"),
    ("gender", r"gender|sex"),
    ("customer_id", r"(customer|user|member|external|crm|contact|person)_?id"),
)
_PII: Final = tuple((name, re.compile(rf"(?:^|_)(?:{words})(?:$|_)")) for name, words in _CLASSES)
_HASH: Final = re.compile(r"sha_?(?:256|512|1)|md5", re.IGNORECASE)
_PLAIN_LIST: Final = re.compile(
    r"\s*select\s+(?:distinct\s+)?([a-z_]\w*(?:\s*,\s*[a-z_]\w*)*)\s+from\b", re.IGNORECASE | re.ASCII
)
_KEYWORDS: Final = frozenset({"all", "top", "case", "null", "true", "false", "distinct"})


@dataclass(frozen=True, slots=True)
class Column:
    """An output column. *hashing* is the hash its expression or its name tells of, "" for none."""

    name: str
    hashing: str = ""


@lru_cache(maxsize=1024)
def columns_of(sql: str, dialect: str) -> tuple[Column, ...] | None:
    """The output columns of a SELECT; None when they cannot be told from its text (``*``, or it does not parse).

    A plain list of names is read off; anything else is parsed, which takes an eighth of a second the first time.
    """
    simple = _PLAIN_LIST.match(sql)
    if simple:
        names = [name.strip() for name in simple[1].split(",")]
        if not _KEYWORDS.intersection(name.lower() for name in names):
            return tuple(Column(name.lower(), hashing_of(name)) for name in names)
    found = list(_parsed(sql, dialect))
    return None if not found or None in found else tuple(column for column in found if column)


def _parsed(sql: str, dialect: str) -> Iterator[Column | None]:
    import sqlglot  # noqa: PLC0415 - most plans change no query that needs it
    from sqlglot.errors import SqlglotError  # noqa: PLC0415 - as above

    try:
        statement = sqlglot.parse_one(sql, dialect=dialect)
    except (SqlglotError, RecursionError):
        return
    if not isinstance(statement, sqlglot.exp.Query):
        return
    for number, expression in enumerate(statement.selects):
        if expression.is_star:
            yield None
            continue
        name = expression.output_name.lower() or f"_col{number}"
        yield Column(name, hashing_of(name) or hashing_of(expression.unalias().sql(dialect=dialect)))


def hashing_of(text: str) -> str:
    """The hash that a name or an expression tells of: ``sha256``, ``sha512``, ``sha1``, ``md5`` or ""."""
    found = _HASH.search(text)
    return found[0].lower().replace("_", "") if found else ""


@lru_cache(maxsize=4096)
def pii_class(column: str) -> str:
    """What a column of that name tells of a person, such as ``email`` or ``phone``; "" when its name tells nothing."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column).lower()
    return next((pii for pii, pattern in _PII if pattern.search(name)), "")
