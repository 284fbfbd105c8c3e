"""Patterns of people's rules, matched in time linear in the text: the engine is RE2-like and never goes back."""

from __future__ import annotations

from functools import lru_cache

from pydantic_core import SchemaError, SchemaValidator, core_schema

LONGEST = 500


class PatternRefused(ValueError):
    """It is no pattern, or one that cannot be matched in linear time (look-around, back references)."""


@lru_cache(maxsize=256)
def pattern(text: str) -> SchemaValidator:
    """A validator whose `isinstance_python` tells whether *text* matches anywhere.

    Raises:
        PatternRefused: see there; also when *text* is empty or longer than 500 characters.
    """
    if not 0 < len(text) <= LONGEST:
        message = f"a pattern has 1 to {LONGEST} characters"
        raise PatternRefused(message)
    try:
        return SchemaValidator(core_schema.str_schema(pattern=text, regex_engine="rust-regex", strict=True))
    except SchemaError as error:
        message = f"{text!r} is no pattern: look-around and back references are refused, brackets must balance"
        raise PatternRefused(message) from error
