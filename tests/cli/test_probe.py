"""`tdr doctor --probe`, as a user has it."""

from __future__ import annotations

import json

from stage import Stage


def test_the_probe_keeps_answers_and_the_doctor_refuses_those_of_another_account(project: Stage) -> None:
    kept = project.folder / "manifests/environments/local.probe.json"

    said = project.tdr("doctor", "--probe", "--format", "json").document

    assert {one["fact"]: one["answer"] for one in said["facts"]}["connections_listed"] == "yes"
    record = json.loads(kept.read_text(encoding="utf-8"))
    assert (record["host"], record["answers"]["connections_listed"]) == ("embedded", "yes")
    checks = {one["check"]: one for one in project.tdr("doctor", "--format", "json").document["checks"]}
    assert "asked 0 days ago" in checks["facts"]["message"]
    project.tdr("validate")

    kept.write_text(json.dumps(record | {"account": "us01/2"}), encoding="utf-8")
    checks = {one["check"]: one for one in project.tdr("doctor", "--format", "json", expect=1).document["checks"]}
    assert not checks["facts"]["ok"]
    assert "us01/2" in checks["facts"]["message"]

    kept.write_text("{}", encoding="utf-8")
    assert "local.probe.json" in project.tdr("plan", expect=64).err
