"""Which reports of runs are let go of: one rule for every store.

One goes when newer ones fill the place or it is too old. Whatever its age, what is told of the present stays: the newest run
of all, of each verb and of each object that is remembered, and the newest of each of these that went well.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from reconciler.model.json import Json
from reconciler.ports.store import Keeps

_DONE: Final = "done"


@dataclass(frozen=True, slots=True)
class KeptRun:
    """What retention asks of a report. *ended_at*: Unix seconds; None where it cannot be read, which makes it none too old.

    touched: addresses of its results. done: those of them that went well.
    """

    name: str
    operation: str = ""
    is_success: bool = False
    ended_at: float | None = None
    touched: frozenset[str] = frozenset()
    done: frozenset[str] = frozenset()


def is_due(kept: int, keeps: Keeps) -> bool:
    """Whether to look at *kept* reports now: with every tenth part of what is kept, for a look reads all of them."""
    return kept > 1 and kept % max(1, keeps.runs // 10) == 0


def described(name: str, document: Mapping[str, Json]) -> KeptRun:
    """What retention asks of the report *document*."""
    results = document.get("results")
    entries = [one for one in (results if isinstance(results, list) else ()) if isinstance(one, Mapping)]
    try:
        ended = ended_at(document)
    except (KeyError, ValueError):
        ended = None
    return KeptRun(
        name,
        str(document.get("operation", "")),
        document.get("exit_code") == 0,
        ended,
        frozenset(str(one.get("address", "")) for one in entries),
        frozenset(str(one.get("address", "")) for one in entries if one.get("status") == _DONE),
    )


def ended_at(document: Mapping[str, Json]) -> float:
    """When the run of a report ended, in Unix seconds; earlier versions told the second of the report alone.

    Raises:
        KeyError: it says nothing of it. ValueError: what it says is no moment.
    """
    return datetime.fromisoformat(str(document.get("ended_at", document["created_at"]))).timestamp()


def let_go(kept: Sequence[KeptRun], keeps: Keeps, remembered: Collection[str], now: float) -> list[str]:
    """Names of those of *kept*, oldest first, that go. *remembered*: addresses of the state; *now*: Unix seconds."""
    beyond = {one.name for one in kept[: -keeps.runs]}
    if keeps.runs_for_s is not None:
        oldest = now - keeps.runs_for_s
        beyond |= {one.name for one in kept if one.ended_at is not None and one.ended_at < oldest}
    needed = _needed(kept, remembered) if beyond else frozenset()
    return [one.name for one in kept if one.name in beyond - needed]


def _needed(kept: Iterable[KeptRun], remembered: Collection[str]) -> frozenset[str]:
    newest: dict[tuple[str, str], str] = {}
    for one in kept:  # each later one takes the place of what was before
        newest["run", ""] = one.name
        if one.operation:
            newest["verb", one.operation] = one.name
        if one.operation and one.is_success:
            newest["verb that went well", one.operation] = one.name
        newest |= {("object", address): one.name for address in one.touched if address in remembered}
        newest |= {("object that went well", address): one.name for address in one.done if address in remembered}
    return frozenset(newest.values())
