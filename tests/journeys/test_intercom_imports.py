"""Imports from Intercom as people keep them: declared, planned, applied, run, taken over, changed, and read by td-client."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from made_by_others import served
from stage import Stage, environment, files_below, leaks

from reconciler.emulators.intercom.knobs import Knobs
from reconciler.emulators.intercom.sandbox import IntercomSandbox
from reconciler.emulators.intercom.world import World
from reconciler.emulators.timeline import Timeline

TOKEN = "dG9rOkZBS0VfaW50ZXJjb21fdG9rZW4="
DAY = 86_400
MANIFESTS = {
    "tdr.yaml": "apiVersion: tdr/v1\nproject: support\n",
    "manifests/environments/local.yaml": 'endpoints: {intercom: "${var:intercom}"}\n',
    "manifests/support.yaml": """\
apiVersion: tdr/v1
kind: Database
metadata: {name: support}
spec: {}
---
apiVersion: tdr/v1
kind: Connection
metadata: {name: intercom-main}
spec: {type: intercom, access_token: "${secret:env:INTERCOM_TOKEN}"}
---
apiVersion: tdr/v1
kind: Schedule
metadata: {name: nightly}
spec: {cron: "0 3 * * *", timezone: Asia/Tokyo, delay: 10m}
---
apiVersion: tdr/v1
kind: Import
metadata: {name: people}
spec:
  from: {type: intercom, connection: intercom-main, target: users, incremental: true}
  to: {database: support, table: people}
  schedule: nightly
---
apiVersion: tdr/v1
kind: Import
metadata: {name: tags}
spec:
  from: {type: intercom, connection: intercom-main, target: tags}
  to: {database: support, table: tags, mode: replace}
""",
}


@pytest.fixture
def support(tmp_path: Path) -> Iterator[tuple[Stage, IntercomSandbox]]:
    """A project of imports from an Intercom whose time is the project's."""
    folder = tmp_path / "support"
    folder.mkdir()
    stage = Stage(folder, None, environment(folder))
    knobs = Knobs(calls_per_window=0)
    with IntercomSandbox(TOKEN, knobs=knobs, timeline=Timeline(stage.clock.now)) as intercom:
        stage.environ |= {"TDR_VAR_intercom": intercom.base_url, "INTERCOM_TOKEN": TOKEN}
        for path, text in MANIFESTS.items():
            stage.write(path, text)
        yield stage, intercom


@pytest.fixture
def stage(support: tuple[Stage, IntercomSandbox]) -> Stage:
    return support[0]


@pytest.fixture
def world(support: tuple[Stage, IntercomSandbox]) -> World:
    return support[1].intercom.world


def table(stage: Stage, sql: str) -> list[Any]:
    with stage.somebody() as td:
        job = td.issue_job("presto", "support", {"query": sql}, "")
        while td.job(job)["status"] not in {"success", "error"}:
            stage.clock.sleep(0.05)
        assert td.job(job)["status"] == "success", td.job(job)["debug"]
        return td.job_rows(job)


def plan(stage: Stage, **environ: str) -> dict[str, int]:
    summary: dict[str, int] = stage.tdr("plan", "--format", "json", **environ).document["summary"]
    return summary


def test_it_is_planned_applied_and_run_and_the_next_run_brings_what_changed(stage: Stage, world: World) -> None:
    people = [world.put_contact(f"c{number}", {"name": f"Person {number}"})["id"] for number in range(3)]
    assert "(known after connection/intercom-main)" in stage.tdr("plan").out
    stage.tdr("apply", "--yes")
    assert stage.tdr("plan", "--detailed-exitcode").code == 0

    stage.tdr("run", "import/people")
    world.put_contact("c1", {"name": "Renamed"})
    world.put_contact("c9", {"name": "New"})
    stage.tdr("run", "import/people")

    rows = table(stage, "SELECT id, name FROM people ORDER BY id")
    assert people == ["c0", "c1", "c2"]
    assert rows == [["c0", "Person 0"], ["c1", "Renamed"], ["c2", "Person 2"], ["c9", "New"]]
    assert plan(stage) == {"noop": 4}, "what a run remembers is nobody's change"
    with stage.somebody() as td:
        told = td.bulk_load("people")
    assert told["config_diff"]["target"] == "users"
    assert told["config"]["in"]["td_authentication_id"] == 1
    assert (told["cron"], told["timezone"], told["delay"]) == ("0 3 * * *", "Asia/Tokyo", 600)


