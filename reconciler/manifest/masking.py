"""Lines of a manifest to be shown whole, as in a diff, but for values that somebody wrote where only a reference may stand."""

from __future__ import annotations

import re
from typing import Final

from reconciler.manifest.source import BREAK, SECRET_KEY, Source

MASKED: Final = "…"
_REFERENCE: Final = r"""["']?\$\{(?:secret|var|env):[^}]*\}["']?"""
_HARMLESS: Final = re.compile(rf"\s*(?:{_REFERENCE}|[|>][+-]?[0-9]?|&\S+)?\s*(?:#.*)?")
_IN_FLOW: Final = re.compile(
    rf"""(?P<key>['"]?[\w.-]*(?:{SECRET_KEY.pattern})[\w.-]*['"]?\s*:\s+)"""
    r"""(?P<value>"(?:[^"\\]|\\.)*"?|'(?:[^']|'')*'?|\$\{[^}]*\}|(?!\{)[^,}\]]*)""",
    re.IGNORECASE,
)


def masked_lines(text: str) -> list[str]:
    """The lines of *text* without line feeds; of what may be a secret only the key is shown, references stay."""
    lines = text.split("\n")
    # A diff counts line feeds only, so nothing else may end a line here.
    source = Source("", "\n".join(BREAK.sub(" ", line) for line in lines))
    return [_masked(source, number, line) for number, line in enumerate(lines, start=1)]


def _masked(source: Source, number: int, line: str) -> str:
    if not source.is_secretive(number):
        return line
    key = source.key_of(number)
    if key is not None and SECRET_KEY.search(key["key"]):
        value = line[key.end() :]
        if _HARMLESS.fullmatch(value):
            return line
        return _in_flow(line) if value.lstrip().startswith("{") else f"{line[: key.end()].rstrip()} {MASKED}"
    if SECRET_KEY.search(line):
        return _in_flow(line)
    if key is not None:  # inside of a secret: beside `secret` only a version stands there
        value = line[key.end() :]
        return line if _HARMLESS.fullmatch(value) or value.strip().isdecimal() else f"{key[0].rstrip()} {MASKED}"
    indent = line[: len(line) - len(line.lstrip())]
    return line if _HARMLESS.fullmatch(line) else indent + MASKED


def _in_flow(line: str) -> str:
    return _IN_FLOW.sub(lambda found: found[0] if _HARMLESS.fullmatch(found["value"]) else found["key"] + MASKED, line)
