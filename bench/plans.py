"""Plans as whole processes: nothing to do, nothing cached, a hundredth changed; beside a minimal planner and octoDNS."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import orjson
import yaml
from answering import answering
from measuring import IS_QUICK, PEERS, Command, Figure, Goal, growth, in_turns, show
from projects import change_share, listed, write_project

SIZES = (100, 1_000) if IS_QUICK else (100, 1_000, 10_000)
REPEAT = 3
CHANGED = 0.01
TDR = Path(sys.executable).with_name("tdr")
HERE = Path(__file__).resolve().parent


def plans(folder: Path) -> None:
    """Measure and show."""
    figures = {size: _measure(folder, size) for size in SIZES}
    names = list(figures[SIZES[0]])
    rows = [["", *(f"{size:,}" for size in SIZES), "growth", f"CPU at {SIZES[-1]:,}", "MiB"]]
    for name in names:
        seconds = {size: figures[size][name].seconds for size in SIZES}
        rows.append(
            [
                name,
                *(f"{value:.2f} s" for value in seconds.values()),
                f"n^{growth(seconds):.2f}",
                f"{figures[SIZES[-1]][name].cpu_s:.2f} s",
                f"{figures[SIZES[-1]][name].peak_mib:.0f}",
            ]
        )
    largest = figures[SIZES[-1]]
    goals = [
        Goal("no change / minimal planner", _ratio(largest, "tdr, no change", "minimal planner"), 2.0),
        Goal("the same by the clock", largest["tdr, no change"].seconds / largest["minimal planner"].seconds, 2.0),
        Goal("no change, peak memory", largest["tdr, no change"].peak_mib, 150, "MiB"),
        Goal(
            "peak memory / manifests loaded and kept",
            largest["tdr, no change"].peak_mib / largest["PyYAML, all kept"].peak_mib,
            3.0,
        ),
        Goal(
            "no change, growth exponent",
            growth({size: figures[size]["tdr, no change"].seconds for size in SIZES}),
            1.0,
            "",
        ),
        Goal("1 % changed / no change", _ratio(largest, "tdr, 1 % changed", "tdr, no change"), 2.0),
    ]
    if "octoDNS" in largest:
        goals.append(Goal("nothing cached / octoDNS", _ratio(largest, "tdr, nothing cached", "octoDNS"), 1.0))
    goals.append(
        Goal("nothing cached / PyYAML's C loader alone", _ratio(largest, "tdr, nothing cached", "PyYAML"), 2.3 / 1.5)
    )
    show(
        f"Plans of saved queries, medians of {REPEAT}",
        rows,
        goals,
        [
            "ratios of CPU time, where nothing else is said",
            "set up through the service's own Python API in one transaction, the state as one checkpoint",
            "octoDNS plans as many DNS records, whose documents are shorter (4 lines for 20)",
            "Terraform is left out: making 1,000 resources to plan takes it minutes",
        ],
    )


def _ratio(figures: dict[str, Figure], name: str, other: str) -> float:
    """In CPU time, which other work on the machine disturbs less."""
    return figures[name].cpu_s / figures[other].cpu_s


def _measure(folder: Path, size: int) -> dict[str, Figure]:
    root, changed, zones = (folder / f"{name}-{size}" for name in ("project", "changed", "zones"))
    write_project(root, size)
    shutil.copytree(root, changed)
    edited = change_share(changed, CHANGED)
    (root / "manifests.json").write_bytes(orjson.dumps(_declared(root)))
    _write_zone(zones, size)
    records = [[f"r{number:05}", _record(number)] for number in range(size)]
    answers = {"/listed": listed(root), "/records": json.dumps({"records": records}).encode()}
    with answering(answers) as address:
        (zones / "config.yaml").write_text(_OCTODNS.format(address=address))
        commands = {
            "tdr, no change": Command([TDR, "plan"], root, says="No changes."),
            "tdr, nothing cached": Command(
                [TDR, "plan"], root, says="No changes.", before=["rm", "-rf", root / "state" / ".cache"]
            ),
            "tdr, 1 % changed": Command([TDR, "plan"], changed, says=f"{edited} to update"),
            "minimal planner": Command(
                [sys.executable, HERE / "minimal_planner.py", root, f"{address}/listed"],
                root,
                says=f"{size} declared, 0 changed",
            ),
            "PyYAML": Command([sys.executable, "-c", _PYYAML], root),
            "PyYAML, all kept": Command([sys.executable, "-c", _PYYAML_KEPT], root),
        }
        if PEERS.exists():
            commands["octoDNS"] = Command(
                [PEERS.with_name("octodns-sync"), "--config-file", "config.yaml"],
                zones,
                says="No changes were planned",
                environment={"PYTHONPATH": str(HERE)},
            )
        return in_turns(commands, REPEAT)


_PYYAML = """
import pathlib, yaml
for path in sorted(pathlib.Path("manifests").glob("*.yaml")):
    list(yaml.load_all(path.read_bytes(), yaml.CSafeLoader))
"""
_PYYAML_KEPT = """
import pathlib, yaml
kept = [
    document
    for path in sorted(pathlib.Path("manifests").glob("*.yaml"))
    for document in yaml.load_all(path.read_bytes(), yaml.CSafeLoader)
]
"""


def _declared(root: Path) -> dict[str, dict[str, object]]:
    """Name -> what the list call should tell, as a planner would cache it."""
    queries = {}
    for path in sorted((root / "manifests").glob("queries-*.yaml")):
        for document in yaml.load_all(path.read_bytes(), yaml.CSafeLoader):
            spec = document["spec"]
            queries[document["metadata"]["name"]] = {
                "database": spec["database"],
                "type": spec["engine"],
                "query": spec["sql"].strip(),
                "cron": spec["schedule"]["cron"],
                "timezone": spec["schedule"]["timezone"],
                "delay": 600,
                "priority": spec["priority"],
                "retry_limit": spec["retry_limit"],
                "result": "",
            }
    return queries


# -- octoDNS -------------------------------------------------------------------------------------------------------------

_OCTODNS = """\
providers:
  config:
    class: octodns.provider.yaml.YamlProvider
    directory: .
    default_ttl: 300
    enforce_order: false
  target:
    class: octodns_http.HttpProvider
    url: {address}/records
zones:
  example.com.:
    sources: [config]
    targets: [target]
"""


def _record(number: int) -> dict[str, object]:
    return {"type": "A", "ttl": 300, "value": f"10.{number // 65_536}.{number // 256 % 256}.{number % 256}"}


def _write_zone(folder: Path, size: int) -> None:
    folder.mkdir()
    records = {f"r{number:05}": _record(number) for number in range(size)}
    (folder / "example.com.yaml").write_text("---\n" + yaml.dump(records, Dumper=yaml.CSafeDumper))