@pytest.mark.parametrize(
    ("mode", "after_none", "after_one"),
    [
        ("append", ["t1", "t2"], ["t1", "t2", "t3"]),
        ("replace", [], ["t3"]),
        ("replace_on_new_data", ["t1", "t2"], ["t3"]),
    ],
)
def test_a_placement_decides_what_becomes_of_the_rows_before(
    stage: Stage, world: World, mode: str, after_none: list[str], after_one: list[str]
) -> None:
    stage.edit("manifests/support.yaml", "mode: replace", f"mode: {mode}")
    stage.tdr("apply", "--yes")
    seen = []
    for tags in (["t1", "t2"], [], ["t3"]):
        world.tags.clear()
        for tag in tags:
            world.put_tag(tag, {})
        stage.tdr("run", "import/tags")
        seen.append([row[0] for row in table(stage, "SELECT id FROM tags ORDER BY id")])
    assert seen == [["t1", "t2"], after_none, after_one]


def test_a_run_that_intercom_breaks_off_leaves_the_table_and_the_next_one_makes_it_whole(
    support: tuple[Stage, IntercomSandbox],
) -> None:
    stage, intercom = support
    world = intercom.intercom.world
    stage.tdr("apply", "--yes")
    for number in range(200):
        world.put_contact(f"c{number:03}", {"updated_at": 1_700_000_000 + number})
    stage.tdr("run", "import/people")
    for number in range(100, 320):
        world.put_contact(f"c{number:03}", {"name": "changed"})
    intercom.control.fault("error", status=403, path="/contacts/search", nth=2)

    failed = stage.tdr("run", "import/people", expect=None)

    assert failed.code != 0
    assert "Intercom: POST /contacts/search answered 403" in failed.out + failed.err
    counted = "SELECT count(1), count(DISTINCT id), count(name) FROM people"
    assert table(stage, counted) == [[200, 200, 0]]
    stage.tdr("run", "import/people")
    assert table(stage, counted) == [[320, 320, 220]]


def test_a_token_of_its_own_never_shows_and_its_change_is_seen(stage: Stage, world: World) -> None:
    world.put_tag("t1", {})
    own = 'access_token: "${secret:env:INTERCOM_TOKEN}", target: tags'
    stage.edit("manifests/support.yaml", "connection: intercom-main, target: tags", own)
    stage.tdr("apply", "--yes")
    stage.tdr("run", "import/tags")
    assert plan(stage) == {"noop": 4}

    world.tokens.add("another-FAKE-token-1234567890")
    changed = stage.tdr("plan", INTERCOM_TOKEN="another-FAKE-token-1234567890")
    assert "access_token" in changed.out
    stage.tdr("apply", "--yes", INTERCOM_TOKEN="another-FAKE-token-1234567890")
    assert plan(stage, INTERCOM_TOKEN="another-FAKE-token-1234567890") == {"noop": 4}

    secrets = [TOKEN, "another-FAKE-token-1234567890"]
    files = files_below(stage.folder)
    assert leaks(files | {str(n): text.encode() for n, text in enumerate(stage.heard)}, secrets) == []


def test_loads_that_td_client_made_are_taken_over_and_the_next_plan_is_empty(stage: Stage, world: World) -> None:
    world.put_contact("c1", {"name": "Person"})
    stage.tdr("apply", "--yes", "--target", "connection/intercom-main", "--target", "database/support")
    sources: dict[str, dict[str, Any]] = {
        "of a connection": {"td_authentication_id": 1, "target": "users", "incremental": True},
        "of a token": {"access_token": TOKEN, "target": "conversations", "incremental": False},
        "both ways": {"access_token": TOKEN, "app_id": "a1", "api_key": "FAKE-key-of-old", "target": "segments"},
        "the old way": {"app_id": "a1", "api_key": "FAKE-key-of-old", "target": "tags"},
    }
    with served(stage) as td:
        for name, source in sources.items():
            config = {"in": {"type": "intercom", **source}, "out": {"mode": "append"}}
            td.api.connector_create(name, "support", "people", {"config": config})
        job = td.api.connector_run("of a connection")
        assert job["job_id"]
    (stage.folder / "manifests/support.yaml").write_text(
        MANIFESTS["manifests/support.yaml"].split("---\napiVersion: tdr/v1\nkind: Schedule")[0]
    )
    environ = {
        "OF_A_TOKEN_ACCESS_TOKEN": TOKEN,
        "BOTH_WAYS_ACCESS_TOKEN": TOKEN,
        "THE_OLD_WAY_API_KEY": "FAKE-key-of-old",
    }

    said = stage.tdr("import", "--all", "--yes", "--format", "json", **environ)

    assert said.document["left_out"] == []
    folder = stage.folder / "manifests/imports"
    specs = {
        path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))["spec"]["from"] for path in folder.glob("*.yaml")
    }
    assert specs == {
        "of-a-connection": {
            "type": "intercom",
            "connection": "intercom-main",
            "target": "users",
            "incremental": True,
        },
        "of-a-token": {
            "type": "intercom",
            "access_token": "${secret:env:OF_A_TOKEN_ACCESS_TOKEN}",
            "target": "conversations",
        },
        "both-ways": {"type": "intercom", "access_token": "${secret:env:BOTH_WAYS_ACCESS_TOKEN}", "target": "segments"},
        "the-old-way": {
            "type": "intercom",
            "app_id": "a1",
            "api_key": "${secret:env:THE_OLD_WAY_API_KEY}",
            "target": "tags",
        },
    }
    assert set(plan(stage, **environ)) == {"noop"}
    assert "Intercom has retired app ids with API keys" in stage.tdr("plan", **environ).out


