"""The part of JSONPath that specifications use: members and places, to one value.

``$.meta.cursor``, ``meta.cursor``, ``$['a b']``, ``$.data[0]``, ``$.data[-1:].id`` and ``$``. What may find several values, such as
wildcards, filters and ``..``, is refused: a library for all of JSONPath would have to be told so for every use.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from reconciler.model.json import Json

Step: TypeAlias = str | int

_STEP: Final = re.compile(
    r"\.(?P<member>[^.\[\]'\"*?@()\s]+)|\[(?P<place>-?\d+)\]|\[(?P<last>-\d+):\]|\[(?P<quote>['\"])(?P<quoted>.*?)(?P=quote)\]"
)


class Missing:
    """Stands for a value that is not there, which null is not."""


MISSING: Final = Missing()


@dataclass(frozen=True, slots=True)
class Path:
    """A way to one value. Members are texts, places numbers, which count from the end when they are negative."""

    steps: tuple[Step, ...]

    @property
    def text(self) -> str:
        """The path as it is written canonically."""
        return "$" + "".join(
            f".{step}" if isinstance(step, str) and _is_plain(step) else f"[{step!r}]" for step in self.steps
        )

    @property
    def parent(self) -> Path:
        """The way to what holds the value."""
        return Path(self.steps[:-1])

    def of(self, value: Json) -> Json | Missing:
        """The value that the path leads to from *value*, or MISSING."""
        found: Json = value
        for step in self.steps:
            if isinstance(step, str):
                if not isinstance(found, dict) or step not in found:
                    return MISSING
                found = found[step]
            else:
                if not isinstance(found, list | tuple) or not -len(found) <= step < len(found):
                    return MISSING
                found = found[step]
        return found


ROOT: Final = Path(())


def parse(text: str) -> Path:
    """The path that *text* is.

    Raises:
        ValueError: it is none, or may lead to several values.
    """
    rest = text.strip()
    if not rest:
        raise ValueError("a path is empty")
    if rest.startswith("$"):
        rest = rest[1:]
    elif not rest.startswith("["):
        rest = "." + rest
    steps: list[Step] = []
    while rest:
        match = _STEP.match(rest)
        if match is None:
            raise ValueError(f"{text!r} is not a path to one value: see {rest!r}")
        if match["member"] is not None:
            steps.append(match["member"])
        elif match["quote"] is not None:
            steps.append(match["quoted"])
        else:
            steps.append(int(match["place"] or match["last"]))
        rest = rest[match.end() :]
    return Path(tuple(steps))


def _is_plain(step: str) -> bool:
    return re.fullmatch(r"[^.\[\]'\"*?@()\s]+", step) is not None
