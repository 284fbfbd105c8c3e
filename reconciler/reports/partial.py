"""The banner of what is only a part, so that nobody takes it for everything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MOST_NAMED = 5
"""So many names stand in a banner; the document has all."""


def partial(what: str, scope: Mapping[str, Any] | None) -> Iterator[str]:
    """Lines that say to which part *what* (``plan``) is narrowed. *scope*: None where an earlier version did not say."""
    if scope is None:
        yield f"! partial {what}: the rest is left out"
        return
    words = []
    if scope["targets"]:
        words.append(f"only {_names(scope['targets'])} and what goes with it")
    if scope["selectors"]:
        words.append(f"only what has the label {_names(scope['selectors'], ' and ')}, and what goes with it")
    if scope["excludes"]:
        words.append(f"without {_names(scope['excludes'])} and what cannot do without")
    yield f"! partial {what}: {'; '.join(words)}"
    for one in scope["left_out"][:MOST_NAMED]:
        yield f"    left out too: {one['address']}, which needs {one['needs']}"
    if len(scope["left_out"]) > MOST_NAMED:
        yield f"    and {len(scope['left_out']) - MOST_NAMED} more"


def _names(names: Sequence[str], between: str = ", ") -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return between.join(names[:MOST_NAMED]) + more