@pytest.mark.parametrize("target", ["tags", "segments"])
def test_what_is_told_whole_has_no_incremental_mode(stage: Stage, target: str) -> None:
    stage.edit("manifests/support.yaml", "target: tags", f"target: {target}, incremental: true")
    assert f"target {target} has no incremental mode" in stage.tdr("validate", expect=7).err


def test_a_connection_that_a_person_made_is_named_without_a_document(stage: Stage, world: World) -> None:
    world.put_tag("t1", {})
    stage.tdr("apply", "--yes")
    with stage.somebody() as td:
        settings = {"name": "made-in-the-console", "type": "intercom", "settings": {"access_token": TOKEN}}
        td.create_connection(settings)
    stage.edit(
        "manifests/support.yaml",
        "connection: intercom-main, target: tags",
        "connection: made-in-the-console, target: tags",
    )
    stage.tdr("apply", "--yes")
    assert plan(stage) == {"noop": 4}
    stage.tdr("run", "import/tags")
    assert table(stage, "SELECT id FROM tags") == [["t1"]]


def test_what_somebody_changed_is_shown_and_accepted_into_the_manifest(stage: Stage) -> None:
    stage.tdr("apply", "--yes")
    with stage.somebody() as td:
        (there,) = [one for one in td.bulk_loads() if one["name"] == "people"]
        config = there["config"]
        assert isinstance(config, dict)
        source = {**config["in"], "target": "conversations", "incremental": False}
        td.update_bulk_load("people", {"config": {"in": source, "out": {"mode": "append"}}})
    said = stage.tdr("drift", expect=2).out
    assert '"users" → "conversations"' in said

    stage.tdr("drift", "--accept", "import/people")

    text = (stage.folder / "manifests/support.yaml").read_text(encoding="utf-8")
    assert "from: {type: intercom, connection: intercom-main, target: conversations}" in text
    assert stage.tdr("plan", "--detailed-exitcode").code == 0


def test_a_preview_shows_columns_and_rows_and_nobody_in_them(support: tuple[Stage, IntercomSandbox]) -> None:
    stage, intercom = support
    intercom.intercom.world.put_contact("c1", {"email": "jane@example.com", "name": "Jane Doe", "signed_up_at": 5})
    refused = stage.tdr("preview", "import/people", expect=1)
    assert "import/people waits for connection/intercom-main" in refused.err
    stage.tdr("apply", "--yes", "--target", "connection/intercom-main")

    said = stage.tdr("preview", "import/people").out
    told = stage.tdr("preview", "import/people", "--format", "json").document

    assert said.startswith("import/people: 45 columns, first 1 row\n\nid")
    cells = {line.split()[0]: line.split()[1:] for line in said.splitlines()[2:]}
    assert (cells["signed_up_at"], cells["email"]) == (["long", "5"], ["string", "***"])
    assert cells["custom_attributes"] == ["string", "{…}"]
    assert told["schema"][:2] == [{"name": "id", "type": "string"}, {"name": "external_id", "type": "string"}]
    assert "Jane" not in said + str(told)
    assert "jane@" not in said + str(told)
    assert stage.tdr("preview", "query/people", expect=1).err.startswith("error: query/people is neither an import nor")
    with stage.somebody() as td:
        assert (td.bulk_loads(), td.databases()) == ([], [])


