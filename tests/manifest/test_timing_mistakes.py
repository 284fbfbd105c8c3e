"""Cron texts, zones and delays are checked in the same pass as everything else."""

from __future__ import annotations

import pytest
from manifest_texts import Load, Refusals, brief, query

from reconciler.manifest.timings import timing_paths
from reconciler.model.kinds import KINDS

HEAD = "apiVersion: tdr/v1\nkind: {}\nmetadata: {{name: x}}\n"
SCHEDULE = HEAD.format("Schedule") + "spec:\n  cron: {cron}\n  timezone: {zone}\n"
IMPORT = (
    HEAD.format("Import") + "spec:\n  from: {{type: files, paths: [a]}}\n  to: {{database: x, table: x}}\n"
    "  schedule:\n    cron: {cron}\n    timezone: {zone}\n"
)
ACTIVATION = (
    HEAD.format("Activation") + "spec:\n  from: {{query: {{database: x, sql: select 1}}}}\n  to: {{audience: nobody}}\n"
    "  membership: add\n  schedule:\n    cron: {cron}\n    timezone: {zone}\n"
)
QUERY = (
    HEAD.format("Query")
    + "spec:\n  database: x\n  sql: select 1\n  schedule:\n    cron: {cron}\n    timezone: {zone}\n"
)
WORKFLOW = (
    HEAD.format("Workflow")
    + "spec:\n  tasks: [{{name: a, query: nobody}}]\n  schedule:\n    cron: {cron}\n    timezone: {zone}\n"
)
PLACES = {"Schedule": SCHEDULE, "Import": IMPORT, "Activation": ACTIVATION, "Query": QUERY, "Workflow": WORKFLOW}
TEXTS = {kind: text.replace("{{", "{").replace("}}", "}") for kind, text in PLACES.items()}


def timed(kind: str, cron: str = '"0 3 * * *"', zone: str = "UTC") -> str:
    return TEXTS[kind].replace("{cron}", cron).replace("{zone}", zone)


def test_the_tables_below_are_of_all_kinds_that_have_a_timing() -> None:
    assert {kind for kind in KINDS if timing_paths(kind)} == PLACES.keys()


@pytest.mark.parametrize("kind", PLACES)
@pytest.mark.parametrize(
    ("cron", "zone", "rule", "message"),
    [
        ("every day", "UTC", "cron-fields", "cron`: 'every day' has 2 fields where five should be"),
        ('"0 25 * * *"', "UTC", "cron-value", "cron`: hour 25 is outside 0 to 23"),
        ('"@weekly"', "UTC", "cron-preset", "cron`: '@weekly' is not a preset; there are @hourly, @daily, @monthly"),
        ('"0 0 31 2 *"', "UTC", "cron-never-runs", "cron`: '0 0 31 2 *' never runs: no such day exists"),
        ('"@daily"', "PST", "timezone-not-a-city", "timezone`: 'PST' is not a region and city, nor UTC"),
        ('"@daily"', "Asia/Tokio", "timezone-unknown", "timezone`: 'Asia/Tokio' is not a known zone"),
        ('""', "Mars/Base", "timezone-not-a-city", "timezone`: 'Mars/Base' is not a region and city, nor UTC"),
    ],
)
def test_a_timing_that_cannot_be_used_is_found_at_its_place_with_its_line(
    kind: str, cron: str, zone: str, rule: str, message: str, refused: Refusals
) -> None:
    text = timed(kind, cron, zone)
    found = [one for one in refused({"manifests/a.yaml": text}) if one.rule != "unresolved-reference"]
    field = message.partition("`")[0]
    line = next(number for number, written in enumerate(text.splitlines(), 1) if written.strip().startswith(field))
    written = text.splitlines()[line - 1]
    where = "spec" if kind == "Schedule" else "spec.schedule"
    assert brief(found) == [f"{rule} manifests/a.yaml:{line}:{written.index(':') + 3} `{where}.{message}"]
    (only,) = found
    assert only.subject == f"{kind.lower()}/x"
    assert only.path == f"/{where.replace('.', '/')}/{field}"
    # Of documents that may hold secrets no value is shown.
    shown = f"{written.partition(':')[0]}: …" if kind in {"Workflow", "Import"} else written
    assert only.frame.splitlines()[0].endswith(shown)
    assert only.hint


