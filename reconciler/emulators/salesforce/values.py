"""Texts of a CSV file or values of JSON as what fields hold, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from reconciler.emulators.salesforce import ids
from reconciler.emulators.salesforce.schema import NUMBERS, TEXTS, Column
from reconciler.model.json import Json

_TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_EMAIL = re.compile(r"[^@\s<>,]+@[^@\s<>,.]+(\.[^@\s<>,.]+)+")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_ZONE = re.compile(r"([+-]\d\d)(\d\d)$")


class RowError(Exception):
    """A row is not taken, and why: code, message, fields."""

    def __init__(self, code: str, message: str, *fields: str) -> None:
        """Hold what the result will tell."""
        super().__init__(code)
        self.code = code
        self.message = message
        self.fields = fields

    @property
    def text(self) -> str:
        """As results in CSV have it."""
        fields = ", ".join(self.fields)
        return f"{self.code}:{self.message}:{fields}{' ' if fields else ''}--"


def stored(column: Column, value: Json) -> Json:
    """*value* as *column* keeps it.

    Raises:
        RowError: the column does not take it.
    """
    if isinstance(value, (list, Mapping)):
        raise RowError("INVALID_TYPE_ON_FIELD_IN_RECORD", f"{column.label}: value not of required type", column.name)
    if value is None or column.type not in TEXTS:
        return None if value is None else _typed(column, value)
    text = _text(value).strip()
    if len(text) > column.length:
        raise RowError(
            "STRING_TOO_LONG",
            f"{column.label}: data value too large: {text} (max length={column.length})",
            column.name,
        )
    if column.type == "email" and _EMAIL.fullmatch(text) is None:
        raise RowError("INVALID_EMAIL_ADDRESS", f"{column.label}: invalid email address: {text}", column.name)
    if column.restricted and not set(text.split(";") if column.type == "multipicklist" else [text]) <= set(
        column.values
    ):
        raise RowError(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            f"{column.label}: bad value for restricted picklist field: {text}",
            column.name,
        )
    return text or None


def _typed(column: Column, value: Json) -> Json:
    text = _text(value).strip()
    try:
        return _parsed(column, text)
    except (ValueError, KeyError, OverflowError):
        code = "MALFORMED_ID" if column.type in {"reference", "id"} else "INVALID_TYPE_ON_FIELD_IN_RECORD"
        told = "id value of incorrect type" if code == "MALFORMED_ID" else "value not of required type"
        raise RowError(code, f"{column.label}: {told}: {text}", column.name) from None


def _parsed(column: Column, text: str) -> Json:
    if column.type == "boolean":
        return _TRUTH[text.lower()]
    if column.type == "int":
        return _bounded(int(_matching(_NUMBER, text)))
    if column.type in NUMBERS:
        return float(_matching(_NUMBER, text))
    if column.type in {"date", "datetime"}:
        moment = datetime.fromisoformat(_ZONE.sub(r"\1:\2", _matching(_MOMENT, text)))
        return moment.date().isoformat() if column.type == "date" else stamp(moment)
    found = ids.read(text)
    if found is None:
        raise ValueError(text)
    return found


def _matching(form: re.Pattern[str], text: str) -> str:
    """*text*, which Python would also read in forms that are its own."""
    if form.fullmatch(text) is None:
        raise ValueError(text)
    return text


def _bounded(number: int) -> int:
    if not -(2**31) <= number < 2**31:
        raise ValueError(number)
    return number


def stamp(moment: datetime) -> str:
    """As JSON has moments; one without a zone is taken for UTC."""
    told = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return told.strftime("%Y-%m-%dT%H:%M:%S.") + f"{told.microsecond // 1000:03d}+0000"


def in_csv(value: Json) -> str:
    """As a file of results has it."""
    return "" if value is None else _text(value)


def _text(value: Json) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value)) if abs(value) < 1e15 else repr(value)
    return str(value)
