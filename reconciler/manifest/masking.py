"""Lines of a manifest to be shown whole, as in a diff, but for values that somebody wrote where only a reference may stand."""

from __future__ import annotations

import re
from typing import Final

from reconciler.manifest.source import SECRET_KEY, key_in

MASKED: Final = "…"
_LEAD: Final = re.compile(r"\s*(?:-\s+)*")
_REFERENCE: Final = r"""["']?\$\{(?:secret|var|env):[^}]*\}["']?"""
_HARMLESS: Final = re.compile(rf"\s*(?:{_REFERENCE}|[|>][+-]?[0-9]?|&\S+)?\s*(?:#.*)?")
_IN_FLOW: Final = re.compile(
    rf"""(?P<key>['"]?[\w.-]*(?:{SECRET_KEY.pattern})[\w.-]*['"]?\s*:\s+)"""
    r"""(?P<value>"(?:[^"\\]|\\.)*"?|'(?:[^']|'')*'?|\$\{[^}]*\}|(?!\{)[^,}\]]*)""",
    re.IGNORECASE,
)


def masked_lines(text: str) -> list[str]:
    """The lines of *text* without line feeds; of what may be a secret only the key is shown, references stay."""
    above: list[tuple[int, bool]] = []
    """Indentation of each line that the present one stands below, and whether that is, or stands below, a secret's key."""
    masked = []
    for line in text.split("\n"):
        bare = line.lstrip()
        if not bare:
            masked.append(line)
            continue
        # An item may stand as far left as the key that it belongs to.
        indent = len(line) - len(bare) + (bare[:2] in {"-", "- "})
        while above and above[-1][0] >= indent:
            above.pop()
        is_inside = bool(above) and above[-1][1]
        key = key_in(line)
        names_secret = key is not None and SECRET_KEY.search(key["key"]) is not None
        above.append((indent, is_inside or names_secret))
        masked.append(_masked(line, key, is_inside=is_inside, names_secret=names_secret))
    return masked


def _masked(line: str, key: re.Match[str] | None, *, is_inside: bool, names_secret: bool) -> str:
    value = "" if key is None else line[key.end() :]
    if key is not None and names_secret:
        if _HARMLESS.fullmatch(value):
            return line
        return _in_flow(line) if value.lstrip().startswith("{") else f"{line[: key.end()].rstrip()} {MASKED}"
    if not is_inside:
        return _in_flow(line) if SECRET_KEY.search(line) else line
    if key is not None:  # beside `secret` only a version stands below the key of a secret
        return line if _HARMLESS.fullmatch(value) or value.strip().isdecimal() else f"{key[0].rstrip()} {MASKED}"
    # Not a comment: what looks like one may be a line of a block.
    lead = _lead(line)
    return line if re.fullmatch(_REFERENCE, line.removeprefix(lead).rstrip()) else lead + MASKED


def _lead(line: str) -> str:
    """What a line begins with: spaces, and the signs of items."""
    found = _LEAD.match(line)
    return found[0] if found else ""


def _in_flow(line: str) -> str:
    return _IN_FLOW.sub(lambda found: found[0] if _HARMLESS.fullmatch(found["value"]) else found["key"] + MASKED, line)
