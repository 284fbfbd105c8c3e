"""Bodies of answers: JSON, or one JSON value a line, with numbers exactly as they were sent."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Final

import orjson

from reconciler.model.json import Json

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_ZERO_AT_END: Final = re.compile(rb"\.(?!0[^0-9])[0-9]*0[^0-9.eE]")
"""Numbers that a float does not hold as they are written, such as 1.50, though 1.0. Begins with a letter, which is found fast."""
_ONE_KIND: Final = bytes.maketrans(b"123456789.", b"0000000000")
_MANY: Final = b"0" * 17
_HUGE: Final = re.compile(rb"[0-9]{19,}")
"""Whole numbers that may have more than 64 bits."""
_LONG: Final = re.compile(rb"[0-9.]{17,}(?:[eE][+-]?[0-9]+)?")
"""Numbers of which only a look can tell: what programs write of their floats has as many digits as it takes."""


class NotJson(Exception):
    """A body is not what it should be."""


def decoded(body: bytes) -> Json:
    """The document that *body* is; lines of JSON are a list. Fractions that a float would round are `Decimal`.

    Raises:
        NotJson: says in which line; never shows the body.
    """
    text = body.removeprefix(_BYTE_ORDER_MARK)
    if not text.strip():
        raise NotJson("the body is empty")
    try:
        return _value(text)
    except ValueError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2 or not lines[0].lstrip().startswith((b"{", b"[")):
            raise NotJson("the body is not JSON") from error
    values: list[Json] = []
    for number, line in enumerate(lines, start=1):
        try:
            values.append(_value(line))
        except ValueError as error:
            raise NotJson(f"the body is not JSON, nor is line {number} of it") from error
    return values


def _value(text: bytes) -> Json:
    if _ZERO_AT_END.search(text) or (_MANY in text.translate(_ONE_KIND) and not _has_exact_long_numbers(text)):
        # Five times as slow, and exact.
        exact: Json = json.loads(text, parse_float=_fraction)
        return exact
    value: Json = orjson.loads(text)
    return value


def _has_exact_long_numbers(text: bytes) -> bool:
    return _HUGE.search(text) is None and all(map(_is_exact, _LONG.findall(text)))


def _is_exact(token: bytes) -> bool:
    written = token.decode()
    if "." not in written:
        return True  # fewer digits than 64 bits have
    try:
        return repr(float(written)) == written
    except ValueError:
        return True  # of a text, such as the dots of a version


def _fraction(text: str) -> float | Decimal:
    as_float = float(text)
    return as_float if repr(as_float) == text else Decimal(text)