@pytest.mark.parametrize("page", [1, 3])
def test_a_run_that_is_killed_on_the_way_loses_and_doubles_nothing(
    support: tuple[Stage, IntercomSandbox], page: int
) -> None:
    stage, intercom = support
    for number in range(400):
        intercom.intercom.world.put_contact(f"c{number:03}", {"updated_at": 1_700_000_000 + number})
    stage.tdr("apply", "--yes")
    intercom.control.fault("slow", delay_s=60, path="/contacts/search", nth=page)
    running = stage.spawn("run", "import/people")
    while not [one for one in intercom.control.traffic() if one["faults"] == ["slow"]]:
        assert running.poll() is None
        time.sleep(0.01)
    running.kill()
    running.communicate()
    intercom.control.clear_faults()

    stage.tdr("run", "import/people")
    stage.tdr("run", "import/people")

    assert table(stage, "SELECT count(1), count(DISTINCT id), min(id), max(id) FROM people") == [
        [400, 400, "c000", "c399"]
    ]
    with stage.somebody() as td:
        told = td.bulk_load("people")["config_diff"]
    assert told == {"target": "users", "leads": False, "updated_at": 1_700_000_399}


@pytest.mark.parametrize(
    ("schedule", "hour", "minute", "zone"),
    [
        ("nightly", 3, 10, "Asia/Tokyo"),
        ('{cron: "@daily", timezone: America/New_York, delay: 90s}', 0, 1.5, "America/New_York"),
        ('{cron: "30 6 * * *"}', 6, 30, "UTC"),
    ],
    ids=["a named one, delayed", "a preset, delayed", "UTC, at once"],
)
def test_a_schedule_fires_in_its_zone_after_its_delay(
    stage: Stage, world: World, schedule: str, hour: int, minute: float, zone: str
) -> None:
    world.put_contact("c1", {})
    stage.edit("manifests/support.yaml", "schedule: nightly", f"schedule: {schedule}")
    stage.tdr("apply", "--yes")
    tomorrow = datetime.fromtimestamp(stage.clock.now(), ZoneInfo(zone)) + timedelta(days=1)
    midnight = tomorrow.replace(hour=0, minute=0, second=0, microsecond=0)
    due = (midnight.replace(hour=hour) + timedelta(minutes=minute)).timestamp()

    with stage.opened() as runtime:
        assert runtime.embedded is not None
        service = runtime.embedded.service()
        service.scheduler.tick(due - 7_200)  # today's, if it is still to come
        assert service.wait(60)
        assert service.scheduler.tick(due - 1) == 0
        assert service.scheduler.tick(due) == 1
        assert service.wait(60)
        jobs = runtime.embedded.client().bulk_load_jobs("people")

    assert jobs[0]["status"] == "success"
    assert table(stage, "SELECT id FROM people") == [["c1"]]


def test_a_zone_that_is_an_abbreviation_is_refused(stage: Stage) -> None:
    stage.edit("manifests/support.yaml", "timezone: Asia/Tokyo", "timezone: PST")
    assert "PST" in stage.tdr("validate", expect=7).err


def test_a_connection_of_both_ways_is_taken_over_with_its_token_only(stage: Stage) -> None:
    stage.write("manifests/support.yaml", "apiVersion: tdr/v1\nkind: Database\nmetadata: {name: support}\nspec: {}\n")
    with stage.somebody() as td:
        of_both = {
            "access_token": TOKEN,
            "app_id": "a1",
            "api_key": "FAKE-key-of-old",
            "base_url": "https://api.eu.intercom.io",
        }
        td.create_connection({"name": "both", "type": "intercom", "settings": of_both})
        td.create_connection({"name": "old", "type": "intercom", "settings": {"app_id": "a1", "api_key": "FAKE-key"}})
    secrets = {"BOTH_ACCESS_TOKEN": TOKEN, "OLD_API_KEY": "FAKE-key-of-old"}

    stage.tdr("import", "--all", "--yes", **secrets)

    folder = stage.folder / "manifests/connections"
    specs = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))["spec"] for path in folder.glob("*.yaml")}
    assert specs == {
        "both": {"type": "intercom", "access_token": "${secret:env:BOTH_ACCESS_TOKEN}", "region": "eu"},
        "old": {"type": "intercom", "api_key": "${secret:env:OLD_API_KEY}", "app_id": "a1"},
    }
    assert plan(stage, **secrets) == {"create": 1, "noop": 2}


