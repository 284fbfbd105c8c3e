"""Whether a number column holds a value as it is: DuckDB's own casts round ``1.7``, read ``007`` and ``0x1f``, and say nothing.

Pure text: SQL for those who move rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

STORED_NUMBERS: Final[Mapping[str, str]] = {"int": "INTEGER", "long": "BIGINT", "float": "FLOAT", "double": "DOUBLE"}
"""Treasure Data's number types -> how the embedded service stores them."""
HOW_TO_WRITE: Final[Mapping[str, str]] = {
    "int": "write it like 17 or -3, within 32 bits, without leading zeros or an exponent, or declare the column as string",
    "long": "write it like 17 or -3, within 64 bits, without leading zeros or an exponent, or declare the column as string",
    "float": "write it like 2.5 or 1e-3, without leading zeros, NaN or infinity, or declare the column as string",
    "double": "write it like 2.5 or 1e-3, without leading zeros, NaN or infinity, and a decimal with no more digits than a double "
    "keeps (15 always); or declare the column as string",
}
DIGITS_KEPT: Final[Mapping[str, int]] = {"float": 6, "double": 15}
"""Digits of a decimal that come back from a binary fraction whatever they are. Source: IEEE 754, as C's FLT_DIG and DBL_DIG."""
_WHOLE: Final = r"[+-]?(0|[1-9][0-9]*)(\.0*)?"
_NUMBER: Final = r"[+-]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
_FRACTIONS: Final = frozenset({"FLOAT", "DOUBLE", "DECIMAL"})
_EXACT: Final = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "BOOLEAN"}
)


def misfit(value: str, type_: str, wanted: str) -> str:
    """SQL that is true for what a column of the number type *wanted* cannot hold as it is; never for NULL.

    value: SQL expression. type_: its DuckDB type. wanted: one of `STORED_NUMBERS`.

    Numbers may have spaces around them and ``.0`` behind. Truth values that are no text are 0 and 1, for Treasure Data's
    tables know none. Fractions are rounded to the nearest that the type has; whole numbers and decimals are not.
    """
    target, base = STORED_NUMBERS[wanted], type_.partition("(")[0].upper()
    is_whole = wanted in {"int", "long"}
    if base in _FRACTIONS:
        lost = f"TRY_CAST({value} AS {target}) IS NULL"
        if base == "DECIMAL" and not is_whole and digits_of(type_) > DIGITS_KEPT[wanted]:
            lost = f"TRY_CAST(TRY_CAST({value} AS {target}) AS {type_}) IS DISTINCT FROM {value}"
        return f"({value} IS NOT NULL AND ({value} <> trunc({value}) OR {lost}))" if is_whole else _lost(value, lost)
    if base in _EXACT:
        lost = f"TRY_CAST({value} AS {target}) IS NULL"
        return _lost(value, lost if is_whole or base == "BOOLEAN" else _rounds(value, target))
    text = f"trim(CAST({value} AS VARCHAR))"
    if is_whole:
        return _lost(value, f"NOT regexp_full_match({text}, '{_WHOLE}') OR TRY_CAST({text} AS {target}) IS NULL")
    # What is out of range becomes infinite.
    is_bad = (
        f"NOT regexp_full_match({text}, '{_NUMBER}') OR NOT coalesce(isfinite(TRY_CAST({text} AS {target})), false)"
    )
    rounds = f"(regexp_full_match({text}, '[+-]?[0-9]{{1,37}}') AND {_rounds(text, target)})"
    return _lost(value, f"{is_bad} OR {rounds}")


def digits_of(decimal: str) -> int:
    """The digits of ``DECIMAL(18,2)``."""
    return int(decimal.partition("(")[2].partition(",")[0])


def _lost(value: str, condition: str) -> str:
    return f"({value} IS NOT NULL AND ({condition}))"


def _rounds(value: str, target: str) -> str:
    return f"TRY_CAST(TRY_CAST({value} AS {target}) AS HUGEINT) IS DISTINCT FROM TRY_CAST({value} AS HUGEINT)"
