"""`tdr doctor --probe`, as a user has it."""

from __future__ import annotations

import json
from typing import Any

from stage import Stage
from test_answered_documents import valid


def effects(said: dict[str, Any]) -> dict[str, str]:
    return {one["fact"]: one["effect"] for one in said["facts"]}


def test_what_a_person_wrote_is_told_as_what_is_done(project: Stage) -> None:
    project.write(
        "manifests/environments/local.yaml", "treasure_data: {facts: {sunday_is_seven: false, users_listed: true}}\n"
    )

    said = effects(project.tdr("doctor", "--probe", "--format", "json").document)

    assert said["sunday_is_seven"] == "Sunday is sent as 0 (the environment says no)"
    assert said["users_listed"] == "`notify.emails` of an activation are users (the environment says yes)"
    assert said["repeat_units_told"] == "the default stays"


def test_the_probe_keeps_answers_and_the_doctor_refuses_those_of_another_account(project: Stage) -> None:
    kept = project.folder / "manifests/environments/local.probe.json"

    said = project.tdr("doctor", "--probe", "--format", "json").document

    assert {one["fact"]: one["answer"] for one in said["facts"]}["connections_listed"] == "yes"
    record = json.loads(kept.read_text(encoding="utf-8"))
    assert (record["host"], record["answers"]["connections_listed"]) == ("embedded", "yes")
    checks = {one["check"]: one for one in project.tdr("doctor", "--format", "json").document["checks"]}
    assert "asked 0 days ago" in checks["facts"]["message"]
    valid(record)
    valid(said)
    project.tdr("validate")

    before = record["answers"] | {"sunday_is_seven": "no", "connections_listed": "no"}
    kept.write_text(json.dumps(record | {"answers": before}), encoding="utf-8")
    said = valid(project.tdr("doctor", "--probe", "--format", "json").document)
    told = {one["fact"]: (one["answer"], one["kept"]) for one in said["facts"]}
    assert (told["sunday_is_seven"], told["connections_listed"]) == (("unknown", "no"), ("yes", "yes"))
    assert effects(said)["sunday_is_seven"] == "Sunday is sent as 0"
    assert "1 of them from before: sunday_is_seven" in next(
        one["message"] for one in said["checks"] if one["check"] == "probe"
    )

    kept.write_text(json.dumps(record | {"account": "us01/2"}), encoding="utf-8")
    checks = {one["check"]: one for one in project.tdr("doctor", "--format", "json", expect=1).document["checks"]}
    assert not checks["facts"]["ok"]
    assert "us01/2" in checks["facts"]["message"]


def test_a_damaged_record_of_answers_is_a_warning_and_nothing_is_known(project: Stage) -> None:
    kept = project.write("manifests/environments/local.probe.json", '{"format": "tdr.probe", "answers": ')

    for verb in ("validate", "plan"):
        said = project.tdr(verb).out
        assert "the file is no record of answers" in said
        assert "manifests/environments/local.probe.json:1:1" in said
        assert "remove it and run `tdr doctor --probe`" in said
    assert "notice: manifests/environments/local.probe.json: the file" in project.tdr("import", "--all").out
    project.tdr("apply", "--yes")
    assert "the file is no record of answers" in project.tdr("drift").err
    project.tdr("state", "list")
    told = project.tdr("doctor", "--format", "json", expect=1).document["checks"]
    (facts,) = [one for one in told if one["check"] == "facts"]
    assert not facts["ok"]
    assert "local.probe.json" in facts["message"]
    assert "tdr doctor --probe" in facts["hint"]

    project.tdr("doctor", "--probe")
    json.loads(kept.read_text(encoding="utf-8"))
    assert "warning" not in project.tdr("plan").out
