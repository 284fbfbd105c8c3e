"""Schedules in the plans of a real project: next runs stand apart, and only they move with the clock."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator
from stage import Stage

MANIFEST = "manifests/shop.yaml"
FRIDAY, SATURDAY = "2026-03-27T12:00:00Z", "2026-03-28T12:00:00Z"
UNUSED = '---\napiVersion: tdr/v1\nkind: Schedule\nmetadata: {name: nightly}\nspec: {cron: "CRON"}\n'


def rescheduled(project: Stage, schedule: str) -> None:
    text = (project.folder / MANIFEST).read_text(encoding="utf-8")
    project.write(MANIFEST, text.replace('{cron: "0 3 * * *", timezone: Asia/Tokyo}', schedule))


def planned(project: Stage, now: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(project.tdr("plan", "--format", "json", TDR_NOW=now).out)
    schema = json.loads((files("reconciler.reports") / "schemas" / "plan.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(document)
    return document


def test_next_runs_move_with_the_clock_and_nothing_else_of_a_plan_does(applied: Stage) -> None:
    rescheduled(applied, '{cron: "30 2 * * *", timezone: Europe/Berlin}')

    friday, saturday = planned(applied, FRIDAY), planned(applied, SATURDAY)

    (entry,) = friday["schedules"]["entries"]
    assert entry["address"] == "query/buyers-per-month"
    assert entry["before"]["meaning"] == "daily at 03:00 Asia/Tokyo"
    assert [run["utc"] for run in entry["after"]["next_runs"]] == [
        "2026-03-28T01:30:00Z",
        "2026-03-29T01:30:00Z",
        "2026-03-30T00:30:00Z",
    ]
    assert friday["schedules"]["computed_at"] == FRIDAY
    assert saturday["schedules"] != friday["schedules"]
    apart = ("schedules", "created_at")
    assert {key: value for key, value in friday.items() if key not in apart} == {
        key: value for key, value in saturday.items() if key not in apart
    }


def test_a_saved_plan_shows_the_runs_it_was_reviewed_with_and_applies_later(applied: Stage) -> None:
    rescheduled(applied, '{cron: "30 2 * * *", timezone: Europe/Berlin}')
    reviewed = applied.tdr("plan", "--out", "plan.json", TDR_NOW=FRIDAY).out

    assert "    was daily at 03:00 Asia/Tokyo\n" in reviewed
    assert applied.tdr("show", "plan.json", TDR_NOW=SATURDAY).out == reviewed
    applied.tdr("apply", "plan.json", TDR_NOW=SATURDAY)
    assert planned(applied, SATURDAY)["schedules"]["entries"] == []


def test_a_schedule_that_nothing_uses_is_looked_at_all_the_same(project: Stage) -> None:
    text = (project.folder / MANIFEST).read_text(encoding="utf-8")
    project.write(MANIFEST, text + UNUSED.replace("CRON", "0 0 1-7 * 1"))
    said = project.tdr("validate").out
    assert "notice[both-days]: day of week 1 has no effect" in said
    assert '   | spec: {cron: "0 0 1-7 * 1"}\n   |              ^\n' in said

    project.write(MANIFEST, text + UNUSED.replace("CRON", "0 25 * * *"))
    assert "error[cron-value]: `spec.cron`: hour 25 is outside 0 to 23\n" in project.tdr("validate", expect=7).err


def test_what_is_known_of_a_shared_schedule_is_told_once(project: Stage) -> None:
    rescheduled(project, "nightly")
    text = (project.folder / MANIFEST).read_text(encoding="utf-8")
    project.write(MANIFEST, text + UNUSED.replace("CRON", "0 0 1-7 * 1"))
    assert project.tdr("validate").out.count("notice[both-days]") == 1
