"""Texts of a fixed form in words, for people who do not read patterns, and what to write instead."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from reconciler.diagnostics import did_you_mean


@dataclass(frozen=True, slots=True)
class Form:
    """What a pattern asks for: *words* follow "must be" or "must begin"; *repaired* makes such a text of another one, or ""."""

    words: str
    repaired: Callable[[str], str]


def form_of(pattern: str) -> Form | None:
    """The words for a pattern of the models."""
    return _FORMS.get(pattern)


def correction(pattern: str, value: str) -> str:
    """*value* as *pattern* allows it, as a hint; "" when nothing near fits."""
    form = _FORMS.get(pattern)
    if form is None:
        return ""
    if pattern == _COLUMN_TYPE:
        return f"write {_TYPES[value.lower()]}" if value.lower() in _TYPES else did_you_mean(value, _KNOWN_TYPES)
    repaired = form.repaired(value)
    return f"write {repaired}" if re.search(pattern, repaired) else ""


def _joined_by(sign: str) -> Callable[[str], str]:
    """Lower-case ASCII letters and digits, *sign* in place of whatever else stands between them."""

    def repaired(value: str) -> str:
        plain = unicodedata.normalize("NFKD", value).encode("ascii", "ignore").decode().lower()
        return re.sub(r"[^a-z0-9]+", sign, plain).strip(sign)

    return repaired


def _dotted_or_joined(value: str) -> str:
    plain = unicodedata.normalize("NFKD", value).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9._-]+", "-", plain).strip("-._")


def _column(value: str) -> str:
    name = _joined_by("_")(value)
    return f"_{name}" if name[:1].isdecimal() else name


def _of_a_task(value: str) -> str:
    plain = unicodedata.normalize("NFKD", value).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9_-]+", "_", plain.strip()).strip("_-")


def _whole(value: str) -> str:
    return re.sub(r"\D", "", value).lstrip("0")


def _only_digits(value: str) -> str:
    return re.sub(r"[\s_.,'-]", "", value)


def _without_first_sign(value: str) -> str:
    return value.strip().lstrip("./_-")


def _from_the_top(value: str) -> str:
    return "/" + value.strip("/").replace(".", "/")


_COLUMN_TYPE = r"^(string|int|long|float|double|array<.+>|map<.+>)$"
_KNOWN_TYPES = ("string", "int", "long", "float", "double")
_TYPES = {
    **dict.fromkeys(("varchar", "char", "text", "str", "uuid", "json", "date", "timestamp", "datetime"), "string"),
    **dict.fromkeys(("integer", "smallint", "tinyint", "boolean", "bool"), "int"),
    **dict.fromkeys(("bigint", "int64"), "long"),
    **dict.fromkeys(("real", "float32"), "float"),
    **dict.fromkeys(("decimal", "numeric", "number", "float64"), "double"),
}
_FORMS = {
    r"^[A-Za-z][A-Za-z0-9_]{0,79}$": Form(
        "be the API name of an object or a field: letters, digits and `_`, with a letter first, 80 characters at most",
        lambda value: re.sub(r"[^A-Za-z0-9]+", "_", value.strip()).strip("_"),
    ),
    r"^sc://[^/\s;@]+(/(;[^\s]*)?)?$": Form(
        "be the address of a Spark Connect server, such as sc://spark.example.com:15002",
        lambda value: re.sub(r"^[a-z]+://|^", "sc://", value.strip(), count=1),
    ),
    r"^[a-z]+/[a-z0-9]([a-z0-9._-]{0,118}[a-z0-9])?$": Form(
        "be an address, kind/name in lower case such as audience/spring-buyers", lambda value: value.strip().lower()
    ),
    r"^[a-z0-9]([a-z0-9._-]{0,118}[a-z0-9])?$": Form(
        "be lower-case letters, digits, `-`, `_` and `.`, with a letter or digit first and last, 120 characters at most",
        _dotted_or_joined,
    ),
    r"^[a-z0-9][a-z0-9-]{0,62}$": Form(
        "be lower-case letters, digits and `-`, with a letter or digit first, 63 characters at most", _joined_by("-")
    ),
    r"^[a-z0-9_]{3,255}$": Form("be 3 to 255 lower-case letters, digits and `_`", _joined_by("_")),
    r"^[a-z_][a-z0-9_]*$": Form("be lower-case letters, digits and `_`, with no digit first", _column),
    r"^[a-z][a-z0-9-]{1,62}$": Form(
        "be 2 to 63 lower-case letters, digits and `-`, with a letter first", _joined_by("-")
    ),
    r"^[a-z_][a-z0-9_]{0,62}$": Form(
        "be lower-case letters, digits and `_`, with no digit first, 63 characters at most", _column
    ),
    r"^[a-z][a-z0-9_]{0,63}$": Form(
        "be lower-case letters, digits and `_`, with a letter first, 64 characters at most", _joined_by("_")
    ),
    r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$": Form(
        "be 3 to 63 lower-case letters, digits, `-` and `.`, with a letter or digit first and last", _joined_by("-")
    ),
    r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$": Form(
        "be letters, digits, `-`, `_`, `.` and `/`, with a letter or digit first, 200 characters at most",
        _without_first_sign,
    ),
    r"^[A-Za-z0-9_][A-Za-z0-9_-]{0,99}$": Form(
        "be letters, digits, `-` and `_`, with no `-` first, 100 characters at most", _of_a_task
    ),
    r"^[1-9][0-9]{0,8}$": Form("be a whole number from 1 to 999999999", _whole),
    r"^[0-9]{1,18}$": Form("be 1 to 18 digits", _only_digits),
    r"^/": Form("begin with `/`, such as /description", _from_the_top),
    r"^(/[^/]*)*$": Form("begin with `/`, such as /spec/title", _from_the_top),
    r"^[0-9]+[smhdw]$": Form(
        "be a span of time such as 30m, 12h or 3d", lambda value: re.sub(r"\s+|(?<=[smhdw])[a-z]+$", "", value.lower())
    ),
    r"^(\*\.)?[a-z0-9.-]+(:[0-9]{1,5})?$": Form(
        "be the name of a host such as api.example.com, or *.example.com for all below one",
        lambda value: re.sub(r"^[a-z]+://|/.*$", "", value.strip().lower()),
    ),
    r"^[0-9A-Za-z]+@AdobeOrg$": Form(
        "be the id of an organisation, such as 0123ABCD@AdobeOrg",
        lambda value: re.sub(r"(@AdobeOrg)?$", "@AdobeOrg", value.strip(), count=1, flags=re.IGNORECASE),
    ),
    r"^[a-z0-9][a-z0-9-]{0,255}$": Form(
        "be lower-case letters, digits and `-`, with a letter or digit first, 256 characters at most", _joined_by("-")
    ),
    r"^[0-9A-Za-z][0-9A-Za-z_-]{0,63}$": Form(
        "be an id of the vendor: letters, digits, `-` and `_`, 64 characters at most", str.strip
    ),
    r"^FREQ=[A-Z]+(;[A-Z]+=[A-Z0-9,+-]+)*$": Form(
        "be a recurrence rule such as FREQ=HOURLY;INTERVAL=6",
        lambda value: re.sub(r"\s+|^RRULE:", "", value.upper()).rstrip(";"),
    ),
    r"^[A-Za-z][A-Za-z0-9]*(\.[A-Za-z][A-Za-z0-9]*)*$": Form(
        "be the name of a setting, such as tableLoadInParallel, with dots for what stands below others",
        lambda value: re.sub(r"[\s/.]+", ".", value.strip().removeprefix("settings.")).strip("."),
    ),
    _COLUMN_TYPE: Form("be string, int, long, float, double, array<…> or map<…>", str.lower),
}
