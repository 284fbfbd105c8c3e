"""Samples for Prometheus in its text format: what a run came to, or what is remembered of runs.

Every sample is a gauge: a command is over when its samples are read, and the next one counts from zero again.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import SUCCESSES

if TYPE_CHECKING:
    from prometheus_client.core import GaugeMetricFamily

HELP: Final[Mapping[str, str]] = {
    "tdr_objects": "Objects, by kind and how they stand.",
    "tdr_drifted_objects": "Objects that somebody changed or deleted since the last apply.",
    "tdr_scan_complete": "Whether everything was looked at and could be read: 1, else 0.",
    "tdr_changes": "Changes, by action and status; planned is what nobody has done yet.",
    "tdr_gates": "Gates that hold the plan.",
    "tdr_rows": "Rows of the run.",
    "tdr_api_calls": "Requests that the command sent, by vendor.",
    "tdr_run_duration_seconds": "How long the command took.",
    "tdr_run_exit_code": "What the command ended with.",
    "tdr_last_run_timestamp_seconds": "When a command last ended, in seconds since 1970.",
    "tdr_last_success_timestamp_seconds": "When a command last ended with 0 or 2, in seconds since 1970.",
    "tdr_last_complete_scan_timestamp_seconds": (
        "When everything was last looked at and could be read, in seconds since 1970."
    ),
    "tdr_kept_runs": "Runs in the history, by how they ended.",
}
"""Name -> what it says. node_exporter wants one text for one name in all of its files."""
LASTING: Final = ("tdr_last_success_timestamp_seconds", "tdr_last_complete_scan_timestamp_seconds")
"""What a run that did not come to it leaves as it was."""
_STANDING: Final = {
    "noop": "in_sync",
    "move": "in_sync",
    "create": "not_applied",
    "adopt": "not_applied",
    "delete": "not_declared",
    "forget": "not_declared",
    "undecided": "unknown",
}
"""Action of a plan -> how an object stands as long as that is not done; any other action: `differs`."""
_GONE: Final = frozenset({"delete", "forget"})
_DRIFT: Final = frozenset({"drift", "config_and_drift"})

Sample = tuple[str, Mapping[str, str], float]
"""Name, labels besides those that all have, and value."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that has ended, beside its document. *project*, *environment*: "" where it ended before they were known.

    command: such as ``plan``.
    duration_s: from its beginning to its end.
    api_calls: vendor -> requests sent.
    """

    command: str
    project: str
    environment: str
    exit_code: int
    duration_s: float
    api_calls: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a file says already. lasting: name -> value of each of `LASTING`."""

    project: str = ""
    environment: str = ""
    lasting: Mapping[str, float] = field(default_factory=dict)


def text(document: Mapping[str, Any], ran: Ran, earlier: Earlier) -> str:
    """What a command came to. *earlier*: what the last run of it said in the same place."""
    at = datetime.fromisoformat(document["created_at"]).timestamp()
    found = [*_of_document(document, ran.command)]
    values = {name: value for name, _, value in found}
    lasting = dict(earlier.lasting)
    if ran.exit_code in SUCCESSES:
        lasting["tdr_last_success_timestamp_seconds"] = at
    if values.get("tdr_scan_complete") == 1:
        lasting["tdr_last_complete_scan_timestamp_seconds"] = at
    found += [("tdr_api_calls", {"vendor": vendor}, count) for vendor, count in sorted(ran.api_calls.items())]
    found += [
        ("tdr_run_duration_seconds", {}, round(ran.duration_s, 3)),
        ("tdr_run_exit_code", {}, ran.exit_code),
        ("tdr_last_run_timestamp_seconds", {}, at),
        *((name, {}, value) for name, value in lasting.items()),
    ]
    common = {
        "project": ran.project or earlier.project,
        "environment": ran.environment or earlier.environment,
        "command": ran.command,
    }
    if "address" in document:
        # Two addresses that run each have a file, and one file may not say what another does.
        common["address"] = str(document["address"])
    return exposition((name, {**common, **labels}, value) for name, labels, value in found)


def earlier(written: str, command: str) -> Earlier:
    """What *written*, the samples of an earlier run of *command*, leaves to the next one. Nothing of what is not whole."""
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415 - as everything of it

    told = Earlier()
    lasting: dict[str, float] = {}
    try:
        for family in text_string_to_metric_families(written):
            for sample in family.samples:
                if sample.labels.get("command") != command:
                    continue
                told = Earlier(sample.labels.get("project", ""), sample.labels.get("environment", ""), lasting)
                if sample.name in LASTING and math.isfinite(sample.value):
                    lasting[sample.name] = float(sample.value)
    except (ValueError, KeyError, IndexError):
        # Another program's file, or one that somebody cut: the run itself is told all the same.
        return Earlier()
    return told