def test_they_come_together_with_all_other_mistakes_even_of_the_same_document(refused: Refusals) -> None:
    files = {
        "manifests/a.yaml": timed("Query", "every day", "PST").replace("database: x", "databse: x"),
        "manifests/b.yaml": timed("Schedule", '"60 * * * *"') + "  delay: soon\n  when: never\n",
    }
    assert brief(refused(files)) == [
        "missing-key manifests/a.yaml:4:1 `spec.database` is missing",
        "unknown-key manifests/a.yaml:5:3 key `databse` is not known here",
        "cron-fields manifests/a.yaml:8:11 `spec.schedule.cron`: 'every day' has 2 fields where five should be",
        "timezone-not-a-city manifests/a.yaml:9:15 `spec.schedule.timezone`: 'PST' is not a region and city, nor UTC",
        "cron-value manifests/b.yaml:5:9 `spec.cron`: minute 60 is outside 0 to 59",
        "wrong-type manifests/b.yaml:7:10 `spec.delay` must be a whole number: 'soon'",
        "unknown-key manifests/b.yaml:8:3 key `when` is not known here",
    ]


@pytest.mark.parametrize("kind", PLACES)
@pytest.mark.parametrize("delay", ["-5", "1.5h", "an hour", "[1]", "-10m"])
def test_a_delay_that_is_none_is_found_in_the_same_pass(kind: str, delay: str, refused: Refusals) -> None:
    indent = "  " if kind == "Schedule" else "    "
    text = timed(kind, "every day") + f"{indent}delay: {delay}\n"
    found = [one for one in refused({"manifests/a.yaml": text}) if one.rule != "unresolved-reference"]
    assert [one.path.rpartition("/")[2] for one in found] == ["cron", "delay"]
    assert all(one.position and one.frame for one in found)


@pytest.mark.parametrize(
    ("field", "value"),
    [("cron", "9" * 4000), ("cron", ("1," * 150) + "99"), ("cron", "x " * 200), ("timezone", "Z" * 5000)],
)
def test_an_over_long_value_is_not_repeated_in_full(field: str, value: str, refused: Refusals) -> None:
    text = timed(
        "Schedule", f'"{value} * * * *"' if field == "cron" else '"@daily"', value if field != "cron" else "UTC"
    )
    (found,) = refused({"manifests/a.yaml": text})
    assert max(len(found.message), len(found.hint), len(found.frame)) < 300


def test_what_an_environment_variable_holds_is_not_repeated(refused: Refusals) -> None:
    (found,) = refused({"manifests/a.yaml": timed("Schedule", '"${env:CRON}"')}, environ={"CRON": "hunter2"})
    assert found.message == "`spec.cron`: what the environment variable holds cannot be used"
    assert "hunter2" not in found.hint + found.frame


def test_a_variable_is_checked_as_what_it_holds(refused: Refusals) -> None:
    (found,) = refused({"manifests/a.yaml": timed("Schedule", '"0 ${var:hour} * * *"')}, variables={"hour": "30"})
    assert found.message == "`spec.cron`: hour 30 is outside 0 to 23"


def test_the_environment_says_how_a_text_is_read(loaded: Load, refused: Refusals) -> None:
    by_the_vendors_page_never = {"manifests/a.yaml": timed("Schedule", '"0 0 */31 2 *"')}
    (found,) = refused(by_the_vendors_page_never)
    assert found.rule == "cron-never-runs"
    classic = "apiVersion: tdr/v1\nproject: shop\nenvironments:\n  local: {cron_dialect: classic}\n"
    assert len(loaded({**by_the_vendors_page_never, "tdr.yaml": classic}).resources) == 1


def test_good_timings_are_no_mistake(loaded: Load) -> None:
    files = {
        f"manifests/{kind}.yaml": timed(kind, '"*/5 1-3 * * mon,fri"', "Asia/Tokyo") for kind in ("Schedule", "Import")
    }
    assert len(loaded({**files, "manifests/q.yaml": query("sql: select 1\nschedule: x")}).resources) == 3
