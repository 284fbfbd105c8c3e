"""Samples for Prometheus of what is remembered: the state, the history of runs, and the newest look. Asks no vendor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.errors import SUCCESSES, StateError
from reconciler.reports import history, prometheus
from reconciler.stores.retention import ended_at

if TYPE_CHECKING:
    from reconciler.model.json import Json
    from reconciler.model.record import State
    from reconciler.reports.prometheus import Sample
    from reconciler.web import samples
    from reconciler.wiring import Runtime

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LOOKING = "serve"
"""The command that the newest look is told as."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is told of a run that is kept. changes: (action, status) -> how many."""

    operation: str
    result: str
    exit_code: int
    ended_at: float
    changes: Mapping[tuple[str, str], int]


@dataclass(slots=True)
class Measures:
    """Makes samples; remembers of each run what is told of it, for the document of a run does not change."""

    _known: dict[str, _Kept | None] = field(default_factory=dict)

    def text(self, runtime: Runtime, newest: samples.Sample | None) -> str:
        """All samples. *newest*: what the dashboard found when it last looked; None when it has not.

        Raises:
            StateError: the state cannot be read.
        """
        common = {"project": runtime.project.spec.project, "environment": runtime.environment_name}
        found = [
            *prometheus.objects(_standings(runtime, runtime.store.read().state)),
            *self._of_history(runtime),
            *(_of_look(newest) if newest is not None else ()),
        ]
        return prometheus.exposition((name, {**common, **labels}, value) for name, labels, value in found)

    def _of_history(self, runtime: Runtime) -> Iterator[Sample]:
        names = runtime.store.runs()
        self._known = {name: self._known[name] if name in self._known else _read(runtime, name) for name in names}
        kept = [one for name in names if (one := self._known[name]) is not None]
        ended = Counter((one.operation, one.result) for one in kept)
        for (operation, result), count in sorted(ended.items()):
            yield "tdr_kept_runs", {"command": operation, "result": result}, count
        # Each later one takes the place of what was before.
        for operation, newest in sorted({one.operation: one for one in kept}.items()):
            command = {"command": operation}
            yield "tdr_run_exit_code", command, newest.exit_code
            yield "tdr_last_run_timestamp_seconds", command, newest.ended_at
            for name, labels, value in prometheus.changes(newest.changes):
                yield name, {**command, **labels}, value
        successes = [one for one in kept if one.exit_code in SUCCESSES]
        for operation, newest in sorted({one.operation: one for one in successes}.items()):
            yield "tdr_last_success_timestamp_seconds", {"command": operation}, newest.ended_at


def _of_look(newest: samples.Sample) -> Iterator[Sample]:
    command = {"command": LOOKING}
    is_complete = not newest.counts.get("unknown")
    yield "tdr_drifted_objects", command, len(newest.drifted)
    yield "tdr_scan_complete", command, int(is_complete)
    yield "tdr_last_run_timestamp_seconds", command, newest.at
    if is_complete:
        yield "tdr_last_complete_scan_timestamp_seconds", command, newest.at


def _standings(runtime: Runtime, state: State) -> Counter[tuple[str, str]]:
    """Kind and standing -> how many, as far as that is known without asking."""
    declared = runtime.world.resources
    found = Counter((address.kind, "not_applied") for address in declared if address not in state.records)
    for address, record in state.records.items():
        how = "not_declared" if address not in declared else "not_finished" if record.phase else "applied"
        found[address.kind, how] += 1
    return found


def _read(runtime: Runtime, name: str) -> _Kept | None:
    """What is kept of a run; None of one that is damaged, which `tdr history` tells."""
    try:
        document = runtime.store.run(name)
        return _kept(document)
    except (StateError, KeyError, TypeError, ValueError):
        return None


def _kept(document: Mapping[str, Json]) -> _Kept:
    results: Any = document["results"]
    return _Kept(
        operation=str(document["operation"]),
        result=history.result(document),
        exit_code=int(str(document["exit_code"])),
        ended_at=ended_at(document),
        changes=Counter((str(one["action"]), str(one["status"])) for one in results),
    )