def test_a_run_that_somebody_ends_stops_with_the_page_that_it_reads(
    support: tuple[Stage, IntercomSandbox],
) -> None:
    stage, intercom = support
    for number in range(900):
        intercom.intercom.world.put_contact(f"c{number:03}", {"updated_at": 1_700_000_000 + number})
    stage.tdr("apply", "--yes")
    intercom.control.fault("slow", delay_s=0.5, path="/contacts/search", nth=2)
    with stage.opened() as runtime:
        assert runtime.embedded is not None
        service, client = runtime.embedded.service(), runtime.embedded.client()
        job = client.run_bulk_load("people", "")
        while len(intercom.control.traffic()) < 2:
            time.sleep(0.01)
        service.runner.kill(int(job))
        assert service.wait(60)
        assert client.job(job)["status"] == "killed"
        assert client.bulk_load("people")["config_diff"] == {}

    assert len(intercom.control.traffic()) == 2


def test_td_client_guesses_previews_and_issues_a_load(stage: Stage, world: World) -> None:
    for number in range(30):
        world.put_contact(f"c{number:02}", {"created_at": 1_700_000_000 + number, "email": f"p{number}@example.com"})
    stage.tdr("apply", "--yes", "--target", "database/support")
    config = {"in": {"type": "intercom", "access_token": TOKEN, "target": "users"}, "out": {"mode": "append"}}
    with served(stage) as td:
        guessed = td.api.connector_guess(config)["config"]
        previewed = td.api.connector_preview({"config": guessed})
        td.create_log_table("support", "people")
        guessed["out"]["time_column"] = "created_at"
        job = td.job(td.api.connector_issue("support", "people", {"config": {**guessed, "filters": []}}))
        job.wait(timeout=60)
        assert job.success(), job.debug

    assert guessed["in"]["columns"][0] == ["id", "string"]
    assert [one["name"] for one in previewed["schema"]][:3] == ["id", "external_id", "email"]
    assert [one["type"] for one in previewed["schema"] if one["name"] == "created_at"] == ["long"]
    assert len(previewed["records"]) == 20
    assert table(stage, "SELECT count(1), min(time), max(time) FROM people") == [[30, 1_700_000_000, 1_700_000_029]]


def doctored(stage: Stage, *, expect: int | None = 0, **environ: str) -> dict[str, Any]:
    document = stage.tdr("doctor", "--format", "json", expect=expect, **environ).document
    (found,) = [one for one in document["checks"] if one["check"] == "intercom"]
    return dict(found)


def test_doctor_tells_workspace_zone_and_limit_and_nobody_in_it(
    stage: Stage, support: tuple[Stage, IntercomSandbox]
) -> None:
    support[1].intercom.world.knobs = Knobs(calls_per_window=50, timezone="Asia/Tokyo")

    told = doctored(stage)

    assert told["ok"]
    assert told["message"] == (
        "connection/intercom-main is 'Sandbox workspace' (wsp00001) in US, zone Asia/Tokyo, "
        "50 requests in ten seconds (49 left)"
    )
    assert "admin@example.com" not in "".join(stage.heard)


def test_doctor_tells_a_wrong_token_and_goes_on(stage: Stage) -> None:
    told = doctored(stage, expect=1, INTERCOM_TOKEN="RkFLRV93cm9uZ190b2tlbg==")

    assert not told["ok"]
    assert told["message"].startswith("connection/intercom-main: ")
    assert "of this region" in told["hint"]
    assert "RkFLRV93cm9uZ190b2tlbg" not in "".join(stage.heard)


def test_doctor_tells_of_every_connection_also_when_one_is_refused(stage: Stage) -> None:
    other = MANIFESTS["manifests/support.yaml"].split("---\n")[1].replace("intercom-main", "a-wrong-one")
    stage.write("manifests/other.yaml", other.replace("INTERCOM_TOKEN", "OTHER_TOKEN"))

    told = doctored(stage, expect=1, OTHER_TOKEN="RkFLRV93cm9uZ190b2tlbg==")["message"]

    assert "connection/a-wrong-one: " in told
    assert "connection/intercom-main is 'Sandbox workspace'" in told


def test_doctor_asks_nobody_for_a_connection_that_is_made_elsewhere(stage: Stage) -> None:
    stage.write(
        "manifests/other.yaml",
        "apiVersion: tdr/v1\nkind: Connection\nmetadata: {name: console}\nspec: {type: intercom}\n",
    )

    assert "connection/console has no token here" in doctored(stage, expect=None)["message"]
