"""Samples for Prometheus: of a run into a file, and of what is remembered from the dashboard. Read by Prometheus' own parser."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from stage import Stage, ended

from reconciler.reports.prometheus import HELP

LABELS = {"project": "shop", "environment": "local"}
IN_SYNC = {("database", "in_sync"): 1, ("import", "in_sync"): 1, ("query", "in_sync"): 1, ("table", "in_sync"): 1}
ONE_QUERY = """\
---
apiVersion: tdr/v1
kind: Query
metadata: {name: again}
spec: {database: shop, sql: SELECT 1 AS one}
"""
LOST_TABLE = """\
---
apiVersion: tdr/v1
kind: Table
metadata: {name: lost}
spec: {database: no_such_database, columns: [{name: one, type: long}]}
"""

Samples = dict[str, dict[tuple[str, ...], float]]


def read(text: str) -> Samples:
    """Name -> values of the labels that are its own, sorted by label -> value."""
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        assert family.type == "gauge"
        assert family.documentation == HELP[family.name]
        for sample in family.samples:
            assert LABELS.items() <= sample.labels.items()
            own = [sample.labels[name] for name in sorted(sample.labels) if name not in {*LABELS, "command"}]
            key = tuple(own)
            assert key not in found.setdefault(sample.name, {}), "a series stands twice"
            found[sample.name][key] = sample.value
    return found


def samples(stage: Stage, name: str) -> Samples:
    return read((stage.folder / name).read_text(encoding="utf-8"))


def once(stage: Stage, *arguments: str, expect: int = 0) -> Samples:
    """What one command reports."""
    stage.tdr(*arguments, "--report", "prometheus=tdr.prom", expect=expect)
    return samples(stage, "tdr.prom")


def test_a_plan_tells_what_is_to_be_done(project: Stage) -> None:
    found = once(project, "plan")

    assert found["tdr_objects"] == {(kind, "not_applied"): 1 for kind, _ in IN_SYNC}
    assert found["tdr_changes"] == {("create", "planned"): 4}
    assert (found["tdr_scan_complete"], found["tdr_gates"], found["tdr_run_exit_code"]) == ({(): 1}, {(): 0}, {(): 0})


def test_an_apply_tells_what_was_done(project: Stage) -> None:
    found = once(project, "apply", "--yes")

    assert found["tdr_objects"] == IN_SYNC
    assert found["tdr_changes"] == {("create", "done"): 4}
    assert found["tdr_api_calls"]["treasure_data",] > 4
    assert found["tdr_run_duration_seconds"][()] > 0


def test_an_apply_that_fails_halfway_tells_both_halves(applied: Stage) -> None:
    text = (applied.folder / "manifests/shop.yaml").read_text()
    applied.write("manifests/shop.yaml", text + LOST_TABLE)

    found = once(applied, "apply", "--yes", expect=1)

    assert found["tdr_objects"] == IN_SYNC | {("table", "not_applied"): 1}
    assert found["tdr_changes"] == {("create", "failed"): 1}
    assert found["tdr_run_exit_code"] == {(): 1}


def test_drift_tells_how_much_was_moved(applied: Stage) -> None:
    with applied.somebody() as somebody:
        somebody.delete_database("shop")

    found = once(applied, "drift", expect=2)

    assert found["tdr_drifted_objects"][()] >= 1
    assert found["tdr_objects"]["database", "missing"] == 1
    assert found["tdr_scan_complete"] == {(): 1}
    assert found["tdr_last_success_timestamp_seconds"] == found["tdr_last_run_timestamp_seconds"]


def test_a_look_at_a_part_is_no_complete_scan(applied: Stage) -> None:
    for verb in (("plan",), ("drift",), ("plan", "--refresh=false")):
        narrowed = verb if len(verb) > 1 else (*verb, "--target", "database/shop")
        found = once(applied, *narrowed)
        assert found["tdr_scan_complete"] == {(): 0}
        assert "tdr_last_complete_scan_timestamp_seconds" not in found
        assert found["tdr_last_success_timestamp_seconds"] == found["tdr_last_run_timestamp_seconds"]
        (applied.folder / "tdr.prom").unlink()


def test_a_failure_leaves_standing_when_it_last_went_well(applied: Stage) -> None:
    before = once(applied, "drift")
    applied.edit("manifests/shop.yaml", "spec: {}", "spec: {nmae: x}")

    after = once(applied, "drift", expect=7)

    assert after["tdr_run_exit_code"] == {(): 7}
    assert after["tdr_scan_complete"] == {(): 0}
    assert "tdr_objects" not in after
    for name in ("tdr_last_success_timestamp_seconds", "tdr_last_complete_scan_timestamp_seconds"):
        assert after[name] == before[name]


def test_a_failure_before_anything_is_known_is_told_of_the_same_series(applied: Stage) -> None:
    before = once(applied, "drift")
    applied.write("tdr.yaml", "project: [\n")

    after = once(applied, "drift", expect=7)

    assert after["tdr_last_success_timestamp_seconds"] == before["tdr_last_success_timestamp_seconds"]
    assert after["tdr_run_exit_code"] == {(): 7}


@pytest.mark.parametrize("written", ["not samples {\n", "tdr_objects{", "\x00", ""])
def test_a_file_that_is_not_whole_is_replaced(applied: Stage, written: str) -> None:
    applied.write("tdr.prom", written)

    assert once(applied, "drift")["tdr_run_exit_code"] == {(): 0}


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf", "1e400"])
def test_what_is_no_moment_is_not_carried_on(applied: Stage, value: str) -> None:
    applied.write("tdr.prom", f'tdr_last_success_timestamp_seconds{{command="drift",project="shop"}} {value}\n')
    applied.edit("manifests/shop.yaml", "spec: {}", "spec: {nmae: x}")

    assert "tdr_last_success_timestamp_seconds" not in once(applied, "drift", expect=7)


def test_several_at_once_leave_one_whole_file_and_nothing_beside_it(applied: Stage) -> None:
    running = [applied.spawn("drift", "--report", "prometheus=tdr.prom") for _ in range(3)]
    assert [ended(one)[1] for one in running] == [""] * 3

    assert samples(applied, "tdr.prom")["tdr_run_exit_code"] == {(): 0}
    assert [path.name for path in applied.folder.iterdir() if "tdr.prom" in path.name] == ["tdr.prom"]


def test_what_another_command_said_in_the_same_file_is_not_carried_on(applied: Stage) -> None:
    once(applied, "drift")

    found = once(applied, "plan", "--target", "database/nothing", expect=64)

    assert "tdr_last_success_timestamp_seconds" not in found


def test_a_run_has_series_of_its_own_address(applied: Stage) -> None:
    found = once(applied, "run", "import/customers")

    assert found["tdr_rows"]["import/customers",] > 0
    assert found["tdr_last_success_timestamp_seconds"].keys() == {("import/customers",)}
    assert "tdr_scan_complete" not in found


def test_a_run_that_fails_is_told_with_each_report(applied: Stage) -> None:
    (applied.folder / "data/customers.csv").unlink()

    found = once(applied, "run", "import/customers", "--report", "json=run.json", expect=1)

    assert found["tdr_run_exit_code"] == {("import/customers",): 1}
    assert '"format": "tdr.job"' in (applied.folder / "run.json").read_text()


def test_samples_are_written_beside_events_too(applied: Stage) -> None:
    found = once(applied, "run", "import/customers", "--format", "jsonl")

    assert found["tdr_run_exit_code"] == {("import/customers",): 0}


def test_samples_that_cannot_be_written_make_a_success_a_failure(applied: Stage) -> None:
    said = applied.tdr("plan", "--report", "prometheus=nowhere/tdr.prom", expect=1)

    assert "error: the prometheus report cannot be written to 'nowhere/tdr.prom': " in said.err


def test_a_report_that_was_lost_is_told_in_the_samples(applied: Stage) -> None:
    assert once(applied, "plan", "--report", "json=nowhere/x", expect=1)["tdr_run_exit_code"] == {(): 1}


@pytest.mark.parametrize("verb", [("validate",), ("status",), ("refresh",)])
def test_samples_are_of_what_compares_and_changes(project: Stage, verb: tuple[str, ...]) -> None:
    said = project.tdr(*verb, "--report", "prometheus=tdr.prom", expect=64)

    assert "has no report 'prometheus'" in said.err


def test_names_are_as_prometheus_asks() -> None:
    for name, told in HELP.items():
        assert re.fullmatch(r"tdr_[a-z]+(_[a-z]+)*", name)
        assert not name.endswith(("_total", "_count", "_sum", "_bucket", "_ms", "_minutes", "_percent"))
        assert told.endswith(".")
    # A duration and a time are in base units.
    assert [name for name in HELP if re.search("duration|timestamp", name) and not name.endswith("_seconds")] == []


@contextmanager
def dashboard(stage: Stage, **environ: str) -> Iterator[str]:
    server = stage.spawn("serve", "--dashboard", "127.0.0.1:0", "--sample-every", "0s", **environ)
    try:
        assert server.stderr is not None
        yield next(line for line in server.stderr if line.startswith("Dashboard at ")).split()[-1]
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=60)


def test_the_dashboard_tells_what_is_remembered(applied: Stage) -> None:
    text = (applied.folder / "manifests/shop.yaml").read_text()
    applied.write("manifests/shop.yaml", text + ONE_QUERY)
    with dashboard(applied) as url:
        answer = httpx.get(f"{url}metrics")

    found = read(answer.text)
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert found["tdr_objects"] == {(kind, "applied"): 1 for kind, _ in IN_SYNC} | {("query", "not_applied"): 1}
    assert found["tdr_kept_runs"] == {("done",): 1}
    assert found["tdr_changes"] == {("create", "done"): 4}
    assert found["tdr_last_success_timestamp_seconds"] == found["tdr_last_run_timestamp_seconds"]
    assert "tdr_drifted_objects" not in found, "nobody has looked"


def test_the_dashboard_tells_samples_to_nobody_who_may_not_look(applied: Stage) -> None:
    token = "a token of twenty characters or more"
    with dashboard(applied, TDR_DASHBOARD_TOKEN=token) as url:
        refused = httpx.get(f"{url}metrics")
        told = httpx.get(f"{url}metrics", headers={"authorization": f"Bearer {token}"})
        elsewhere = httpx.get(f"{url}metrics", headers={"host": "attacker.example"})

    assert (refused.status_code, told.status_code, elsewhere.status_code) == (401, 200, 421)
    assert "tdr_" not in refused.text + elsewhere.text


def test_a_run_whose_document_is_damaged_hides_no_other(applied: Stage) -> None:
    (kept,) = (applied.state / "runs").glob("*.json")
    Path(kept.with_name("2020-01-01T000000Z-00000000-broken.json")).write_text("{")
    with dashboard(applied) as url:
        assert read(httpx.get(f"{url}metrics").text)["tdr_kept_runs"] == {("done",): 1}


def test_the_page_names_every_sample_and_no_other() -> None:
    page = (Path(__file__).parents[2] / "docs/operating.md").read_text(encoding="utf-8")

    assert {name for name in re.findall(r"\btdr_[a-z_]+\b", page) if name != "tdr_drift_prod"} == set(HELP)
