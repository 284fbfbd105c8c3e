"""Every secret of this process, told here as it is made, so that what is printed can be searched for all of them.

Light, for each run loads it; how secrets look in text is the matter of `scrubbing`.
"""

from __future__ import annotations

_values: dict[str, None] = {}


def remember(value: str) -> None:
    """*value* must not be shown by anything in this process, whoever holds it."""
    _values[value] = None


def remembered() -> tuple[str, ...]:
    """All of them, in the order in which they were told."""
    return tuple(_values)
