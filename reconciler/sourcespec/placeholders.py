"""Names in texts of a specification that a run puts values in for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from reconciler.model.json import Json
from reconciler.sourcespec.findings import Refused

SCHEDULE_QUERY: Final = "SCHEDULE_QUERY"
RESERVED: Final = frozenset({"START_TIME", "END_TIME", SCHEDULE_QUERY})

_DOLLAR: Final = re.compile(r"\$\{([^{}$]+)\}")
_BARE: Final = re.compile(r"(?<!\$)(?<!\{)\{([A-Za-z_][A-Za-z0-9_]*)\}(?!\})")
_EXPRESSION: Final = re.compile(r"@\{")
_OBSOLETE: Final = re.compile(r"\{\{[^{}]*\}\}")


def names_in(text: str, *, bare: bool = False) -> Iterator[str]:
    """Names that *text* asks for: ``${name}``, and with *bare* ``{name}`` too, which only hosts mean so."""
    yield from (match[1] for match in _DOLLAR.finditer(text))
    if bare:
        yield from (match[1] for match in _BARE.finditer(text) if match[1] not in RESERVED)


def reserved_in(text: str) -> set[str]:
    """The reserved names in *text*, such as ``SCHEDULE_QUERY``."""
    return {match[1] for match in _BARE.finditer(text) if match[1] in RESERVED}


def refuse_expressions(text: str, at: str) -> None:
    """Refuse what is a program of the vendor's engine.

    Raises:
        Refused: *text* has one.
    """
    if _EXPRESSION.search(text):
        raise Refused(
            at,
            "an expression `@{…}` of the vendor's own engine, which cannot be evaluated outside of it",
            "write the plain path, and what the expression adds as `queryParams`",
        )
    if _OBSOLETE.search(text):
        raise Refused(at, "a placeholder `{{…}}` of 2021, which has no meaning any more", "write ${name}")


def filled(
    text: str,
    values: Mapping[str, Json],
    encode: Callable[[str], str],
    at: str,
    *,
    bare: bool = False,
    reserved: Mapping[str, str] | None = None,
) -> str:
    """*text* with values for its names, each as *encode* writes it.

    reserved: values for reserved names; those without one stay.

    Raises:
        Refused: a name has no value, or one that is no text or number.
    """

    def value_of(name: str) -> str:
        value = values.get(name)
        if value is None:
            raise Refused(at, f"`{name}` has no value", "give it among the `params`")
        if isinstance(value, bool):
            return encode("true" if value else "false")
        if not isinstance(value, str | int | float):
            raise Refused(at, f"`{name}` is to be put into a text, and is neither text nor number")
        return encode(str(value))

    done = _DOLLAR.sub(lambda match: value_of(match[1]), text)
    known = dict(reserved or {})

    def bare_value(match: re.Match[str]) -> str:
        name = match[1]
        if name in known:
            return encode(known[name])
        if name in RESERVED or not bare:
            return match[0]
        return value_of(name)

    return _BARE.sub(bare_value, done)