def exposition(samples: Iterable[Sample]) -> str:
    """*samples* in Prometheus' text format 0.0.4, each family with its HELP and TYPE. Ends with a line break."""
    # Loaded where somebody wants samples: it brings a server of its own along.
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415 - as above
    from prometheus_client.exposition import generate_latest  # noqa: PLC0415 - as above

    families: dict[str, GaugeMetricFamily] = {}
    for name, labels, value in samples:
        family = families.setdefault(name, GaugeMetricFamily(name, HELP[name]))
        family.add_sample(name, dict(labels), float(value))
    return bytes(generate_latest(_Collected([families[name] for name in HELP if name in families]))).decode()


@dataclass(frozen=True, slots=True)
class _Collected:
    """Families in the shape in which the library asks for them."""

    families: list[GaugeMetricFamily]

    def collect(self) -> list[GaugeMetricFamily]:
        """All of them."""
        return self.families


def _of_document(document: Mapping[str, Any], command: str) -> Iterator[Sample]:
    match document["format"]:
        case "tdr.plan":
            yield from _of_plan(document)
        case "tdr.drift":
            verdicts = Counter((_kind(one), str(one["verdict"])) for one in document["resources"])
            yield from objects(verdicts)
            summary = document["summary"]
            yield "tdr_drifted_objects", {}, summary["drifted"] + summary["missing"]
            yield "tdr_scan_complete", {}, int(document["complete"])
        case "tdr.run":
            yield from _of_run(document)
        case "tdr.job":
            yield "tdr_rows", {}, document["rows"]
        case _ if command != "run":
            # It ended before it had looked at everything.
            yield "tdr_scan_complete", {}, 0


def objects(counted: Mapping[tuple[str, str], int]) -> Iterator[Sample]:
    """Kind and standing -> how many, as samples."""
    for (kind, standing), count in sorted(counted.items()):
        yield "tdr_objects", {"kind": kind, "standing": standing}, count


def changes(counted: Mapping[tuple[str, str], int]) -> Iterator[Sample]:
    """Action and status -> how many, as samples."""
    for (action, status), count in sorted(counted.items()):
        yield "tdr_changes", {"action": action, "status": status}, count


def _of_plan(document: Mapping[str, Any]) -> Iterator[Sample]:
    listed = [(_kind(one), str(one["actions"][0]), one) for one in document["changes"]]
    yield from objects(Counter((kind, _standing(action, one)) for kind, action, one in listed))
    yield from changes(Counter((action, "planned") for _, action, _ in listed if action not in {"noop", "undecided"}))
    yield "tdr_gates", {}, len(document["gates"])
    if document["refreshed"]:
        yield "tdr_drifted_objects", {}, sum(one["origin"] in _DRIFT for *_, one in listed)
    is_all_read = not any(action == "undecided" for _, action, _ in listed)
    yield "tdr_scan_complete", {}, int(document["complete"] and document["refreshed"] and is_all_read)


def _of_run(document: Mapping[str, Any]) -> Iterator[Sample]:
    standing = Counter[tuple[str, str]]()
    for kind, actions in document["kinds"].items():
        standing[kind, "in_sync"] += actions.get("noop", 0)
    for one in document["results"]:
        action, status = str(one["action"]), str(one["status"])
        if status == "done" and action in _GONE:
            continue
        how = {"done": "in_sync", "unknown": "unknown"}.get(status) or _STANDING.get(action, "differs")
        standing[_kind(one), how] += 1
    yield from objects(+standing)  # only what there is
    yield from changes(Counter((str(one["action"]), str(one["status"])) for one in document["results"]))
    is_all_read = not any("undecided" in actions for actions in document["kinds"].values())
    yield "tdr_scan_complete", {}, int(document["complete"] and is_all_read)


def _standing(action: str, change: Mapping[str, Any]) -> str:
    if change["origin"] in _DRIFT:
        return "missing" if action in {"create", "forget"} else "drifted"
    return _STANDING.get(action, "differs")


def _kind(entry: Mapping[str, Any]) -> str:
    return str(entry["address"]).partition("/")[0]
